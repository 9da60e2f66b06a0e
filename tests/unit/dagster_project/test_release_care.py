"""Hashes of a release, what may be pruned, how much of the disk is used, and how a published file is opened."""

import json
import os

import duckdb
import pytest

from dagster_project.operations.rebuild import RebuildError, earlier_release, table_differences, version_differences
from dagster_project.operations.retention import KEEP_MARK, plan_prune, prune
from dagster_project.paths import Paths
from dagster_project.publish.release.content import table_contents
from dagster_project.publish.release.disk import disk_use, size_of
from dagster_project.publish.release.folder import file_before, file_hashes, write_manifest
from dagster_project.publish.release.verify import verify_release
from dagster_project.published import open_read_only, open_side_by_side


@pytest.fixture
def paths(tmp_path):
    return Paths(tmp_path / "warehouse", tmp_path / "landing", tmp_path / "landing")


def content_of(*rows: str, columns: str = "a integer, x double, t varchar, many varchar[]") -> str:
    with duckdb.connect() as con:
        con.execute(f"create schema mart; create table mart.t ({columns})")
        for row in rows:
            con.execute(f"insert into mart.t values ({row})")
        return table_contents(con)["t"]


def test_the_order_of_rows_does_not_matter():
    rows = ("1, 0.1, 'a', ['x']", "2, null, '', []", "3, 1e-300, null, null")
    assert content_of(*rows) == content_of(*rows[::-1])


@pytest.mark.parametrize(
    "other",
    [
        "1, 0.30000000000000004, 'a', ['x']",
        "1, 0.3, 'b', ['x']",
        "1, 0.3, null, ['x']",
        "1, 0.3, '', ['x']",
        "1, 0.3, 'a', ['x', 'y']",
        "2, 0.3, 'a', ['x']",
        "1, null, 'a', ['x']",
    ],
)
def test_the_last_bit_of_any_value_matters(other):
    assert content_of("1, 0.3, 'a', ['x']") != content_of(other)


def test_a_row_twice_and_another_column_name_matter():
    row = "1, 0.3, 'a', ['x']"
    assert len({content_of(), content_of(row), content_of(row, row), content_of(row, row, row)}) == 4
    assert content_of(row) != content_of(row, columns="b integer, x double, t varchar, many varchar[]")


def test_what_names_the_run_does_not_matter():
    with duckdb.connect() as con:
        con.execute(
            "create schema mart; create table mart.mart_check_result as select 'r1' as run_id, 1 as a;"
            "create table mart.mart_run_manifest as select 'r1' as run_id"
        )
        before = table_contents(con)
        con.execute("update mart.mart_check_result set run_id = 'r2'")
        assert table_contents(con) == before
        assert "mart_run_manifest" not in before


@pytest.fixture
def file(tmp_path):
    made = tmp_path / "it's.duckdb"
    with duckdb.connect(str(made)) as con:
        con.execute("create table t as select 1 as a")
    return made


ESCAPES = (
    "select * from read_text('/etc/hostname')",
    "select * from glob('/*')",
    "copy (select 1) to '/tmp/never.csv'",
    "attach '/tmp/never.duckdb'",
    "install httpfs",
    "load httpfs",
    "set enable_external_access = true",
    "set autoload_known_extensions = true",
    "create table u as select 1",
    "delete from t",
    "from local_frame",
    "select * from 'https://example.org/a.parquet'",
)


@pytest.mark.parametrize("sql", ESCAPES)
def test_a_query_reaches_nothing_but_the_tables(file, sql):
    local_frame = duckdb.sql("select 1 as secret").df()
    with open_read_only(file) as con:
        assert con.execute("from t").fetchall() == [(1,)]
        with pytest.raises(duckdb.Error):
            con.execute(sql).fetchall()
    assert len(local_frame) == 1


def test_side_by_side_it_writes_only_where_it_may(file, tmp_path):
    (tmp_path / "out").mkdir()
    with open_side_by_side({"a": file}, may_write=[tmp_path / "out"]) as con:
        con.execute(f"copy (from a.t) to '{tmp_path}/out/t.csv'")
        with pytest.raises(duckdb.PermissionException):
            con.execute(f"copy (from a.t) to '{tmp_path}/t.csv'")
    assert (tmp_path / "out" / "t.csv").is_file()


