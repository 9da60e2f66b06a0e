"""`nqpf docs`: dbt's page of the tables as they are built now. Each release has its own, tables.html."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from dagster_project.defs.dbt_docs import DbtDocsError, write_page
from dagster_project.paths import Paths
from dagster_project.run.failures import EXIT_BAD_INPUT, EXIT_BUSY, EXIT_FAILED, EXIT_OK
from dagster_project.run.lock import refresh_lock
from dagster_project.store import WarehouseBusy


def page_of(paths: Paths) -> Path:
    return paths.reports / "dbt_docs.html"


def write_docs(paths: Paths, console: Console) -> int:
    """Exit: 0 written, 1 dbt could not, 2 nothing is built yet, 4 busy."""
    if not paths.build_file.exists():
        console.print(f"There is no build file in {paths.warehouse}. Run `nqpf refresh` first.", soft_wrap=True)
        return EXIT_BAD_INPUT
    try:
        with refresh_lock(paths):
            write_page(paths, page_of(paths))
    except WarehouseBusy as busy:
        console.print(str(busy), highlight=False, soft_wrap=True)
        return EXIT_BUSY
    except DbtDocsError as error:
        console.print(str(error), highlight=False, markup=False)
        return EXIT_FAILED
    console.print(f"Open {page_of(paths)} in a browser.", highlight=False, soft_wrap=True)
    return EXIT_OK
