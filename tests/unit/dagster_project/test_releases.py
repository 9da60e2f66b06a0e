"""Releases: names, hashes, the diff page, what may be pruned, and how a published file is opened."""

import datetime as dt
import json
import os
import re

import duckdb
import pandas as pd
import pytest
from text_table import frame_of, words

from dagster_project.operations.rebuild import RebuildError, earlier_release, table_differences, version_differences
from dagster_project.operations.retention import KEEP_MARK, plan_prune, prune
from dagster_project.paths import Paths
from dagster_project.publish.release.content import table_contents
from dagster_project.publish.release.diff_page import diff_html, diff_markdown
from dagster_project.publish.release.disk import disk_use, size_of
from dagster_project.publish.release.folder import file_before, latest_release, next_release, write_manifest
from dagster_project.publish.release.verify import verify_release
from dagster_project.published import open_read_only, open_side_by_side

TODAY = dt.date(2026, 11, 24)


@pytest.mark.parametrize(
    ("there", "is_synthetic", "name"),
    [
        ("", False, "2026.11.0"),
        ("", True, "2026.11.0-SYNTHETIC"),
        ("2026.11.0 2026.11.9-SYNTHETIC 2026.10.12 .2026.11.40.tmp", False, "2026.11.10"),  # across kinds
        ("2026.12.1", False, "2026.12.2"),  # where the clock goes back
        ("2026.12.1 2027.1.0", False, "2027.1.1"),
    ],
)
def test_numbers_of_releases_count_on_within_the_month_and_never_go_back(tmp_path, there, is_synthetic, name):
    for one in words(there):
        (tmp_path / one).mkdir()
    assert next_release(tmp_path, TODAY, is_synthetic=is_synthetic) == name


def test_the_latest_release_is_found_by_number_not_by_letters(tmp_path):
    for name in ("2026.11.2", "2026.11.10", "2026.9.30", "notes"):
        (tmp_path / name).mkdir()
    assert latest_release(tmp_path) == "2026.11.10"
    assert latest_release(tmp_path / "nothing") is None


HOSTILE = "<script>alert(1)</script> | =cmd()"
CELLS = frame_of("""
indicator_code  city_id  year  value_old  value_new  what
q1              CN1      2012  1.0        1.1        revised
q2              CN2      2013  -          2.0        added
""")
SCORES = frame_of("""
index_code  city_id   name_en  year  change  rank_old  rank_new  is_headline  part_revision  part_bounds
x           CN110000  A        2013     0.1         1        22  True                   0.1          0.0
x           CN2       B        2013     0.0         2         1  True                     -            -
x_variant   CN3       C        2013     0.2         9         8  False                    -            -
""")
COEFFICIENTS = frame_of("""
model_id  basis  kind         term  estimate_old  lo_old  hi_old  estimate_new  lo_new  hi_new  change
m         b      coefficient  pr             0.5     0.4     0.6           1.5    1.25       -     1.0
""")


@pytest.fixture
def frames():
    """Two releases of one vintage, in which one score moved."""
    run = {"release": "r", "data_vintage": "2021A", "method_version": "m", "is_synthetic": True}
    gone = {"city_id": ["CN9"], "name_zh": ["壬市"], "name_en": ["Ren"], "what": ["left"], "reason": ["no wages"]}
    bounds = SCORES["part_bounds"]
    return {
        **{name: pd.DataFrame() for name in ("sources", "weights", "tables")},
        "run": pd.DataFrame([{"side": side, **run} for side in ("old", "new")]),
        "cells": CELLS.assign(index_code="nqpf"),
        "scores": SCORES.replace({"name_en": {"A": HOSTILE}}).assign(part_weights=bounds, part_method=bounds),
        "members": pd.DataFrame(gone),
        "coefficients": COEFFICIENTS.assign(intervals_apart=True),
    }


@pytest.mark.parametrize("page", [diff_markdown, diff_html])
def test_the_diff_page_says_what_moved_and_by_what(page, frames):
    text = page("2026.11.0", "2026.11.1", frames)
    for said in (
        "2026.11.1, compared with 2026.11.0",
        "in 2013 2 ranks moved, 1 by more than 10 places, 1 by more than 20.",
        "from 1 to 22.",
        "1 left: Ren.",
        "Scores of 1 other indexes and variants moved.",
        "Headline scores that moved (2)",
        "2 ranks of a city and year moved",
        "x_variant 1",
        "no wages",
        "None.",
        "SYNTHETIC",
        "q1 of CN1 in 2012, 1 before, 1.1 now",
        "the 1 explained changes: revision 0.1",
        "Of 1, 1 lie outside each other",
    ):
        assert said in text.replace("&#x27;", "'"), said
    assert "0.5 [0.4, 0.6]" in text.replace("\\", "")
    assert "1.5" in text


