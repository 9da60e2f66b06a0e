"""A refresh that does only what is needed gives what a refresh from nothing gives, whatever was changed."""

import csv
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from house import CITIES, PLANTED, YEARS, House, copy_of_project
from landing_tools import renew_hash

from dagster_project.demo import generate_demo
from dagster_project.paths import Paths
from dagster_project.publish.release.content import table_contents
from dagster_project.run.status import read_status

pytestmark = pytest.mark.slow
BASE_STEPS = {"raw_yearly", "dbt_reading", "dbt_values", "dbt_panel", "py_index", "dbt_marts", "published__city"}


class Copy:
    """A checkout and a warehouse of its own; the command runs from that checkout."""

    def __init__(self, root: Path, depth: str = "quick") -> None:
        self.project, self.landing, self.depth = root / "project", root / "landing", depth
        self.warehouse = root / "warehouse"

    @property
    def paths(self) -> Paths:
        return Paths(self.warehouse, self.landing, self.landing, self.project)

    def refresh(self) -> set[str]:
        """Runs the main job; returns the steps that made something."""
        command = [sys.executable, "-m", "dagster_project.cli.main", "refresh", "--depth", self.depth]
        places = ["--landing", str(self.landing), "--warehouse", str(self.warehouse)]
        environment = {**os.environ, **PLANTED, "PYTHONPATH": str(self.project)}
        environment.pop("NQPF_WEBHOOK_URL", None)
        done = subprocess.run(
            [*command, *places], cwd=self.project, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        steps = read_status(self.paths.reports)["steps"]
        return {step["step"] for step in steps if not step["is_unchanged"]}

    def contents(self) -> dict[str, str]:
        """Without the name of the data vintage, a count of those before."""
        with duckdb.connect(str(self.paths.published_file), read_only=True) as con:
            return table_contents(con, without=("data_vintage",))


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """Refreshed once, from nothing."""
    root = tmp_path_factory.mktemp("base")
    copy_of_project(root / "project")
    generate_demo(root / "landing", cities=CITIES, years=YEARS)
    Copy(root).refresh()
    return root


def edit(file: str, old: str, new: str) -> Callable[[Copy], None]:
    def change(copy: Copy) -> None:
        path = copy.project / file
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{file} no longer holds {old!r}"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


def changed_cell(copy: Copy) -> None:
    """One register says one figure more: a new file in the place of the old one."""
    sidecar = sorted(copy.landing.rglob("*.yml"))[0]
    (file,) = [path for path in sidecar.parent.iterdir() if path.suffix == ".csv"][:1]
    rows = list(csv.reader(file.open(encoding="utf-8")))
    at = next(n for n, cell in enumerate(rows[1]) if cell.replace(".", "", 1).isdigit() and n > 2)
    rows[1][at] = str(float(rows[1][at]) * 1.01)
    with file.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(rows)
    renew_hash(copy.landing, sidecar)


def correct_a_cell(copy: Copy) -> None:
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


def set_depth(copy: Copy) -> None:
    copy.depth = "default"


CHANGES: dict[str, Callable[[Copy], None]] = {
    "seed": edit("dbt/seeds/indicator.csv", ",loglinear,", ",linear,"),
    "spec": edit("dagster_project/study/specs/index.yml", "seed: 20211231", "seed: 20211230"),
    "sql of the values": edit("dbt/models/values/int_values_selected.sql", "n_years desc", "n_years asc"),
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


@pytest.mark.parametrize("kind", CHANGES)
def test_the_marts_are_those_of_a_refresh_from_nothing(base, tmp_path, kind):
    shutil.copytree(base, tmp_path / "copy", copy_function=shutil.copy2)
    copy = Copy(tmp_path / "copy")
    CHANGES[kind](copy)
    made = copy.refresh()
    found = copy.contents()
    shutil.rmtree(copy.warehouse)
    assert copy.refresh() >= BASE_STEPS
    clean = copy.contents()
    # the history of vintages and revisions is what a warehouse remembers: a new one has none
    remembered = {"mart_revision_log", "dim_vintage", "mart_index_restatement", "mart_source_load"}
    if kind == "new file":  # the checks of the load that it replaced
        remembered.add("mart_check_result")
    differing = {name for name in clean if found.get(name) != clean[name]} - remembered
    assert not differing
    assert found.keys() == clean.keys()
    if kind == "template":
        assert made == {"ops__run_context", "published__city"}
    if kind == "correction":
        assert made >= {"raw__load", "dbt_reading", "py_index"}


def test_what_was_accepted_stays_when_its_sidecar_is_taken_away(base, tmp_path):
    """As it does when a replacement is refused: only a build file made anew forgets a load (docs/howto/recover.md)."""
    shutil.copytree(base, tmp_path / "copy", copy_function=shutil.copy2)
    copy = Copy(tmp_path / "copy")
    (sidecar,) = copy.landing.glob("yearbook/2015/*_v2.yml")
    sidecar.unlink()
    assert "raw_yearly" in copy.refresh()
    assert copy.contents() == Copy(base).contents()


def test_nothing_changed_means_nothing_runs(base, tmp_path):
    shutil.copytree(base, tmp_path / "copy", copy_function=shutil.copy2)
    copy = Copy(tmp_path / "copy")
    before = copy.paths.published_file.read_bytes()
    assert copy.refresh() == set()
    assert copy.paths.published_file.read_bytes() == before
    assert len(list(copy.paths.releases.iterdir())) == 1


@pytest.mark.parametrize("workers", [1, 4])
def test_the_number_of_workers_changes_no_number(base, tmp_path, workers, monkeypatch):
    """`base` was made with one worker a core."""
    shutil.copytree(base, tmp_path / "copy", copy_function=shutil.copy2)
    copy = Copy(tmp_path / "copy")
    shutil.rmtree(copy.warehouse)
    monkeypatch.setenv("NQPF_WORKERS", str(workers))
    copy.refresh()
    assert copy.contents() == Copy(base).contents()


def test_a_killed_refresh_goes_on_after_the_last_step_that_ended(base, tmp_path):
    shutil.copytree(base, tmp_path / "copy", copy_function=shutil.copy2)
    copy = Copy(tmp_path / "copy")
    with duckdb.connect(str(copy.paths.build_file)) as con:
        con.execute("delete from raw.state where name = 'py_markov'")  # as if it had been killed inside this step
    copy.paths.whole_file.unlink()
    made = copy.refresh()
    assert "py_markov" in made
    # SQL of the gate looks again, since no load waits any more; what it leads to is the same
    assert {step for step in made if step.startswith("py_")} == {"py_markov"}
    assert House(copy.paths).published_sha256
