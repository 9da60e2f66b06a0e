"""A refresh that does only what is needed gives what a refresh from nothing gives, whatever was changed."""

import csv
import os
import shutil
import subprocess
import sys
from dataclasses import replace

import duckdb
import pytest
from house import CITIES, PLANTED, YEARS, copy_of_project, paths_below
from landing_tools import renew_hash

from dagster_project.demo import generate_demo
from dagster_project.publish.release.content import table_contents
from dagster_project.run.status import read_status

pytestmark = pytest.mark.slow
BASE_STEPS = {"raw_yearly", "dbt_reading", "dbt_values", "dbt_panel", "py_index", "dbt_marts", "published__city"}


class Copy:
    """A checkout and a warehouse of its own; the command runs from that checkout."""

    def __init__(self, root, depth="trial"):
        self.root, self.project, self.landing, self.depth = root, root / "project", root / "landing", depth
        self.paths = replace(paths_below(root), project=self.project)

    def refresh(self, *, is_enough=True):
        """Runs the main job; returns the steps that made something. is_enough: for an index, else it is refused."""
        command = [sys.executable, "-m", "dagster_project.cli.main", "refresh", "--depth", self.depth]
        command += ["--landing", str(self.landing), "--warehouse", str(self.paths.warehouse)]
        environment = {**os.environ, **PLANTED, "PYTHONPATH": str(self.project)}
        del environment["NQPF_WEBHOOK_URL"]
        done = subprocess.run(command, cwd=self.project, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == (0 if is_enough else 2), done.stdout + done.stderr
        steps = read_status(self.paths.reports)["steps"]
        return {step["step"] for step in steps if not step["is_unchanged"]}

    def refresh_from_nothing(self, **how):
        shutil.rmtree(self.paths.warehouse)
        return self.refresh(**how)

    def contents(self):
        """Without the name of the data vintage, a count of those before."""
        with duckdb.connect(str(self.paths.published_file), read_only=True) as con:
            return table_contents(con, without=("data_vintage",))

    def headers(self):
        """What each printed column was taken for."""
        with duckdb.connect(str(self.paths.published_file), read_only=True) as con:
            return {*map(repr, con.execute("from mart.mart_header").fetchall())}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """Refreshed once, from nothing."""
    made = Copy(tmp_path_factory.mktemp("base"))
    copy_of_project(made.project)
    generate_demo(made.landing, cities=CITIES, years=YEARS)
    made.refresh()
    return made


@pytest.fixture
def copy(base, tmp_path):
    return Copy(shutil.copytree(base.root, tmp_path / "copy", copy_function=shutil.copy2))


def edit(file, old, new):
    def change(copy):
        path = copy.project / file
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{file} no longer holds {old!r}"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


def changed_cell(copy):
    """One register says one figure more: a new file in the place of the old one."""
    sidecar = sorted(copy.landing.rglob("*.yml"))[0]
    (file,) = [path for path in sidecar.parent.iterdir() if path.suffix == ".csv"][:1]
    rows = list(csv.reader(file.open(encoding="utf-8")))
    at = next(n for n, cell in enumerate(rows[1]) if cell.replace(".", "", 1).isdigit() and n > 2)
    rows[1][at] = str(float(rows[1][at]) * 1.01)
    with file.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(rows)
    renew_hash(copy.landing, sidecar)


def correct_a_cell(copy):
    """One row of a person's: a printed figure is 5 % too low."""
    sql = """
        select source, city_id, year, variable_code, text from mart.mart_source_value
        where source = 'yearbook' and variable_code = 'fiscal_science' and is_selected
        order by year desc, city_id limit 1
    """
    with duckdb.connect(str(copy.paths.published_file), read_only=True) as con:
        source, city, year, variable, text = con.execute(sql).fetchall()[0]
    with (copy.paths.seeds / "correction.csv").open("a", encoding="utf-8") as stream:
        stream.write(f"{source},,{city},{year},{variable},city,scale,1.05,{text},a digit is not readable,open\n")


def set_depth(copy):
    copy.depth = "default"


CHANGES = {
    "seed": edit("dbt/seeds/indicator.csv", ",loglinear,", ",linear,"),
    "spec": edit("dagster_project/study/specs/index.yml", "seed: 20211231", "seed: 20211230"),
    "sql of the values": edit("dbt/models/values/int_values_selected.sql", "count(*) desc", "count(*) asc"),
    "sql of a mart": edit("dbt/models/marts/dimensions/dim_year.sql", "select", "select  "),
    "study code": edit("dagster_project/study/coupling.py", '"""', '"""Again. '),
    "method code": edit("python_models/inequality/gini.py", '"""', '"""Again. '),
    "expectation": edit("expectations/run.py", '"""', '"""Again. '),
    "description": edit("dbt/models/marts/dimensions/_dimensions.yml", "One row per ", "One row per  "),
    "template": edit("dagster_project/publish/__init__.py", '"""', '"""Again. '),
    "new file": changed_cell,
    "depth": set_depth,
    "correction": correct_a_cell,
}


# the history of vintages and revisions is what a warehouse remembers: a new one has none
REMEMBERED = {"mart_revision_log", "dim_vintage", "mart_index_restatement", "mart_source_load"}


def test_the_order_in_which_editions_land_changes_no_value(base, copy):
    folder, away = copy.landing / "yearbook" / "2014", copy.root / "2014"
    folder.rename(away)
    copy.refresh_from_nothing(is_enough=False)
    away.rename(folder)
    copy.refresh()
    found, expected = copy.contents(), base.contents()
    assert {name for name in expected if found.get(name) != expected[name]} <= REMEMBERED | {"mart_check_result"}


@pytest.mark.parametrize("kind", CHANGES)
def test_the_marts_are_those_of_a_refresh_from_nothing(copy, kind):
    CHANGES[kind](copy)
    made = copy.refresh()
    found, headers = copy.contents(), copy.headers()
    assert copy.refresh_from_nothing() >= BASE_STEPS
    clean = copy.contents()
    # the load that was replaced is remembered too, and changes nothing that is said of the others
    remembered = REMEMBERED | ({"mart_check_result", "mart_header"} if kind == "new file" else set())
    assert copy.headers() <= headers
    assert {name for name in clean if found.get(name) != clean[name]} <= remembered
    assert found.keys() == clean.keys()
    if kind == "template":
        assert made == {"ops__run_context", "published__city"}
    if kind == "correction":
        assert made >= {"raw__load", "dbt_reading", "py_index"}


def test_what_was_accepted_stays_when_its_sidecar_is_taken_away(base, copy):
    """As it does when a replacement is refused: only a build file made anew forgets a load (docs/howto/recover.md)."""
    (sidecar,) = copy.landing.glob("yearbook/2015/*_v2.yml")
    sidecar.unlink()
    assert "raw_yearly" in copy.refresh()
    assert copy.contents() == base.contents()


def test_a_killed_refresh_goes_on_after_the_last_step_that_ended(copy):
    with duckdb.connect(str(copy.paths.build_file)) as con:
        con.execute("delete from raw.state where name = 'py_markov'")  # as if it had been killed inside this step
    copy.paths.inputs_file.unlink()
    # SQL of the gate looks again, since no load waits any more; what it leads to is the same
    assert {step for step in copy.refresh() if step.startswith("py_")} == {"py_markov"}
    assert copy.paths.published_file.is_file()
