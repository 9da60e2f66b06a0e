"""`nqpf docs`: tables, columns, tests and lineage as dbt shows them, on one page that needs no network."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from rich.console import Console

from dagster_project.cli.failures import EXIT_BAD_INPUT, EXIT_BUSY, EXIT_FAILED, EXIT_OK
from dagster_project.cli.locking import refresh_lock
from dagster_project.dbt_project import dbt_environment, dbt_executable, is_manifest_stale, parse
from dagster_project.paths import Paths
from dagster_project.warehouse import WarehouseBusy


def page_of(paths: Paths) -> Path:
    return paths.reports / "dbt_docs.html"


def _lay_out_manifest(paths: Paths, target: Path) -> None:
    """The project as it was parsed for the graph: dbt need not do it a second time."""
    if is_manifest_stale(paths):
        parse(paths)
    target.mkdir(parents=True, exist_ok=True)
    for name in ("manifest.json", "partial_parse.msgpack"):
        if (paths.dbt_target / name).exists():
            shutil.copyfile(paths.dbt_target / name, target / name)


def write_docs(paths: Paths, console: Console) -> int:
    """Exit: 0 written, 1 dbt could not, 2 nothing is built yet, 4 busy."""
    if not paths.build_file.exists():
        console.print(f"There is no build file in {paths.warehouse}. Run `nqpf refresh` first.", soft_wrap=True)
        return EXIT_BAD_INPUT
    target = paths.dbt_target / "docs"
    command = [
        str(dbt_executable()), "docs", "generate", "--static", "--no-compile", "--project-dir", str(paths.dbt_project),
    ]  # fmt: skip
    environment = {**os.environ, **dbt_environment(paths), "DBT_TARGET_PATH": str(target)}
    try:
        with refresh_lock(paths):
            _lay_out_manifest(paths, target)
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    except WarehouseBusy as busy:
        console.print(str(busy), highlight=False, soft_wrap=True)
        return EXIT_BUSY
    made = target / "static_index.html"
    if done.returncode != 0 or not made.exists():
        console.print((done.stdout + done.stderr).strip()[-2000:], highlight=False, markup=False)
        return EXIT_FAILED
    page_of(paths).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(made, page_of(paths))
    console.print(f"Open {page_of(paths)} in a browser.", highlight=False, soft_wrap=True)
    return EXIT_OK
