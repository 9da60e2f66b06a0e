"""What analysts open: one file that is old or new but never half, and a release folder that stands on its own."""

import hashlib
import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from house import House

from dagster_project.defs import publish as publishing
from dagster_project.paths import PROJECT
from dagster_project.publish.release.folder import ALWAYS_CSV, MAX_CSV_ROWS, MAX_PARQUET_ROWS, file_of, kinds_of
from dagster_project.published import TABLES, open_read_only
from dagster_project.store import Warehouse

# ---- the swap ------------------------------------------------------------------------------------------


def test_analyst_with_the_file_open_neither_blocks_a_refresh_nor_sees_it(revised):
    assert revised.went_through
    assert revised.analyst_before.startswith(revised.house.releases[0].name)
    assert revised.analyst_still_open == revised.analyst_before


def test_new_process_sees_the_new_release(revised):
    release_old, scores_old = revised.analyst_before.split()
    release_new, scores_new = revised.analyst_new.split()
    assert release_new == revised.house.releases[-1].name != release_old
    assert scores_new != scores_old


def _change_a_score(house: House) -> None:
    """As if a run had computed something new."""
    with Warehouse(house.paths.build_file).connect() as con:
        con.execute("update mart.mart_index_score set score = score + 0.001 where year = 2016")
        con.execute("update ops.run_context set release = replace(release, '.0-', '.1-')")


