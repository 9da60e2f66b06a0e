"""No raw column may be content on both sides of a model (docs/formulas.md#indicators)."""

import csv
from pathlib import Path

import pytest

from dagster_project.study.settings import read_index_specs

ROOT = Path(__file__).resolve().parents[2]
SPECS = {spec.index_code: spec for spec in read_index_specs(ROOT / "dagster_project" / "study" / "specs" / "index.yml")}
PAIRS = [
    (n, r)
    for n in SPECS
    if n.startswith("nqpf")
    for r in SPECS
    if r.startswith("pr")
    if n.startswith("nqpf_yearbook") == r.startswith("pr_yearbook")
]
# Employment is what labour productivity divides by and what the misallocation of labour looks at.
SHARED_SCALES_ALLOWED = {
    *("gdp_nom", "population", "emp_total", "emp_urban_units", "fiscal_expenditure", "all_firms_stock")
}


def codes_of(index_code):
    return {str(row["indicator_code"]) for row in SPECS[index_code].rows()}


def columns(codes, *roles):
    with (ROOT / "dbt" / "seeds" / "indicator_part.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    return {row["variable_code"] for row in rows if row["indicator_code"] in codes and row["role"] in roles}


def overlap(forces, relations, *roles):
    return columns(forces, *roles) & columns(relations, *roles)


@pytest.mark.parametrize(("forces", "relations"), PAIRS)
def test_no_column_is_content_of_both_indexes_and_those_shared_in_any_role_are_the_listed_ones(forces, relations):
    ours, theirs = codes_of(forces), codes_of(relations)
    assert not overlap(ours, theirs, "content")
    assert overlap(ours, theirs, "content", "scale") <= SHARED_SCALES_ALLOWED


def test_the_rule_catches_an_indicator_on_both_sides():
    both = codes_of("pr") | {"n1_edushare"}
    assert overlap(codes_of("nqpf"), both, "content") == {"fiscal_education"}


def test_variants_without_the_shared_columns_exist():
    assert not columns(codes_of("pr_no_shared_scale"), "content") & {"fiscal_expenditure", "emp_total"}
    assert "gdp_nom" not in columns(codes_of("nqpf_no_q2"), "content")
