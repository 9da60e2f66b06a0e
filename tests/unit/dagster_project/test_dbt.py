"""A build by dbt: results by node, its words where it fails, and no process left where the run is stopped."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from dagster_project.paths import PROJECT, Paths
from dagster_project.run.dbt import DbtCommand, DbtError, build, is_manifest_stale, parse

FILES = {
    "dbt_project.yml": "name: small\nversion: 1.0.0\nprofile: small\n",
    "profiles.yml": "small: {target: a, outputs: {a: {type: duckdb, path: \"{{ env_var('NQPF_BUILD_FILE') }}\"}}}\n",
    "models/one.sql": "select 1 as n union all select null",
    "models/two.sql": "select n from {{ ref('one') }}",
    "models/long.sql": "select count(*) as n from range(1000000000000) as r where random() < 0",
    "models/bad.sql": "{{ config(materialized='table') }} select error('no')",
    "models/twice.sql": "{{ config(materialized='table', meta={'key': ['n']}, post_hook='{{ key_is_unique() }}') }}\n"
    "select unnest([1, 2, 2]) as n",
    "models/lacking.sql": "{{ config(materialized='table', meta={'key': ['n'], 'filled': ['m']},"
    " post_hook='{{ columns_are_filled() }}') }}\nselect unnest([1, null, 2]) as n, 3 as m",
    "macros/keys.sql": (PROJECT / "dbt" / "macros" / "keys.sql").read_text("utf-8"),
    "seeds/names.csv": "a,b\n1,2\n",
    "models/_models.yml": "models: [{name: one, columns: [{name: n, data_tests: [unique, not_null]}]}]\n",
}
NAMED = ("small.one", "small.two", "small.not_null_one_n")  # and not the other test


@pytest.fixture
def paths(tmp_path):
    """A dbt project of a few models."""
    for name, text in FILES.items():
        file = tmp_path / "dbt" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    (tmp_path / "build").mkdir()
    return Paths(tmp_path, tmp_path, tmp_path, project=tmp_path)


def statuses(results):
    return {unique_id.split(".")[2]: result["status"] for unique_id, result in results.items()}


def test_a_failure_has_the_words_of_dbt_and_what_was_done_before_it(paths, capfd):
    with pytest.raises(DbtError, match="Failure in test not_null_one_n") as failed:
        build(paths, NAMED, paths.dbt_target / "runs" / "a", threads=1)
    assert statuses(failed.value.results) == {"one": "success", "not_null_one_n": "fail", "two": "skipped"}
    assert "Failure in test not_null_one_n" in capfd.readouterr().out
    (paths.dbt_project / "models" / "two.sql").write_text("select {{", encoding="utf-8")
    with pytest.raises(DbtError, match="Compilation Error") as failed:
        build(paths, NAMED, paths.dbt_target / "runs" / "b", threads=1)
    assert failed.value.results == {}


PROGRAM = """
import signal
import sys
from pathlib import Path
from dagster_project.paths import Paths
from dagster_project.run.dbt import build
signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run in the background ignores it
root = Path(sys.argv[1])
build(Paths(root, root, root, project=root), ["small.long"], root / "target", threads=1)
"""


def test_one_process_runs_command_after_command_and_reads_changed_files(paths):
    first = build(paths, ["small.one"], paths.dbt_target / "runs" / "a", threads=1)
    (paths.dbt_project / "models" / "one.sql").write_text("select 1 as n", encoding="utf-8")
    second = build(paths, NAMED, paths.dbt_target / "runs" / "b", threads=1)
    assert [*statuses(first)] == ["one"]
    assert statuses(second) == {"one": "success", "not_null_one_n": "pass", "two": "success"}
    assert len(DbtCommand._idle) == 1
    with duckdb.connect(str(paths.build_file)) as con:  # which dbt has closed
        assert con.execute("select n from main.two").fetchall() == [(1,)]


def test_a_failed_statement_leaves_the_build_file_to_others(paths):
    with pytest.raises(DbtError, match="no"):
        build(paths, ["small.bad", "small.names"], paths.dbt_target / "runs" / "a", threads=2)
    duckdb.connect(str(paths.build_file)).close()


def test_a_table_whose_key_stands_twice_or_is_lacking_in_a_row_is_refused(paths):
    with pytest.raises(DbtError) as failed:
        build(paths, ["small.twice", "small.lacking"], paths.dbt_target / "runs" / "a", threads=1)
    assert "more than one row for each of 1 keys (n), as for {'n': 2}" in str(failed.value)
    assert "has 1 rows that lack n or m" in str(failed.value)
    with duckdb.connect(str(paths.build_file)) as con:
        assert con.execute("from duckdb_tables()").fetchall() == []


def test_a_manifest_is_as_good_as_the_content_of_the_files_where_they_are_now(paths):
    parse(paths)
    assert not is_manifest_stale(paths)
    seed = paths.dbt_project / "seeds" / "names.csv"
    seed.write_text("a,b\n1,3\n", encoding="utf-8")
    os.utime(seed, (0, 0))
    paths.dbt_manifest.touch()  # as a warehouse that was copied has it
    assert is_manifest_stale(paths)
    parse(paths)
    assert not is_manifest_stale(paths)
    moved = replace(paths, project=paths.project / "moved")
    moved.project.mkdir()
    paths.dbt_project.rename(moved.dbt_project)
    assert is_manifest_stale(moved)
    build(moved, ["small.names"], paths.dbt_target / "runs" / "b", threads=1)


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_is_stopped_takes_its_dbt_along(paths, how):
    command = [sys.executable, "-c", PROGRAM, str(paths.warehouse)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while not holders(paths.build_file):
            time.sleep(0.05)
            assert process.poll() is None
        process.send_signal(how)
        assert process.wait(timeout=60) != 0
    end = time.monotonic() + 30
    while holders(paths.build_file) and time.monotonic() < end:
        time.sleep(0.1)
    assert holders(paths.build_file) == []


def holders(file):
    """Processes that have the file open."""
    return [link.parts[2] for link in Path("/proc").glob("[0-9]*/fd/*") if os.path.realpath(link) == str(file)]
