"""What a query may do: escapes that were tried elsewhere, and what each gets here. On a small file of its own."""

import subprocess
import sys
import time
from dataclasses import replace

import duckdb
import pytest
from rich.console import Console

from dagster_project.cli.sql import run_sql
from dagster_project.errors import Refusal
from dagster_project.paths import Paths
from dagster_project.publish.questions.guard import PERSON, Limits, selects, traps, within
from dagster_project.published import open_read_only

QUICK = Limits(seconds=1.0, memory="200MB", spilled="50MB", rows=1000)
NO_SELECT = {
    "copy easy.ranking to 'out.csv'": "COPY",
    "export database 'out'": "EXPORT",
    "attach 'other.duckdb' as o": "ATTACH",
    "attach 'https://example.org/x.duckdb'": "ATTACH",
    "detach city": "DETACH",
    "pragma database_list": "PRAGMA",
    "set enable_external_access = true": "SET",
    "reset memory_limit": "SET",
    "install httpfs": "LOAD",
    "load httpfs": "LOAD",
    "call force_checkpoint()": "CALL",
    "create temp table t as select 1": "CREATE",
    "insert into easy.ranking from easy.ranking": "INSERT",
    "delete from easy.ranking": "DELETE",
    "update easy.ranking set rank_year = 1": "UPDATE",
    "drop table easy.ranking": "DROP",
    "explain analyze from easy.ranking": "EXPLAIN",
    "prepare a as select 1": "PREPARE",
    "select 1; copy easy.ranking to 'out.csv'": "COPY",
    "copy (pivot easy.ranking on year using first(rank_year)) to 'out.csv'": "MULTI",
    "create temp table t as pivot easy.ranking on year using first(rank_year)": "MULTI",
}
SHUT = {
    "from read_csv('/etc/passwd')": "disabled",
    "from read_text('/etc/passwd')": "disabled",
    "from read_blob('/etc/hostname')": "disabled",
    "from read_json('/etc/passwd')": "disabled",
    "from glob('/*')": "disabled",
    "from sniff_csv('/etc/passwd')": "disabled",
    "from parquet_metadata('/x')": "disabled",
    "from '/etc/passwd'": "does not exist",
    "from query_table('/etc/passwd')": "does not exist",
    "from 'https://example.org/x.parquet'": "disabled",
    "from read_csv('https://example.org/x.csv')": "disabled",
    "from query('copy easy.ranking to ''out.csv''')": "single SELECT",
    "from enable_logging()": "locked",
    "from duckdb_secrets()": "disabled",
    "select getenv('HOME')": "does not exist",
    "from sqlite_scan('/x', 'y')": "not in the catalog",
}
ENDLESS = {
    "with recursive r as (select 1 as n union all select n + 1 from r) select count(*) from r": "stopped after 1 s",
    "select count(*) from range(1000000) a, range(1000000) b, range(1000000) c": "stopped after 1 s",
    "select list(a.range) from range(30000000) a, range(10) b": "more than 200MB|stopped after",
}


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    found = Paths(*[tmp_path_factory.mktemp("warehouse")] * 3)
    found.published_file.parent.mkdir(parents=True)
    with duckdb.connect(str(found.published_file)) as con:
        con.execute("create schema easy; create schema mart")
        con.execute("create table easy.ranking as select range as rank_year, 2021 as year from range(3)")
        con.execute("create table mart.mart_index_score as select 'nqpf' as index_code, 0.5 as score, 2021 as year")
        con.execute("create table mart.mart_panel_coef as select 0.1 as coef")
    return found


@pytest.fixture
def con(paths):
    with open_read_only(paths.published_file, QUICK.settings) as opened:
        yield opened


@pytest.mark.parametrize(("text", "kind"), NO_SELECT.items())
def test_only_a_select_is_taken_and_nothing_runs(con, text, kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Refusal, match=kind):
        selects(con, text)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("text", "words"), SHUT.items())
def test_a_select_reads_the_tables_of_the_file_and_nothing_else(con, text, words):
    (statement,) = selects(con, text)
    with pytest.raises(Refusal, match=words), within(con, QUICK):
        con.execute(statement).fetchall()


@pytest.mark.parametrize(("text", "words"), ENDLESS.items())
def test_time_and_memory_have_an_end(con, text, words):
    begun = time.monotonic()
    with pytest.raises(Refusal, match=words), within(con, QUICK):
        con.execute(text).fetchall()
    assert time.monotonic() - begun < QUICK.seconds + 4
    assert con.execute("select count(*) from easy.ranking").fetchall() == [(3,)]


def test_a_pivot_is_a_question(con):
    (statement,) = selects(con, "pivot easy.ranking on year using sum(rank_year)")
    assert con.execute(statement).fetchall()[0][-1] in (0, 1, 2, 3)


def test_settings_stand_before_they_are_locked(con):
    settings = con.execute("select current_setting('memory_limit'), current_setting('threads')").fetchall()
    assert settings == [("190.7 MiB", 2)]


def test_a_function_that_does_not_listen_ends_with_its_process(paths):
    code = (
        "import sys, duckdb, dagster_project.publish.questions.guard as guard; guard.GRACE = 0.5\n"
        "with duckdb.connect() as con, guard.within(con, guard.Limits(seconds=0.5), ends_process=True):\n"
        "    con.execute(\"select length(repeat('x', 2000000000))\").fetchall()"
    )
    begun = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (
        2,
        "The query was stopped after 0.5 s: ask for less (a year, a city, fewer tables).\n",
    )
    assert time.monotonic() - begun < 20


def test_rows_are_limited_and_that_is_said(paths, capsys):
    few = replace(PERSON, rows=10)
    for form, lines in (("csv", 11), ("markdown", 12)):
        assert run_sql(paths, Console(), "from range(1000000)", form, None, None, few) == 0
        said = capsys.readouterr()
        assert len(said.out.splitlines()) == lines
        assert "The first 10 rows are printed" in said.err
    assert run_sql(paths, Console(), "from range(10)", "csv", None, None, few) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("select avg(r.rank_year) from easy.ranking as r", "Ranks are not averaged"),
        ("select year, sum(rank_year + 1) as s from easy.ranking group by year", "Ranks are not averaged"),
        ("select avg(score) from mart.mart_index_score", "several indexes"),
        ("select coef as effect from mart.mart_panel_coef", "no effect"),
        ("select 2 * coef as total_effect from mart.mart_panel_coef", "no effect"),
        ("select median(rank_year), max(year) from easy.ranking", None),
        ("select avg(score) from mart.mart_index_score where index_code = 'nqpf'", None),
        ("select coef from mart.mart_panel_coef", None),
        ("describe easy.ranking", None),
    ],
)
def test_plausible_wrong_numbers_are_told_from_the_syntax(con, text, words):
    told = traps(con, text)
    assert (told == []) if words is None else (words in told[0])