def test_text_of_the_data_is_inert_on_the_page_and_cells_are_counted(frames):
    line = next(line for line in diff_markdown("a", "b", frames).splitlines() if line.startswith("| nqpf"))
    assert line == "| nqpf | 1 | 1 | 0 |"
    assert "<script" not in diff_html("a", "b", frames)
    assert "\\<script\\>" in diff_markdown("a", "b", frames)
    rows = [line for line in diff_markdown("a", "b", frames).splitlines() if "script" in line and line.startswith("|")]
    assert [len(re.findall(r"(?<!\\)\|", row)) for row in rows] == [12]


@pytest.mark.parametrize("page", [diff_markdown, diff_html])
def test_a_part_that_an_older_file_cannot_answer_is_said_so(page, frames):
    text = page("a", "b", dict.fromkeys(frames))
    assert "published by an older version" in text
    assert "Traceback" not in text


@pytest.mark.parametrize("page", [diff_markdown, diff_html])
def test_the_first_release_has_nothing_to_be_compared_with(page):
    assert "First release" in page(None, "2026.11.0", None)
    assert "SYNTHETIC" in page(None, "2026.11.0-SYNTHETIC", None)


@pytest.fixture
def paths(tmp_path):
    return Paths(tmp_path / "warehouse", tmp_path / "landing", tmp_path / "landing")


def content_of(*rows: str, columns: str = "a integer, x double, t varchar, many varchar[]") -> str:
    with duckdb.connect() as con:
        con.execute(f"create schema mart; create table mart.t ({columns})")
        for row in rows:
            con.execute(f"insert into mart.t values ({row})")
        return table_contents(con)["t"]


def test_content_knows_rows_not_their_order_counts_repeats_and_leaves_the_run_out():
    rows = ("1, 0.1, 'a', ['x']", "2, null, '', []", "3, 1e-300, null, null")
    assert content_of(*rows) == content_of(*rows[::-1])
    row = "1, 0.3, 'a', ['x']"
    assert len({content_of(), content_of(row), content_of(row, row), content_of(row, row, row)}) == 4
    assert content_of(row) != content_of(row, columns="b integer, x double, t varchar, many varchar[]")
    with duckdb.connect() as con:
        con.execute(
            "create schema mart; create table mart.mart_check_result as select 'r1' as run_id, 1 as a;"
            "create table mart.mart_run_manifest as select 'r1' as run_id"
        )
        before = table_contents(con)
        con.execute("update mart.mart_check_result set run_id = 'r2'")
        assert table_contents(con) == before
        assert "mart_run_manifest" not in before


OTHER_ROWS = ("1, 0.30000000000000004, 'a', ['x']", "1, 0.3, 'b', ['x']", "1, 0.3, null, ['x']", "1, 0.3, '', ['x']")
OTHER_ROWS += ("1, 0.3, 'a', ['x', 'y']", "2, 0.3, 'a', ['x']", "1, null, 'a', ['x']")


@pytest.mark.parametrize("other", OTHER_ROWS)
def test_the_last_bit_of_any_value_matters(other):
    assert content_of("1, 0.3, 'a', ['x']") != content_of(other)


@pytest.fixture
def file(tmp_path):
    made = tmp_path / "it's.duckdb"
    with duckdb.connect(str(made)) as con:
        con.execute("create table t as select 1 as a")
    return made


ESCAPES = (
    "copy (select 1) to '/tmp/never.csv'",
    "attach '/tmp/never.duckdb'",
    "install httpfs",
    "load httpfs",
    "set enable_external_access = true",
    "set autoload_known_extensions = true",
    "create table u as select 1",
    "delete from t",
    "from local_frame",
)


@pytest.mark.parametrize("sql", ESCAPES)
def test_a_query_reaches_nothing_but_the_tables(file, sql):
    local_frame = duckdb.sql("select 1 as secret").df()
    with open_read_only(file) as con:
        assert con.execute("from t").fetchall() == [(1,)]
        with pytest.raises(duckdb.Error):
            con.execute(sql).fetchall()
    assert len(local_frame) == 1