def test_failure_before_the_swap_leaves_the_old_file(copy_of_small_warehouse, monkeypatch):
    """With two workers the report is written, and fails, in a process of its own."""
    house = copy_of_small_warehouse
    before, releases = house.published_sha256, house.releases
    _change_a_score(house)

    def fails(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    for workers, step in (("1", "write_report"), ("2", "write_report"), ("1", "swap_in")):
        monkeypatch.setenv("NQPF_WORKERS", workers)
        with monkeypatch.context() as patch:
            patch.setattr(publishing, step, fails)
            with pytest.raises(OSError, match="no space left"):
                publishing.publish(house.paths, Warehouse(house.paths.build_file))
        assert house.published_sha256 == before, step
    publishing.publish(house.paths, Warehouse(house.paths.build_file))  # the next run completes the release
    assert house.published_sha256 != before
    assert len(house.releases) == len(releases) + 1
    assert _sha256(house.releases[-1] / "city.duckdb") == house.published_sha256
    assert (house.releases[-1] / "docs" / "index.html").is_file()


KILLED = """
import os, signal, sys
from pathlib import Path
from dagster_project.defs import publish as publishing
from dagster_project.paths import Paths
from dagster_project.published import TABLES
from dagster_project.store import Warehouse
def kill(*_): os.kill(os.getpid(), signal.SIGKILL)
when, root = sys.argv[1], Path(sys.argv[2])
if when == "before":
    publishing.swap_in = kill
else:
    swap = publishing.swap_in
    publishing.swap_in = lambda *files: (swap(*files), kill())
paths = Paths(root / "warehouse", root / "landing", root / "landing")
publishing.publish(paths, Warehouse(paths.build_file))
"""


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
def test_kill_around_the_swap_leaves_one_whole_file_and_the_next_run_completes_the_release(
    copy_of_small_warehouse, when
):
    house = copy_of_small_warehouse
    before = house.published_sha256
    _change_a_score(house)
    root = house.paths.landing.parent
    done = subprocess.run([sys.executable, "-c", KILLED, when, str(root)], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert (house.published_sha256 == before) == (when == "before")
    assert house.published("select count(score) as n from mart.mart_index_score")["n"].item() > 0
    publishing.publish(house.paths, Warehouse(house.paths.build_file))
    assert _sha256(house.releases[-1] / "city.duckdb") == house.published_sha256
    assert len(house.releases) == 2
    assert [p.name for p in house.paths.published.rglob("*") if p.name.startswith(".") or p.suffix == ".tmp"] == []


# ---- the file ------------------------------------------------------------------------------------------


def test_published_file_is_stored_in_a_format_that_older_clients_open(small_warehouse):
    tags = small_warehouse.published("select tags from duckdb_databases() where not internal")["tags"].item()
    assert dict(tags)["storage_version"].startswith("v1.2.0")


def test_every_column_and_table_of_a_mart_is_described(small_warehouse):
    columns = small_warehouse.published(
        "select table_name, column_name, comment from duckdb_columns() where schema_name = 'mart'"
    )
    tables = small_warehouse.published(f"select table_name, comment from {TABLES} where schema_name = 'mart'")
    assert len(tables) >= 20
    assert list(tables.loc[tables["comment"].fillna("") == "", "table_name"]) == []
    bare = columns[columns["comment"].fillna("").str.len() < 4]
    assert bare.empty, bare


# ---- the release folder ----------------------------------------------------------------------------------


def test_release_folder_holds_everything_that_an_analyst_needs(small_warehouse):
    (release,) = small_warehouse.releases
    tables = small_warehouse.published(
        f"select if(schema_name = 'easy', 'easy.', '') || table_name as name from {TABLES}"
        " where schema_name in ('easy', 'mart')"
    )
    n_row = {
        name: facts["rows"] for name, facts in json.loads((release / "manifest.json").read_text())["tables"].items()
    }
    kept = {name for name in tables["name"] if n_row[name] <= MAX_PARQUET_ROWS}
    assert {p.stem for p in (release / "parquet").glob("*.parquet")} == kept
    short = {name for name in tables["name"] if n_row[name] <= MAX_CSV_ROWS or name in ALWAYS_CSV}
    plain = {name for name in short if name.startswith("easy.")}
    assert {p.name for p in (release / "csv").iterdir()} == {f"{name}.csv" for name in plain} | {
        f"{name}.csv.gz" for name in short - plain
    }
    assert set() < short < set(tables["name"])
    for name in (
        "dictionary.csv",
        "formulas.md",
        "LICENSE",
        "LICENSE-DATA.md",
        "CITATION.cff",
        "manifest.json",
        "diff.md",
        "city.duckdb",
        "tables.html",
        "docs/index.html",
    ):
        assert (release / name).stat().st_size > 0, name
    assert _sha256(release / "city.duckdb") == small_warehouse.published_sha256


def test_page_of_tables_needs_no_network_and_names_no_folder_of_this_machine(small_warehouse):
    (release,) = small_warehouse.releases
    page = (release / "tables.html").read_text(encoding="utf-8")
    assert "mart_index_score" in page
    assert "SYNTHETIC: what these tables hold" in page
    assert re.findall(r"<(?:script|img|iframe)[^>]*src=.https?:|<link[^>]*href=.https?:", page) == []
    assert str(PROJECT) not in page
    assert str(small_warehouse.paths.warehouse) not in page


def test_parquet_and_csv_hold_the_published_numbers(small_warehouse):
    (release,) = small_warehouse.releases
    keys = "index_code, basis, weight_scheme, city_id, year"
    published = small_warehouse.published(f"select {keys}, score from mart.mart_index_score order by {keys}")
    parquet = small_warehouse.published(
        f"select {keys}, score from read_parquet(?) order by {keys}",
        [str(release / "parquet" / "mart_index_score.parquet")],
    )
    assert parquet.equals(published)
    assert len(published) > MAX_CSV_ROWS
    assert not list((release / "csv").glob("mart_index_score*"))
    keys = "index_code, basis, city_id, year"
    ranges = small_warehouse.published(f"from mart.mart_index_uncertainty order by {keys}")
    csv = pd.read_csv(
        release / "csv" / "mart_index_uncertainty.csv.gz", encoding="utf-8-sig", float_precision="round_trip"
    )
    csv = csv.sort_values(keys.split(", "), ignore_index=True)
    assert (csv["score_p50"] == ranges["score_p50"]).all()
    assert list(csv["city_id"]) == list(ranges["city_id"])


def test_dictionary_describes_every_exported_column(small_warehouse):
    (release,) = small_warehouse.releases
    dictionary = pd.read_csv(release / "dictionary.csv")
    assert dictionary["description"].notna().all()
    for file in (release / "csv").iterdir():
        table = file.name.removesuffix(".gz").removesuffix(".csv")
        own = dictionary.loc[dictionary["table_name"] == table, "column_name"]
        assert list(own) == list(pd.read_csv(file, nrows=0).columns), table


def test_every_column_is_described_in_chinese_too(small_warehouse):
    known = small_warehouse.published("from mart.dim_column")
    of_file = small_warehouse.published(
        "select schema_name || '.' || table_name as table_name, column_name, comment from duckdb_columns()"
        " where schema_name in ('easy', 'mart')"
    )
    both = of_file.merge(known, on=["table_name", "column_name"], suffixes=("", "_kept"))
    assert len(both) == len(known) == len(of_file)
    assert (both["comment"] == both["comment_kept"]).all()
    assert known.loc[~known["comment_zh"].fillna("").str.contains("[一-鿿]"), "column_name"].tolist() == []
    (release,) = small_warehouse.releases
    dictionary = pd.read_csv(release / "dictionary.csv").set_index(["table_name", "column_name"])
    assert dictionary.loc[("easy.gap", "gap_100"), "comment_zh"] == "差距：mean_high_100 减 mean_low_100"


def test_no_number_of_a_release_is_infinite_or_none(small_warehouse):
    """A cell that reads 1e999 or nan is refused, and no method makes such a figure."""
    columns = small_warehouse.published(
        "select schema_name || '.' || table_name as name, list(column_name) as columns from duckdb_columns()"
        " where schema_name in ('easy', 'mart', 'ops') and data_type in ('DOUBLE', 'FLOAT') group by 1"
    )
    assert columns["columns"].str.len().sum() > 900
    for name, held in zip(columns["name"], columns["columns"], strict=True):
        counts = ", ".join(f'count(*) filter (not isfinite("{column}")) as "{column}"' for column in held)
        found = small_warehouse.published(f"select {counts} from {name}").iloc[0]
        assert found[found > 0].to_dict() == {}, name


def test_no_query_reads_what_the_program_logs_and_ops_names_no_folder(small_warehouse):
    with open_read_only(small_warehouse.paths.published_file) as con:
        for logs in ("duckdb_logs", "duckdb_logs()", "duckdb_log_contexts()"):
            assert con.execute(f"from {logs}").fetchall() == []
        for asked in ("call enable_logging()", "set enable_logging = true", "set logging_level = 'trace'"):
            with pytest.raises(duckdb.Error, match="configuration"):
                con.execute(asked)
        tables = con.execute("select table_name from duckdb_tables() where schema_name = 'ops'").fetchall()
        assert len(tables) > 3
        text = "".join(str(con.execute(f"from ops.{name}").fetchall()) for (name,) in tables)
    for folder in (small_warehouse.paths.warehouse, PROJECT, Path.home()):
        assert str(folder) not in text


def test_manifest_says_what_made_the_release(small_warehouse):
    (release,) = small_warehouse.releases
    manifest = json.loads((release / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["release"] == release.name
    assert manifest["is_synthetic"] is True
    assert manifest["run"]["git_commit"]
    assert {"duckdb", "dbt-core", "dagster", "numpy", "pandas"} <= set(manifest["packages"])
    assert re.fullmatch(r"[0-9a-f]{64}", manifest["hashes"]["seeds"])
    listed = {file["path"]: file["sha256"] for load in manifest["inputs"] for file in load["files"]}
    landing = small_warehouse.paths.landing
    landed = [p for p in landing.rglob("*") if p.suffix in (".xlsx", ".csv") and p.parent.name != "truth"]
    assert listed == {p.relative_to(landing).as_posix(): _sha256(p) for p in landed}
    for name, table in manifest["tables"].items():
        for kind in kinds_of(table):
            assert table[f"{kind}_sha256"] == _sha256(file_of(release, name, kind))
    assert kinds_of(manifest["tables"]["city_ranking"]) == ("csv.gz", "parquet")


def test_report_says_synthetic_and_loads_nothing_from_elsewhere(small_warehouse):
    (release,) = small_warehouse.releases
    pages = list((release / "docs").rglob("*.html"))
    assert pages
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert "SYNTHETIC" in text, page.name
        assert not re.findall(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", text), page.name


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


# ---- what was current then -----------------------------------------------------------------------------


def test_as_of_gives_what_was_current_then(revised):
    question = ("sql", "select sum(score) as total from mart.mart_index_score", "--format", "json")
    old, new = revised.house.releases
    vintages = [json.loads((r / "manifest.json").read_text("utf-8"))["run"]["data_vintage"] for r in (old, new)]
    assert len(set(vintages)) == 2
    answers = {name: revised.house.run_reading(*question, "--as-of", name) for name in (*vintages, old.name, new.name)}
    assert answers[vintages[0]].text == answers[old.name].text
    assert answers[vintages[1]].text == answers[new.name].text == revised.house.run_reading(*question).text
    assert answers[vintages[0]].text != answers[vintages[1]].text


def test_as_of_an_unknown_vintage_names_the_known_ones(revised):
    answer = revised.house.run_reading("sql", "select 1", "--as-of", "1999A")
    assert answer.exit_code == 2
    assert "'1999A'" in answer.text
    assert revised.house.releases[0].name in answer.text
