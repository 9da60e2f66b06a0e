"""An accepted load is judged again exactly when something that reads or judges it has changed."""

import shutil

import pytest

from dagster_project.paths import PROJECT, Paths
from dagster_project.run_state import READING_MODELS, gate_hash

READS_OR_JUDGES = [
    *(f"dbt/models/intermediate/{model}.sql" for model in READING_MODELS),
    "dbt/models/staging/stg_landing__cells.sql",
    "dbt/macros/text.sql",
    "dbt/seeds/header_map.csv",
    "dagster_project/ingest/headers.py",
    "expectations/run.py",
]


@pytest.fixture
def project(tmp_path):
    for folder in ("dbt/models", "dbt/macros", "dbt/seeds", "dagster_project/ingest", "expectations"):
        shutil.copytree(PROJECT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return Paths(warehouse=tmp_path, landing=tmp_path, sidecars=tmp_path, project=tmp_path)


@pytest.mark.parametrize("file", READS_OR_JUDGES)
def test_a_change_in_what_reads_or_judges_a_load_changes_the_hash(project, file):
    before = gate_hash(project)
    with (project.project / file).open("a", encoding="utf-8") as stream:
        stream.write("\n")
    assert gate_hash(project) != before


def test_a_change_after_the_gate_does_not_change_the_hash(project):
    before = gate_hash(project)
    (project.dbt_project / "models" / "marts" / "index" / "mart_index_score.sql").write_text("select 1")
    assert gate_hash(project) == before


def test_the_reading_models_are_all_views_among_the_intermediate_models():
    folder = PROJECT / "dbt" / "models" / "intermediate"
    views = {f.stem for f in folder.glob("*.sql") if "materialized='view'" in f.read_text(encoding="utf-8")}
    assert views == set(READING_MODELS)