def test_side_by_side_it_writes_only_where_it_may_and_a_file_may_be_open_twice(file, tmp_path):
    (tmp_path / "out").mkdir()
    with open_side_by_side({"a": file}, may_write=[tmp_path / "out"]) as con:
        con.execute(f"copy (from a.t) to '{tmp_path}/out/t.csv'")
        with pytest.raises(duckdb.PermissionException):
            con.execute(f"copy (from a.t) to '{tmp_path}/t.csv'")
    assert (tmp_path / "out" / "t.csv").is_file()
    with open_read_only(file) as one, open_read_only(file) as two:
        assert one.execute("from t").fetchall() == two.execute("from t").fetchall()


def release(paths: Paths, name: str, previous: str | None = None, vintage: str = "2021A") -> None:
    folder = paths.releases / name
    (folder / "csv").mkdir(parents=True)
    (folder / "csv" / "t.csv").write_text("a\n1\n")
    with duckdb.connect(str(folder / "city.duckdb")) as con:
        con.execute("create schema mart; create table mart.t as select 1 as a")
        content = table_contents(con)["t"]
    run = {"data_vintage": vintage, "method_version": "m", "started_at": name, "git_commit": "c"}
    said = {"release": name, "previous": previous, "inputs": [], "hashes": {}, "run": run}
    write_manifest(folder, {**said, "tables": {"t": {"content": content}}})


def names(paths: Paths) -> list[str]:
    return sorted(folder.name for folder in paths.releases.iterdir())


def manifest(paths: Paths, name: str) -> dict[str, object]:
    return json.loads((paths.releases / name / "manifest.json").read_text("utf-8"))


def test_an_untouched_release_is_verified_and_the_mark_of_one_that_must_stay_is_no_fault(paths):
    release(paths, "2026.1.0")
    folder = paths.releases / "2026.1.0"
    (folder / KEEP_MARK).write_text(os.linesep)
    verdict = verify_release(folder, manifest(paths, "2026.1.0"))
    assert (verdict.problems, verdict.n_checked) == ((), 3)  # two files and a table


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


@pytest.fixture
def five(paths) -> Paths:
    """0 -> 1 -> 2 -> 3 -> 4; the vintage changed with 1 and with 3."""
    names = [f"2026.1.{number}" for number in range(5)]
    for name, before, letter in zip(names, [None, *names], "ABBCC", strict=False):
        release(paths, name, before, f"2021{letter}")
    return paths


def test_the_bridge_starts_from_the_last_release_of_another_vintage_and_says_where_it_is_gone(five):
    start = {f"2026.1.{n}": earlier_release(five.releases, manifest(five, f"2026.1.{n}")) for n in range(5)}
    before = [None, "2026.1.0", "2026.1.0", "2026.1.2", "2026.1.2"]
    assert start == {f"2026.1.{n}": before[n] for n in range(5)}
    said = manifest(five, "2026.1.1")
    (five.releases / "2026.1.0" / "city.duckdb").unlink()
    with pytest.raises(RebuildError, match=r"Release 2026\.1\.0, which the bridge of 2026\.1\.1 starts from, is not"):
        earlier_release(five.releases, said)


def test_what_a_kept_release_points_to_stays_and_so_does_one_that_is_marked_or_linked(five):
    plan = plan_prune(five, 1)
    assert {item.release: item.reason for item in plan.items} == {
        "2026.1.4": "the current one",
        "2026.1.3": "2026.1.4 points to it",
        "2026.1.2": "2026.1.4 points to it",
        "2026.1.1": "",
        "2026.1.0": "",
    }
    assert len(names(five)) == 5  # a plan deletes nothing
    with pytest.raises(ValueError, match="--keep 1 or more"):
        plan_prune(five, 0)
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


def test_tables_and_versions_that_differ_are_named():
    assert table_differences({"a": "1", "b": "1", "c": "1"}, {"a": "1", "b": "2", "d": "1"}) == [
        "mart.b: the rebuilt table has other rows.",
        "mart.c: not rebuilt.",
        "mart.d: the release does not have it.",
    ]
    said = version_differences({"packages": {"duckdb": "0.1"}, "run": {"python_version": "2.7"}})
    assert len(said) == 2
    assert said[0].startswith("duckdb is ")
    assert said[0].endswith("and was 0.1.")
