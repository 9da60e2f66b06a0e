"""A column is refused, a person pastes the printed row into header_map.csv, and the rest of the file is taken."""

from dataclasses import replace

import pandas as pd
import pytest
from faults import gdp_of_city_and_districts_swapped
from house import House, copy_of_project
from landing_tools import changed_copy, supersede, vintage_of

# each refreshes whole warehouses: minutes on two cores
pytestmark = pytest.mark.slow

REFUSED = 3
FIGURES = """
    select variable_code, scope, count(*) as n from int.int_values_corrected
    where vintage = ? and value is not null group by all
"""


def test_rows_of_the_message_let_the_rest_of_the_file_pass(copy_of_small_warehouse, tmp_path):
    house = House(replace(copy_of_small_warehouse.paths, project=copy_of_project(tmp_path / "project")))
    good = house.paths.landing / "yearbook" / "2014"
    file = changed_copy(good / "synthetic_yearbook_2014.xlsx", "swapped.xlsx", gdp_of_city_and_districts_swapped)
    vintage = vintage_of(supersede(house.paths.landing, good / "yearbook.yml", file))

    outcome = house.refresh()
    assert outcome.exit_code == REFUSED
    before = figures(house, vintage)
    assert {"gdp_nom/city", "gdp_nom/district"} <= set(before)

    paste(house, [line.split("row for header_map.csv: ")[1] for line in outcome.lines if "row for header" in line])
    outcome = house.refresh()
    assert outcome.exit_code == 0, outcome.text
    assert list(house.build("select is_accepted from raw.load where vintage = ?", [vintage])["is_accepted"]) == [True]
    after = figures(house, vintage)
    assert set(before) - set(after) == {"gdp_nom/city", "gdp_nom/district"}
    assert all(after[block] == before[block] for block in after)
    said = house.build(
        "select rule_id, severity from ops.validation_result where vintage = ? and not passed", [vintage]
    )
    assert ["required_variable_is_not_left_out", "warn"] in said.to_numpy().tolist()


def paste(house: House, rows: list[str]) -> None:
    """At the end of the seed, as a person does it."""
    assert rows
    with (house.paths.seeds / "header_map.csv").open("a", encoding="utf-8") as stream:
        stream.writelines(f"{row}\n" for row in rows)


def figures(house: House, vintage: str) -> dict[str, int]:
    found: pd.DataFrame = house.build(FIGURES, [vintage])
    return {f"{row.variable_code}/{row.scope}": int(row.n) for row in found.itertuples()}