def test_a_file_may_be_open_twice_in_one_program(file):
    with open_read_only(file) as one, open_read_only(file) as two:
        assert one.execute("from t").fetchall() == two.execute("from t").fetchall()


def release(paths: Paths, name: str, previous: str | None = None, vintage: str = "2021A") -> None:
    folder = paths.releases / name
    (folder / "csv").mkdir(parents=True)
    (folder / "csv" / "t.csv").write_text("a\n1\n")
    with duckdb.connect(str(folder / "city.duckdb")) as con:
        con.execute("create schema mart; create table mart.t as select 1 as a")
        contents = table_contents(con)
    write_manifest(
        folder,
        {
            "release": name,
            "previous": previous,
            "inputs": [],
            "hashes": {},
            "run": {"data_vintage": vintage, "method_version": "m", "started_at": name, "git_commit": "c"},
            "tables": {"t": {"content": contents["t"]}},
        },
    )


def names(paths: Paths) -> list[str]:
    return sorted(folder.name for folder in paths.releases.iterdir())


def manifest(paths: Paths, name: str) -> dict[str, object]:
    return json.loads((paths.releases / name / "manifest.json").read_text("utf-8"))


def test_an_untouched_release_is_verified(paths):
    release(paths, "2026.1.0")
    verdict = verify_release(paths.releases / "2026.1.0", manifest(paths, "2026.1.0"))
    assert verdict.problems == ()
    assert verdict.n_checked == 3  # two files and a table


def test_what_is_changed_added_or_taken_away_is_named(paths):
    release(paths, "2026.1.0")
    folder, said = paths.releases / "2026.1.0", manifest(paths, "2026.1.0")
    with duckdb.connect(str(folder / "city.duckdb")) as con:
        con.execute("update mart.t set a = 2")
    (folder / "csv" / "t.csv").unlink()
    (folder / "extra.txt").write_text("x")
    assert set(verify_release(folder, said).problems) == {
        "csv/t.csv is missing.",
        "city.duckdb has another sha256 than in the manifest.",
        "extra.txt is not in the manifest.",
        "mart.t in city.duckdb has other rows than the manifest says.",
    }


def test_landing_files_are_verified_where_their_folder_is_known(paths):
    release(paths, "2026.1.0")
    said = {**manifest(paths, "2026.1.0"), "inputs": [{"files": [{"path": "a.csv", "sha256": "0"}]}]}
    folder = paths.releases / "2026.1.0"
    assert verify_release(folder, said).problems == ()
    assert "is missing" in verify_release(folder, said, paths.landing).problems[0]
    paths.landing.mkdir()
    (paths.landing / "a.csv").write_text("x")
    assert "another sha256" in verify_release(folder, said, paths.landing).problems[0]


def test_a_release_of_an_older_version_is_verified_by_the_hashes_it_has(paths):
    release(paths, "2026.1.0")
    folder = paths.releases / "2026.1.0"
    digest = file_hashes(folder)["csv/t.csv"]
    old = {"release": "2026.1.0", "inputs": [], "tables": {"t": {"csv_sha256": digest}}}
    assert verify_release(folder, old).problems == ()
    assert verify_release(folder, old).n_checked == 1
    (folder / "csv" / "t.csv").write_text("a\n2\n")
    assert verify_release(folder, old).problems == ("csv/t.csv has another sha256 than in the manifest.",)


@pytest.fixture
def five(paths):
    """0 -> 1 -> 2 -> 3 -> 4; the vintage changed with 1 and with 3."""
    before = None
    for number, vintage in enumerate(("2021A", "2021B", "2021B", "2021C", "2021C")):
        name = f"2026.1.{number}"
        release(paths, name, before, vintage)
        before = name
    return paths


def test_the_bridge_starts_from_the_last_release_of_another_vintage(five):
    start = {f"2026.1.{n}": earlier_release(five.releases, manifest(five, f"2026.1.{n}")) for n in range(5)}
    assert start == {
        "2026.1.0": None,
        "2026.1.1": "2026.1.0",
        "2026.1.2": "2026.1.0",
        "2026.1.3": "2026.1.2",
        "2026.1.4": "2026.1.2",
    }


