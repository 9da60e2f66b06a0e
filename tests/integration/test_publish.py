"""What analysts open: one file that is old or new but never half, and a release folder that stands on its own."""

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import dagster as dg
import duckdb
import pandas as pd
import pytest

from dagster_project.defs import publish as publishing
from dagster_project.ingest.sidecar import landed_sidecars
from dagster_project.operations import promote as promoting
from dagster_project.operations.promote import Signature, promote, read_review
from dagster_project.paths import PROJECT
from dagster_project.publish.release import folder as folders
from dagster_project.publish.release import review
from dagster_project.publish.release.content import table_contents
from dagster_project.publish.release.folder import ALWAYS_CSV, MAX_CSV_ROWS, MAX_PARQUET_ROWS, file_of, kinds_of
from dagster_project.publish.release.record import waiting
from dagster_project.published import TABLES, open_read_only, open_side_by_side, statements
from dagster_project.store import Warehouse

# ---- the swap ------------------------------------------------------------------------------------------

ANALYST = """
import sys, duckdb
con = duckdb.connect(sys.argv[1], read_only=True)
query = "select release, (select sum(score) from mart.mart_index_score) from ops.run_context"
for _ in sys.stdin:
    print(*con.execute(query).fetchone())
"""


class Analyst:
    """Another process that opens the published file once and keeps it open."""

    def __init__(self, house):
        command = [sys.executable, "-u", "-c", ANALYST, str(house.paths.published_file)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def asks(self):
        """Release and sum of all scores, as this process sees them now."""
        self.process.stdin.write("now\n")
        return self.process.stdout.readline().split()


def change_a_score(house):
    """As if a run had computed something new from other files."""
    with Warehouse(house.paths.build_file).connect() as con:
        con.execute("update mart.mart_index_score set score = score + 0.001 where year = 2016")
        con.execute("update ops.run_context set release = replace(release, '.0-', '.1-'), data_vintage = '2016B'")


def draw(_fresh, folder, **_):
    """A report of one page: all of them are most of the time of a release."""
    folder.mkdir()
    (folder / "index.html").write_text("<html></html>", encoding="utf-8")


@pytest.fixture(scope="module")
def republished(copy_small_warehouse):
    """A warehouse that failed to publish a second release, built it as a candidate, and signed that twice, since the
    first swap failed, while an analyst had the file open.

    With it: sha256 of the published file before, after each failure, and while the candidate waited; what that analyst
    was told before and after, and a newcomer after. With two workers the report is written, and fails, in a process of
    its own.
    """
    house = copy_small_warehouse("republished")
    analyst, hashes = Analyst(house), [house.published_sha256]
    told = [analyst.asks()]
    change_a_score(house)

    def fails(*_, **__):
        raise OSError("no space left on device")

    inputs = (house.paths, Warehouse(house.paths.build_file), landed_sidecars(house.paths))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publishing, "write_report", draw)
        for most in ("MAX_CSV_ROWS", "MAX_PARQUET_ROWS"):  # files of tables are looked at in the small warehouse
            patch.setattr(folders, most, 0)
        with patch.context() as failing:
            failing.setenv("NQPF_WORKERS", "2")
            failing.setattr(publishing, "write_report", fails)
            with pytest.raises(OSError, match="no space left"):
                publishing.publish(*inputs)
        hashes.append(house.published_sha256)
        built = publishing.publish(*inputs, as_candidate=True)
        hashes.append(house.published_sha256)
        signed = (house.paths, built["release"], Signature("head of section", all_seen=True))
        with patch.context() as failing:
            failing.setattr(promoting, "swap_in", fails)
            with pytest.raises(OSError, match="no space left"):
                promote(*signed)
        hashes.append(house.published_sha256)
        promote(*signed)
    newcomer = Analyst(house)
    told += [analyst.asks(), newcomer.asks()]
    for one in (analyst, newcomer):
        one.process.communicate(timeout=30)
    return house, hashes, told


def test_failure_before_the_swap_leaves_the_old_file_and_the_next_run_completes_the_release(republished):
    house, hashes, _ = republished
    assert len(set(hashes)) == 1
    assert house.published_sha256 not in hashes
    assert len(house.releases) == 2
    assert _sha256(house.releases[-1] / "city.duckdb") == house.published_sha256


