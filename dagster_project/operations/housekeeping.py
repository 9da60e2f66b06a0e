"""What every refresh leaves and nobody reads after some days: dbt's compiled files, logs. Never data, never history."""

import shutil
from pathlib import Path

from dagster_project.paths import Paths

KEEP_DBT_RUNS, KEEP_LOGS = 6, 100  # a refresh has two runs of dbt's; 60 MB of compiled files each time


def tidy(paths: Paths) -> list[Path]:
    """Delete dbt's folders of all but the newest runs, and the oldest logs. The caller holds the refresh lock."""
    gone = _oldest(paths.dbt_target / "runs", "*", KEEP_DBT_RUNS) + _oldest(paths.logs, "refresh_*.log", KEEP_LOGS)
    for path in gone:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return gone


def _oldest(folder: Path, pattern: str, keep: int) -> list[Path]:
    found = sorted(folder.glob(pattern), key=lambda path: (path.stat().st_mtime, path.name))
    return found[: max(len(found) - keep, 0)]
