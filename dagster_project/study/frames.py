"""What all analyses share: labelled frames in, tables out, and the words in which their queries ask for them.

An analysis returns what it found; the contract of the mart decides which columns are published, in which type.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

Frames = Mapping[str, pd.DataFrame]
Tables = dict[str, pd.DataFrame]
KEYS = ("basis", "index_code", "weight_scheme")

# composite scores, weights and contributions with the weight scheme that the spec of their index names as its own
OWN_WEIGHTS = "(index_code::varchar, weight_scheme::varchar) in (select index_code, weight_scheme from ops.index_spec)"
# candidates for the headline: indexes of productive forces, each with its index of production relations
PAIRS = "select index_code, relations_code, basis from mart.dim_index where relations_code is not null"
FORCES = f"(select index_code from ({PAIRS}))"
RELATIONS = f"(select relations_code from ({PAIRS}))"


def main_scheme(role: str) -> str:
    """The group scheme that is used where only one can be: of role region, centre or list."""
    return f"(select scheme from mart.dim_group_scheme where role = '{role}' and is_main)"


# every index that is no variant of another
MAIN_INDEXES = "(select index_code from ops.index_spec where variant_of = '')"


def candidate_scores(condition: str = OWN_WEIGHTS) -> str:
    """Composite scores of every candidate on every basis; is_frozen: on the basis of its base window."""
    return f"""
        select s.basis, s.index_code, s.weight_scheme, s.city_id, s.year, s.score, s.basis = i.basis as is_frozen
        from (select * from py.index_score where {condition}) as s
        join ({PAIRS}) as i on s.index_code = i.index_code
        order by all
    """


GROUP_FRAMES = {
    "schemes": "select * from mart.dim_group_scheme order by sort_no",
    "groups": "select city_id, scheme, group_code, valid_from, valid_to from mart.dim_group_membership order by all",
}
NEIGHBOURS = "select city_id_a, city_id_b from seed.city_neighbour order by 1, 2"
MASS = """
    select city_id, value from int.int_indicators_constructed
    where edit_policy = 'edited' and indicator_code = 'q2_gdppc' and value > 0
        and year = (select min(window_start) from ops.index_spec)
    order by city_id
"""


def stacked(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """All rows in one frame. A column that a part lacks, or has no value in, leaves the types of the others alone."""
    full = [part for part in parts if not part.empty]
    if not full:
        return pd.DataFrame()
    names = list(dict.fromkeys(name for part in full for name in part.columns))
    return pd.concat([part.dropna(axis=1, how="all") for part in full], ignore_index=True).reindex(columns=names)


class Rows:
    """Tables that grow part by part."""

    def __init__(self) -> None:
        self._parts: defaultdict[str, list[pd.DataFrame]] = defaultdict(list)

    def add(self, tables: Mapping[str, pd.DataFrame], **columns: Any) -> None:
        """More rows of some tables, with the same value in each of the named columns."""
        for name, frame in tables.items():
            self._parts[name].append(frame.assign(**columns))

    def tables(self, names: Iterable[str]) -> Tables:
        """Every named table; one without rows has no columns either."""
        return {name: stacked(self._parts[name]) for name in names}