def test_analyst_with_the_file_open_neither_blocks_a_release_nor_sees_it(republished):
    house, _, (before, still_open, new) = republished
    assert [before[0], new[0]] == [release.name for release in house.releases]
    assert still_open == before
    assert new[1] != before[1]


def test_as_of_gives_what_was_current_then(republished):
    house = republished[0]
    question = ("sql", "select sum(score) as total from mart.mart_index_score", "--format", "json")
    old, new = (release.name for release in house.releases)
    answers = {name: house.run_reading(*question, "--as-of", name).text for name in ("2016A", "2016B", old, new)}
    assert answers["2016A"] == answers[old]
    assert answers["2016B"] == answers[new] == house.run_reading(*question).text
    assert answers[old] != answers[new]
    for name in (old, new):
        assert f"release {name}," in house.stderr_of_reading("sql", "select 1", "--as-of", name)
    unknown = house.run_reading("sql", "select 1", "--as-of", "1999A")
    assert unknown.exit_code == 2
    assert "'1999A'" in unknown.text
    assert old in unknown.text


# ---- published by hand ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_where_it_is_published_by_hand_a_candidate_waits_beside_what_readers_see_until_it_is_signed(
    copy_small_warehouse, monkeypatch
):
    """Twice from the same numbers: one candidate. Signed, the next run has nothing to do."""
    house = copy_small_warehouse("by_hand")
    before, first = house.published_sha256, house.releases[-1].name
    change_a_score(house)
    with Warehouse(house.paths.build_file).connect() as con:
        con.execute("update mart.mart_index_score set score = score + 0.05 where year = 2016")
        con.execute("update ops.run_log set release = (select release from ops.run_context)")
    house.paths.settings_file.write_text("publish: by_hand\n", encoding="utf-8")
    monkeypatch.setattr(publishing, "write_report", draw)
    inputs = (house.paths, Warehouse(house.paths.build_file), landed_sidecars(house.paths))
    built = publishing.publish(*inputs)
    name = built["release"]
    assert [built["is_new"], built["is_candidate"], waiting(house.paths)] == [True, True, [name]]
    assert [house.published_sha256, len(house.releases)] == [before, 1]
    assert not list(house.paths.published.glob(".*"))
    assert publishing.publish(*inputs)["is_new"] is False
    check = publishing.signature_check(house.paths)
    assert [check.passed, check.severity] == [False, dg.AssetCheckSeverity.WARN]
    read = read_review(house.paths.candidates / name)
    assert read.previous == first
    assert any("The mean score rose" in line.after for line in read.lines)
    total = ("sql", "select sum(score) as total from mart.mart_index_score", "--format", "json")
    assert house.run_reading(*total).text != house.run_reading(*total, "--as-of", name).text
    assert name in house.run_reading("release", "diff", name).text
    promote(house.paths, name, Signature("head of section", all_seen=True))
    assert [release.name for release in house.releases] == [first, name]
    assert publishing.publish(*inputs)["is_new"] is False
    assert publishing.signature_check(house.paths).passed
    assert "Signed by head of section on " in house.run_reading("cite").text


def test_every_query_of_the_review_fits_the_tables_of_today(small_warehouse):
    """Where a table is missing its lines are left out in silence: not of a file of this version."""
    file = small_warehouse.paths.published_file
    with open_side_by_side({"old": file, "new": file}) as con:
        for sql in statements(review.__file__).values():
            con.execute(sql).fetchall()


# ---- the file ------------------------------------------------------------------------------------------


def test_published_file_is_stored_in_a_format_that_older_clients_open(small_warehouse):
    tags = small_warehouse.value("select tags from duckdb_databases() where not internal")
    assert dict(tags)["storage_version"].startswith("v1.2.0")


def test_every_column_and_table_is_described_in_both_languages(small_warehouse, release):
    tables = small_warehouse.published(f"select table_name, comment from {TABLES} where schema_name = 'mart'")
    assert len(tables) >= 20
    assert tables["comment"].fillna("").ne("").all()
    known = small_warehouse.published("from mart.dim_column")
    of_file = small_warehouse.published(
        "select schema_name || '.' || table_name as table_name, column_name, comment from duckdb_columns()"
        " where schema_name in ('easy', 'mart')"
    )
    assert of_file.loc[of_file["comment"].fillna("").str.len() < 4, "column_name"].tolist() == []
    both = of_file.merge(known, on=["table_name", "column_name"], suffixes=("", "_kept"))
    assert len(both) == len(known) == len(of_file)
    assert (both["comment"] == both["comment_kept"]).all()
    assert known.loc[~known["comment_zh"].fillna("").str.contains("[一-鿿]"), "column_name"].tolist() == []
    dictionary = pd.read_csv(release / "dictionary.csv").set_index(["table_name", "column_name"])
    assert dictionary.loc[("easy.gap", "gap_100"), "comment_zh"] == "差距：mean_high_100 减 mean_low_100"


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


