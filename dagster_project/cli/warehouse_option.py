"""Which warehouse a command asks, and the line that says so: no answer without the release that it comes from."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from dagster_project.errors import EXIT_BAD_INPUT, EXIT_OK
from dagster_project.paths import Paths, demo_paths, real_paths

if TYPE_CHECKING:
    import duckdb

VARIABLE = "NQPF_WAREHOUSE"


def resolve(landing: Path | None, warehouse: Path | None, sidecars: Path | None = None) -> Paths:
    """Paths of the demo, or of a real warehouse when a landing folder is named."""
    if landing is None:
        demo = demo_paths()
        if warehouse is None:
            return demo
        root = warehouse.resolve()
        return Paths(warehouse=root, landing=root / "landing", sidecars=root / "landing")
    return real_paths(landing, warehouse, sidecars)


def reading_paths(warehouse: Path | None) -> Paths:
    """Paths for commands that only read.

    The named warehouse, else NQPF_WAREHOUSE, else that of `nqpf use`, else the real one if published, else the demo.
    """
    folder = warehouse or _folder()
    if folder is not None:
        return real_paths(Path(), folder, Path())
    real = real_paths(Path(), None, Path())
    return real if real.published_file.exists() else demo_paths()


def answering_paths(warehouse: Path | None) -> Paths:
    """As `reading_paths`; the release, the vintage and SYNTHETIC are said on stderr, where no pipe takes them."""
    paths = reading_paths(warehouse)
    announce(paths)
    return paths


def announce(paths: Paths) -> None:
    """One line on stderr: release, data vintage, file. Silent where nothing is published."""
    from dagster_project.published import open_published

    con = open_published(paths)
    if con is not None:
        with con:
            announce_release(con, paths.published_file)


def announce_release(con: "duckdb.DuckDBPyConnection", file: Path, release: str | None = None) -> None:
    """The same line for an open file; of a release that was asked for by name, that name."""
    latest, vintage, synthetic = con.execute(
        "select release, data_vintage, is_synthetic from mart.mart_run_manifest order by started_at desc limit 1"
    ).fetchall()[0]
    mark = "[bold yellow]SYNTHETIC demo data[/], " if synthetic else ""
    Console(stderr=True).print(
        f"{mark}release {release or latest}, data vintage {vintage}, {file}", highlight=False, soft_wrap=True
    )


def use(warehouse: Path | None, console: Console, *, forget: bool) -> int:
    """Remember the warehouse that commands without --warehouse ask, forget it, or say which one it is."""
    if forget:
        _memory().unlink(missing_ok=True)
    elif warehouse is not None:
        root = warehouse.resolve()
        if not real_paths(Path(), root, Path()).published_file.exists():
            console.print(f"Nothing is published in {root}: name the folder that holds published/city.duckdb.")
            return EXIT_BAD_INPUT
        _memory().parent.mkdir(parents=True, exist_ok=True)
        _memory().write_text(f"{root}\n", encoding="utf-8")
    console.print(f"Commands ask {reading_paths(None).published_file}.", highlight=False, soft_wrap=True)
    if os.environ.get(VARIABLE):
        console.print(f"{VARIABLE} is set and comes before `nqpf use`.", highlight=False)
    return EXIT_OK


def _folder() -> Path | None:
    folder = os.environ.get(VARIABLE, "").strip()
    if folder:
        return Path(folder)
    return Path(_memory().read_text(encoding="utf-8").strip()) if _memory().is_file() else None


def _memory() -> Path:
    return Path(typer.get_app_dir("nqpf-warehouse")) / "warehouse"
