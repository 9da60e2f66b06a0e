"""Before a refresh starts: what must be true is said at once; old logs go; what releases know is recalled.

Cells, loads and verdicts of a new build file come again from the landing files. The names of data vintages and the
list of runs do not: without them the next vintage would take a name that is already used.
"""

import os
import shutil
from pathlib import Path

from dagster_project.operations.faults import SurroundingsError, free_megabytes
from dagster_project.paths import Paths
from dagster_project.publish.exhibits import map as maps
from dagster_project.publish.exhibits.reader import ExportError
from dagster_project.publish.release.folder import known_releases, latest_release
from dagster_project.published import sql_path
from dagster_project.store import Warehouse

SPARE_MB = 20.0
KEEP_DBT_RUNS, KEEP_LOGS = 6, 100  # a refresh has two runs of dbt's; 60 MB of compiled files each time
FROM_PUBLISHED = ("ops.vintage", "ops.run_log")


def check_surroundings(paths: Paths) -> None:
    """SurroundingsError if the warehouse cannot be written, its disk is nearly full, or NQPF_OUTLINES names no map."""
    try:
        maps.note()
    except ExportError as error:
        raise SurroundingsError(str(error)) from error
    for folder in written_folders(paths):
        if not is_writable(folder):
            raise SurroundingsError(
                f"The folder {folder} cannot be written. Give this user write permission"
                " (is the disk mounted read-only?), or name another --warehouse."
            )
    need, free = megabytes_needed(paths), free_megabytes(paths.warehouse)
    if free < need:
        raise SurroundingsError(
            f"The disk of {paths.warehouse} is nearly full: {free:.0f} MB free, a refresh needs about {need:.0f} MB."
            " Make room, e.g. with `nqpf release prune --keep 5`, and run again."
        )


def written_folders(paths: Paths) -> list[Path]:
    parts = (paths.build_file.parent, paths.published, paths.releases, paths.reports, paths.dagster_home)
    return [paths.warehouse, *parts]


def megabytes_needed(paths: Paths) -> float:
    """As much as the build file and the newest release take now (both are written anew), and some spare."""
    newest = latest_release(paths.releases)
    files = [paths.build_file, *((paths.releases / newest).rglob("*") if newest else ())]
    size: int = sum(file.stat().st_size for file in files if file.is_file())
    return size / 1e6 + SPARE_MB


def is_writable(folder: Path) -> bool:
    """Whether files can be made there, or the folder itself where it does not exist. Writes nothing."""
    while not folder.exists():
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def tidy(paths: Paths) -> list[Path]:
    """Delete dbt's folders of all but the newest runs, and the oldest logs. The caller holds the refresh lock."""
    old_paths = _oldest(paths.dbt_target / "runs", "*", KEEP_DBT_RUNS) + _oldest(paths.logs, "refresh_*.log", KEEP_LOGS)
    for path in old_paths:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return old_paths


def _oldest(folder: Path, pattern: str, keep: int) -> list[Path]:
    files = sorted(folder.glob(pattern), key=lambda path: (path.stat().st_mtime, path.name))
    return files[: max(len(files) - keep, 0)]


def recall(paths: Paths, warehouse: Warehouse) -> list[str]:
    """Fill a new build file with the memory of the releases; returns the data vintages that are known again."""
    files = (paths.releases / row["release"] / "city.duckdb" for row in known_releases(paths))
    file = next((file for file in files if file.exists()), None)
    with warehouse.connect() as con:
        if file is None or con.execute("select count(*) from ops.vintage").fetchall() != [(0,)]:
            return []
        con.execute(f"attach '{sql_path(file)}' as release (read_only)")
        con.execute("begin")
        for table in FROM_PUBLISHED:
            con.execute(f"delete from {table}")
            con.execute(f"insert into {table} by name select * from release.{table}")
        con.execute("commit")
        con.execute("detach release")
        names = con.execute("select data_vintage from ops.vintage order by created_at").fetchall()
    return [str(row[0]) for row in names]