# ---- the release folder ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def release(small_warehouse):
    (folder,) = small_warehouse.releases
    return folder


@pytest.fixture(scope="module")
def manifest(release):
    return json.loads((release / "manifest.json").read_text(encoding="utf-8"))


def test_release_folder_holds_everything_that_an_analyst_needs(small_warehouse, release, manifest):
    tables = small_warehouse.published(
        f"select if(schema_name = 'easy', 'easy.', '') || table_name as name from {TABLES}"
        " where schema_name in ('easy', 'mart')"
    )["name"]
    n_row = {name: manifest["tables"][name]["rows"] for name in tables}
    kept = {name for name in tables if n_row[name] <= MAX_PARQUET_ROWS}
    assert {p.stem for p in (release / "parquet").glob("*.parquet")} == kept
    short = {name for name in tables if n_row[name] <= MAX_CSV_ROWS or name in ALWAYS_CSV}
    assert set() < short < set(tables)
    csv = {f"{name}.csv" if name.startswith("easy.") else f"{name}.csv.gz" for name in short}
    assert {p.name for p in (release / "csv").iterdir()} == csv
    papers = ("dictionary.csv", "formulas.md", "LICENSE", "LICENSE-DATA.md", "CITATION.cff", "manifest.json", "diff.md")
    for name in (*papers, "city.duckdb", "tables.html", "docs/index.html"):
        assert (release / name).stat().st_size > 0, name
    assert _sha256(release / "city.duckdb") == small_warehouse.published_sha256


def test_pages_say_synthetic_load_nothing_from_elsewhere_and_name_no_folder_of_this_machine(small_warehouse, release):
    tables = (release / "tables.html").read_text(encoding="utf-8")
    assert "mart_index_score" in tables
    assert "SYNTHETIC: what these tables hold" in tables
    assert re.findall(r"<(?:script|img|iframe)[^>]*src=.https?:|<link[^>]*href=.https?:", tables) == []
    assert str(PROJECT) not in tables
    assert str(small_warehouse.paths.warehouse) not in tables
    pages = list((release / "docs").rglob("*.html"))
    assert pages
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert "SYNTHETIC" in text, page.name
        assert not re.findall(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", text), page.name


def test_dictionary_describes_every_exported_column(release):
    dictionary = pd.read_csv(release / "dictionary.csv")
    assert dictionary["description"].notna().all()
    for file in (release / "csv").iterdir():
        table = file.name.removesuffix(".gz").removesuffix(".csv")
        own = dictionary.loc[dictionary["table_name"] == table, "column_name"]
        assert list(own) == list(pd.read_csv(file, nrows=0).columns), table


def test_manifest_says_what_made_the_release(small_warehouse, release, manifest):
    assert (manifest["release"], manifest["is_synthetic"]) == (release.name, True)
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


def _sha256(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()


# ---- the file says all that the build says, and is small ---------------------------------------------------


MAX_BYTES_PER_ROW = 60  # of all tables; 286 cities take 22


def test_every_table_and_view_says_what_the_build_says(small_warehouse):
    with duckdb.connect() as con:
        for name, file in (("build", small_warehouse.paths.build_file), ("city", small_warehouse.paths.published_file)):
            con.execute(f"attach '{file}' as {name} (read_only)")
        contents = [table_contents(con, name, without=("is_headline",)) for name in ("build", "city")]
        views = con.execute("select view_name from duckdb_views() where database_name = 'city' and not internal")
        wide = {"city_variable_wide", "panel_long", "yearbook_wide"}
        assert {name for (name,) in views.fetchall()} == {*wide, "mart_indicator_source", "why_this_number"}
    assert contents[1].pop("dim_column")
    assert contents[0] == contents[1]


def test_the_file_takes_few_bytes_a_row(small_warehouse, manifest):
    n = sum(facts["rows"] for facts in manifest["tables"].values())
    assert small_warehouse.paths.published_file.stat().st_size < MAX_BYTES_PER_ROW * n
