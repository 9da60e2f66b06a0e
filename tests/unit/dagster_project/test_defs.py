"""How steps fail, what the gate is handed, and which frames a run keeps."""

import re

import dagster as dg
import duckdb
import pandas as pd
import pytest
from dbt_models import rendered

from dagster_project.defs.gate import _judge_all
from dagster_project.defs.outcome import read_failure
from dagster_project.defs.scheduler import FrameCache
from dagster_project.errors import EXIT_BAD_INPUT, EXIT_FAILED
from dagster_project.paths import Paths
from dagster_project.run.dbt import DbtError
from dagster_project.store import Warehouse
from dagster_project.study.index import NoIndexError
from dagster_project.study.registry import Analysis

NO_INDEX = "no index can be computed. nqpf: only 3 cities are complete"


@pytest.mark.parametrize(
    ("error", "exit_code", "says"),
    [
        (NoIndexError(NO_INDEX), EXIT_BAD_INPUT, f"^{NO_INDEX}$"),
        (ValueError("operands could not be broadcast"), EXIT_FAILED, "a fault of the program"),
        (
            dg.DagsterExecutionInterruptedError(),
            EXIT_FAILED,
            r"^Interrupted in step step\. The published file is unchanged; run it again\.$",
        ),
    ],
)
def test_a_failure_is_the_users_to_mend_a_fault_or_an_interruption(error, exit_code, says):
    @dg.op
    def step() -> None:
        raise error

    @dg.job
    def ingest() -> None:
        step()

    failure = read_failure(ingest.execute_in_process(raise_on_error=False))
    assert failure.exit_code == exit_code
    assert re.search(says, failure.sentences[0])
    assert (failure.status == "interrupted") == ("Interrupted" in says)


BY_DBT = """\
19:36:01  Completed with 2 errors, 0 partial successes, and 0 warnings:
19:36:01
19:36:01  Failure in seed names (seeds/names.csv)
19:36:01    Compilation Error in seed names (seeds/names.csv)
  Row 0 has 3 values, but Table only has 2 columns.

  > in macro materialization_seed_default (macros/materializations/seeds/seed.sql)
19:36:01
19:36:01  Failure in model twice (models/twice.sql)
19:36:01    Runtime Error in model twice (models/twice.sql)
  Invalid Input Error: "twice" has more than one row for each of 1 keys (n), as for {'n': 2}
19:36:01
19:36:01    compiled code at target/compiled/small/models/twice.sql
19:36:01  Done. PASS=0 WARN=0 ERROR=2 SKIP=0 NO-OP=0 TOTAL=2
"""


def test_what_dbt_says_of_a_seed_or_a_model_that_fails_comes_with_its_reason():
    @dg.op
    def step() -> None:
        raise DbtError(BY_DBT, {})

    @dg.job
    def ingest() -> None:
        step()

    assert read_failure(ingest.execute_in_process(raise_on_error=False)).sentences == [
        "dbt stopped in step step.",
        "Failure in seed names (seeds/names.csv)",
        "Compilation Error in seed names (seeds/names.csv)",
        "Row 0 has 3 values, but Table only has 2 columns.",
        "Failure in model twice (models/twice.sql)",
        "Runtime Error in model twice (models/twice.sql)",
        "Invalid Input Error: \"twice\" has more than one row for each of 1 keys (n), as for {'n': 2}",
    ]


FAULT = "correction.csv: two decisions (drop, keep) for one cell."


def test_a_fault_of_the_seeds_ends_the_run_before_a_load_is_judged(tmp_path):
    paths = Paths(tmp_path / "warehouse", tmp_path / "landing", tmp_path / "landing")
    warehouse = Warehouse(paths.build_file)
    warehouse.prepare()
    with warehouse.connect() as con:
        con.execute("create schema if not exists edit")
        con.execute("create table edit.int_edit_faults as select ? as sentence", [FAULT])
    with pytest.raises(dg.Failure) as failed:
        list(_judge_all(dg.build_asset_context(), paths, warehouse, [], ""))  # type: ignore[arg-type]
    assert failed.value.description == FAULT
    assert warehouse.read_value("select count(*) from ops.validation_result") == 0


MATCHED = """
create table source as
from (values ('county_tables', 'county'), ('yearbook', 'city'), ('other', 'city')) as t (source, unit_level);
create table row_count as from (values ('county_tables', 'county'), ('yearbook', 'city')) as t (source, level);
create table gate_parameter as select 'first_year' as parameter, 2010 as value;
create table int_rows_matched_to_cities as
select *, 2020 as year, 2020 as data_year
from (values ('county_tables', 1, 'city'), ('county_tables', 2, 'county'), ('county_tables', 3, 'unknown'),
    ('yearbook', 1, 'city'), ('yearbook', 2, 'county'), ('other', 1, 'city')) as t (source, row_no, row_kind);
"""


@pytest.mark.parametrize(
    ("source", "kinds"), [("county_tables", "other city unknown"), ("yearbook", "city county"), ("other", "city")]
)
def test_a_city_above_its_counties_is_none_of_the_rows_of_a_source_about_counties(source, kinds):
    with duckdb.connect() as con:
        con.execute(MATCHED)
        rows = con.execute(f"select row_kind from ({rendered('gate/gate_row')}) where source = ?", [source])
        assert [kind for (kind,) in rows.fetchall()] == kinds.split()


def analysis(name: str, **reads: str) -> Analysis:
    return Analysis(name, "index", reads, lambda frames, settings: {}, ())


def test_a_frame_that_several_analyses_read_goes_with_its_last_reader():
    one, two = analysis("one", scores="py.a", own="py.b"), analysis("two", scores="py.a")
    shared, frame = FrameCache([one, two]), pd.DataFrame({"x": [1]})
    shared.keep("one", dict.fromkeys(one.queries().values(), frame))
    assert list(shared.frames) == [two.queries()["scores"]]
    shared.keep("two", {})
    assert not shared.frames
    one, shared = analysis("one", scores="py.a"), FrameCache([one, two])
    shared.keep("two", {})  # unchanged: it will not ask
    shared.keep("one", {one.queries()["scores"]: pd.DataFrame()})
    assert not shared.frames
