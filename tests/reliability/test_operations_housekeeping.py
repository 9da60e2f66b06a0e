"""A refresh a day does not fill the disk with what nobody reads."""

import os

from dagster_project.operations.housekeeping import KEEP_DBT_RUNS, KEEP_LOGS, tidy
from dagster_project.paths import Paths


def test_oldest_compiled_files_and_logs_go_and_nothing_else(tmp_path):
    paths = Paths(tmp_path / "warehouse", tmp_path / "landing", tmp_path / "landing")
    runs, others = (
        paths.dbt_target / "runs",
        [paths.build_file, paths.dbt_target / "manifest.json", paths.logs / "x.txt"],
    )
    paths.logs.mkdir(parents=True)
    for number in range(KEEP_DBT_RUNS + 3):
        (runs / f"r{number}" / "compiled").mkdir(parents=True)
        os.utime(runs / f"r{number}", (number, number))
    for number in range(KEEP_LOGS + 2):
        log = paths.logs / f"refresh_{number:04}.log"
        log.write_text("x", encoding="utf-8")
        os.utime(log, (number, number))
    for file in others:
        file.write_text("x", encoding="utf-8")
    assert {path.name for path in tidy(paths)} == {"r0", "r1", "r2", "refresh_0000.log", "refresh_0001.log"}
    assert len(list(runs.iterdir())) == KEEP_DBT_RUNS
    assert all(file.exists() for file in others)
    assert tidy(paths) == []