def test_a_bridge_without_its_start_is_said_so(five):
    said = manifest(five, "2026.1.1")
    (five.releases / "2026.1.0" / "city.duckdb").unlink()
    with pytest.raises(RebuildError, match=r"Release 2026\.1\.0, which the bridge of 2026\.1\.1 starts from, is not"):
        earlier_release(five.releases, said)


def test_what_a_kept_release_points_to_stays(five):
    plan = plan_prune(five, 1)
    assert {item.release: item.reason for item in plan.items} == {
        "2026.1.4": "the current one",
        "2026.1.3": "2026.1.4 points to it",
        "2026.1.2": "2026.1.4 points to it",
        "2026.1.1": "",
        "2026.1.0": "",
    }
    assert len(names(five)) == 5  # a plan deletes nothing


def test_a_marked_or_linked_release_stays(five):
    (five.releases / "2026.1.1" / KEEP_MARK).write_text("cited by the paper")
    (five.published / "paper").symlink_to(five.releases / "2026.1.0", target_is_directory=True)
    assert plan_prune(five, 1).going == []


def test_pruning_leaves_the_rest_whole(five):
    prune(five, plan_prune(five, 1))
    assert names(five) == ["2026.1.2", "2026.1.3", "2026.1.4"]
    for name in names(five):
        assert verify_release(five.releases / name, manifest(five, name)).problems == ()
    assert plan_prune(five, 1).going == []


def test_the_bridge_starts_from_the_newest_release_of_another_vintage_that_is_there(five):
    assert file_before(five, "no such vintage").parent.name == "2026.1.4"
    newest = manifest(five, "2026.1.4")["run"]["data_vintage"]
    found = file_before(five, newest)
    assert found.parent.name == earlier_release(five.releases, manifest(five, "2026.1.4"))
    found.unlink()
    assert file_before(five, newest).parent.name == "2026.1.1"
    said = manifest(five, "2026.1.1") | {"withdrawn": {"why": "a slip", "when": "2026-02-01"}}
    (five.releases / "2026.1.1" / "manifest.json").write_text(json.dumps(said))
    assert file_before(five, newest).parent.name == "2026.1.0"
    for file in five.releases.glob("*/city.duckdb"):
        file.unlink()
    assert file_before(five, newest) is None


def test_at_least_one_release_stays(five):
    with pytest.raises(ValueError, match="--keep 1 or more"):
        plan_prune(five, 0)


def test_disk_use_adds_up_to_what_is_there(five):
    five.reports.mkdir()
    (five.reports / "a.log").write_bytes(b"x" * 1500)
    (five.warehouse / "notes.txt").write_bytes(b"y" * 10)
    use = disk_use(five).set_index("area")
    everything = sum(f.stat().st_size for f in five.warehouse.rglob("*") if f.is_file())
    assert use["bytes"].sum() == everything
    assert use["files"].sum() == sum(f.is_file() for f in five.warehouse.rglob("*"))
    assert (use.loc["reports", "bytes"], use.loc["other", "bytes"], use.loc["landing", "bytes"]) == (1500, 10, 0)
    assert use.loc["releases", "bytes"] == size_of(five.releases)[0]


def test_tables_that_differ_are_named():
    assert table_differences({"a": "1", "b": "1", "c": "1"}, {"a": "1", "b": "2", "d": "1"}) == [
        "mart.b: the rebuilt table has other rows.",
        "mart.c: not rebuilt.",
        "mart.d: the release does not have it.",
    ]


def test_other_versions_are_said_with_both_numbers():
    said = version_differences({"packages": {"duckdb": "0.1"}, "run": {"python_version": "2.7"}})
    assert len(said) == 2
    assert said[0].startswith("duckdb is ")
    assert said[0].endswith("and was 0.1.")


def test_the_mark_for_a_release_that_must_stay_is_no_fault_of_it(paths):
    release(paths, "2026.1.0")
    (paths.releases / "2026.1.0" / KEEP_MARK).write_text(os.linesep)
    assert verify_release(paths.releases / "2026.1.0", manifest(paths, "2026.1.0")).problems == ()
