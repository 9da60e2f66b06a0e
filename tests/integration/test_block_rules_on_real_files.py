"""The block rules on real yearbooks: nothing an index uses is refused as printed; a spoilt column is, alone.

The other columns of a yearbook may be refused: they are left out then, and the edition is read. Measured on all real
files (yearbooks of 2018-2020 and 2023, compilations of 2010-2023). Smallest rank correlation of a
column with the year before: 0.87 for stocks and flows (sulphur dioxide; 0.91 without it), 0.81 for rates; two years
back 0.81 and 0.75, three years back 0.79 and 0.65. Foreign investment of 2022 has 0.74, employment of households'
services and of water management 0.80, of farming 0.65: they have limits of their own in variable.csv. No column
follows another column's past better than its own by more than -0.12 in atanh(rho); 0.25 is asked. As printed the
columns of a yearbook lose at least 0.25 in atanh(rho) with their siblings when they are moved by a row (land area,
alike among neighbours, gains 0.01); moved columns gain at least 0.2; 0.15 is asked. In no window of 30 rows does the
past of a neighbouring row come within half of the distance; it does in 70 % of the rows of every window of a moved
column.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from dagster_project.defs.gate import baseline_of, gate_frames
from dagster_project.ingest.sidecar import landed_sidecars
from dagster_project.store import Warehouse
from expectations import Baseline
from expectations.contract import Frames
from expectations.judged import judged_blocks

pytestmark = pytest.mark.slow  # a refresh of all real files

type Load = tuple[dict[str, pd.DataFrame], Baseline]
WITH_PAST, FIRST = ("yearbook_wide", 2020), ("yearbook_wide", 2018)
# a column without enough kin in a file: moved by a row it is seen only against a past
WITHOUT_KIN = {"pm25_popw/city"}
# sulphur dioxide fell to a twentieth since 2010: its usual range leaves room for a power of ten
WIDE_RANGE = {"industrial_so2/city"}


@pytest.fixture(scope="module")
def loads(real_warehouse):
    """(source, data year) -> frames and baseline, as the gate has seen them."""
    warehouse = Warehouse(real_warehouse.paths.build_file)
    return {
        (one.source, one.data_year): (gate_frames(warehouse, one), baseline_of(warehouse, one))
        for one in landed_sidecars(real_warehouse.paths)
    }


def refused(load, values=None):
    """Columns of variables that an index uses -> the rule that refuses them."""
    frames, baseline = load
    found = judged_blocks(Frames(frames if values is None else {**frames, "values": values}), baseline)
    found = found[(found["fault"] != "") & is_of_index(found, baseline)]
    return {f"{row.variable_code}/{row.scope}": str(row.fault) for row in found.itertuples()}


def is_of_index(columns, baseline):
    return columns["variable_code"].map(lambda code: baseline.weight(code, "city") > 0)


def test_no_column_of_a_real_file_is_refused(loads):
    assert len(loads) >= 11
    assert {key: found for key, load in loads.items() if (found := refused(load))} == {}


def test_columns_follow_their_past_as_the_rules_suppose(loads):
    blocks = judged_blocks(Frames(loads[WITH_PAST][0]), loads[WITH_PAST][1])
    judged = blocks[blocks["can_rank"] & is_of_index(blocks, loads[WITH_PAST][1])]
    assert len(judged) >= 26
    assert set(judged["year_last"]) == {2019}
    assert judged["spearman"].min() > 0.83
    later = judged_blocks(Frames(loads["yearbook_wide", 2023][0]), loads["yearbook_wide", 2023][1])
    assert set(later.loc[later["can_rank"], "year_last"]) == {2020}  # two editions are not at hand


# a column in turn is spoilt, so that the cases together look at most columns
COLUMNS_A_CASE = 4
SPOILT: list[tuple[tuple[str, int], Callable[[pd.Series], pd.Series], set[str]]] = [
    (WITH_PAST, lambda x: x * 1e4, set()),
    (WITH_PAST, lambda x: x / 1e4, set()),
    (WITH_PAST, lambda x: x * 10, set()),
    (WITH_PAST, lambda x: x.shift(1), set()),
    (FIRST, lambda x: x / 1e4, set()),
    (FIRST, lambda x: x.shift(-1), WITHOUT_KIN),
]


@pytest.mark.parametrize(
    ("at", "key", "spoil", "unseen"),
    [(at, *case) for at, case in enumerate(SPOILT)],
    ids=["x10,000", "x1/10,000", "x10", "row down", "first x1/10,000", "first row up"],
)
def test_a_spoilt_column_is_refused_and_no_other_variable(loads, at, key, spoil, unseen):
    columns = blocks_of(loads[key])
    assert wrongly_judged(loads[key], columns[at :: len(columns) // COLUMNS_A_CASE], spoil, unseen) == {}


@pytest.mark.parametrize(
    ("spoil", "unseen"), [(lambda x: x * 10, WIDE_RANGE), (lambda x: x.shift(1), WITHOUT_KIN)], ids=["x10", "row down"]
)
def test_every_column_of_the_first_edition_is_refused_when_it_is_spoilt(loads, spoil, unseen):
    """A power of ten and a row, where there is no past to hold them against."""
    assert wrongly_judged(loads[FIRST], blocks_of(loads[FIRST]), spoil, unseen) == {}


def blocks_of(load):
    """The columns of a load that hold figures which an index uses."""
    values = load[0]["values"]
    return sorted(set(block_of(values[values["value"].notna() & is_of_index(values, load[1])])))


def wrongly_judged(load, columns, spoil, unseen):
    """Column -> what is refused, where that is not this column alone.

    Its other scope may be named too: an identity between city and districts cannot tell which of them is wrong.
    """
    wrong = {}
    for block in columns:
        found = refused(load, spoilt(load[0]["values"], block, spoil))
        if set(found) - {other_scope(block)} != {block} - unseen:
            wrong[block] = found
    return wrong


def other_scope(block):
    variable, _, scope = block.partition("/")
    return f"{variable}/{'district' if scope == 'city' else 'city'}"


@pytest.mark.parametrize("key", [WITH_PAST, FIRST])
def test_swapped_gdp_refuses_gdp_and_no_innocent_column(loads, key):
    values = loads[key][0]["values"]
    both = {scope: figures(values, f"gdp_nom/{scope}") for scope in ("city", "district")}
    swapped = values.copy()
    for scope, other in (("city", "district"), ("district", "city")):
        mask = (block_of(values) == f"gdp_nom/{scope}") & values["value"].notna()
        swapped.loc[mask, "value"] = values.loc[mask, "city_id"].map(both[other])
    assert set(refused(loads[key], swapped)) == {"gdp_nom/city", "gdp_nom/district"}


def test_rows_that_slip_in_the_middle_are_seen_against_the_past(loads):
    values = loads[WITH_PAST][0]["values"]

    def from_row_150(x):
        return pd.Series(np.where(np.arange(len(x)) < 150, x, x.shift(1)), index=x.index)

    for block in ("gdp_nom/city", "industrial_profit/district", "pm25_popw/city", "wage_avg_nom/city"):
        found = refused(loads[WITH_PAST], spoilt(values, block, from_row_150))
        assert found == {block: "block_stands_in_its_place"}


def block_of(values):
    return values["variable_code"] + "/" + values["scope"]


def figures(values, block):
    mine = values[(block_of(values) == block) & values["value"].notna()]
    return mine.drop_duplicates("city_id").set_index("city_id")["value"]


def spoilt(values, block, spoil):
    """A copy in which one column, in printed order, is spoilt."""
    changed = values.copy()
    mine = changed[(block_of(values) == block) & values["value"].notna()]
    rows = mine["cell"].str.extract(r"(\d+)$", expand=False).astype(int)
    order = mine.assign(row_no=rows).sort_values(["file", "sheet", "row_no"]).index
    changed.loc[order, "value"] = spoil(changed.loc[order, "value"])
    return changed
