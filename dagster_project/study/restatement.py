"""The restatement table: why a score of an earlier basis or data vintage is not the score of today.

Two kinds of bridges, both for the headline weights of each headline index: from the frozen to the restated basis
inside one vintage, and from the previous vintage to this one on the same basis. A change of the method itself (other
indicators, directions or caps) cannot be split further: the whole change is then `part_method`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dagster_project.study.frames import Frames
from dagster_project.study.index_spec import RESTATED
from python_models._types import FloatArray
from python_models.measurement.restatement import Basis, restate
from python_models.panel import Panel
from python_models.scores import weighted_score

FACTS = ["weight", "min_value", "max_value", "winsor_low_value", "winsor_high_value", "direction", "cap_high"]
# what made the headline scores of a release, out of its published file
OF_RELEASE = """
    select k.data_vintage, v.index_code, v.basis, v.city_id, v.year, v.indicator_code, v.value_raw as value, w.weight,
        b.min_value, b.max_value, b.winsor_low_value, b.winsor_high_value, i.direction, i.cap_high
    from mart.mart_indicator_value as v
    join mart.mart_index_bounds as b using (index_code, basis, indicator_code)
    join mart.mart_index_weight as w
        on w.index_code = v.index_code and w.basis = v.basis and w.indicator_code = v.indicator_code
        and w.weight_scheme in (select weight_scheme from mart.dim_weight_scheme where is_headline)
    join mart.dim_indicator as i on i.index_code = v.index_code and i.indicator_code = v.indicator_code
    cross join ops.run_context as k
    where v.index_code in (select index_code from mart.dim_index where variant_of is null or variant_of = '')
    order by v.index_code, v.basis, v.city_id, v.year, v.indicator_code
"""


@dataclass(frozen=True, eq=False)
class State:
    """One index on one basis of one vintage: raw values (N, T, m), and what makes a score of them, by indicator."""

    vintage: str
    basis: str
    panel: Panel
    facts: pd.DataFrame

    def scores(self) -> pd.Series[float]:
        """Score by city and year."""
        z = self.rule().scale(self.panel.values, _floats(self.facts["direction"]), self.caps())
        return _by_city_year(weighted_score(z, self.rule().weights), self.panel.cities, self.panel.years)

    def rule(self) -> Basis:
        f = self.facts
        low, high = _floats(f["winsor_low_value"], -np.inf), _floats(f["winsor_high_value"], np.inf)
        return Basis(_floats(f["min_value"]), _floats(f["max_value"]), low, high, _floats(f["weight"]))

    def caps(self) -> FloatArray:
        return _floats(self.facts["cap_high"], np.inf)

    def has_method_of(self, other: State) -> bool:
        """Same indicators, directions and caps."""
        same_names = self.panel.names == other.panel.names
        columns = ("direction", "cap_high")
        return same_names and all(
            _floats(self.facts[c], -1.0).tolist() == _floats(other.facts[c], -1.0).tolist() for c in columns
        )


def restatement_table(frames: Frames, code: str) -> pd.DataFrame:
    """Bridges of one index; empty if there is neither a second basis nor a previous vintage.

    frames: as `measurement` reads them; `previous`: the columns of OF_RELEASE for one earlier vintage, or no rows.
    """
    now = {state.basis: state for state in current_states(frames, code)}
    before = {state.basis: state for state in previous_states(frames["previous"], code)}
    pairs = [(now[b], now[RESTATED]) for b in sorted(now) if b != RESTATED and RESTATED in now]
    pairs += [(before[b], now[b]) for b in sorted(now) if b in before]
    rows = [bridge(old, new) for old, new in pairs]
    return pd.concat(rows, ignore_index=True).assign(index_code=code) if rows else pd.DataFrame()


def bridge(old: State, new: State) -> pd.DataFrame:
    """One row per city and year that has a score in both states."""
    keys = {"vintage_old": old.vintage, "vintage_new": new.vintage, "basis_old": old.basis, "basis_new": new.basis}
    if not new.has_method_of(old):
        both = pd.DataFrame({"score_old": old.scores(), "score_new": new.scores()}).dropna()
        change = both["score_new"] - both["score_old"]
        frame = both.assign(
            part_revision=0.0, part_bounds=0.0, part_weights=0.0, part_method=change, total_change=change
        )
        return (
            frame.rename_axis(["city_id", "year"])
            .reset_index()
            .assign(n_obs=frame.index.get_level_values(0).nunique(), **keys)
        )
    cities = tuple(c for c in new.panel.cities if c in set(old.panel.cities))
    years = tuple(y for y in new.panel.years if y in set(old.panel.years))
    if not cities or not years:
        return pd.DataFrame()
    values = [_cut(state.panel, cities, years) for state in (old, new)]
    result = restate(
        values[0],
        values[1],
        old.rule(),
        new.rule(),
        directions=_floats(new.facts["direction"]),
        caps=new.caps(),
        cities=cities,
        years=years,
    ).to_frame()
    return result.assign(part_method=0.0, n_obs=result["city_id"].nunique(), **keys)


def current_states(frames: Frames, code: str) -> list[State]:
    """Every basis of the index in this build."""
    vintage = str(frames["context"]["data_vintage"].iloc[0])
    bounds = _of(frames["bounds"], code)
    weight = _of(frames["weight"], code)
    weight = weight[weight["is_headline"]]
    facts = bounds.merge(weight[["basis", "indicator_code", "weight"]], on=["basis", "indicator_code"], validate="1:1")
    facts = facts.merge(frames["indicator"][["indicator_code", "direction", "cap_high"]], on="indicator_code")
    cells = _of(frames["panel"], code)
    found = []
    for basis, own in facts.groupby("basis", sort=True):
        end = int(own["window_end"].iloc[0])
        seen = cells[cells["year"] <= end] if basis == RESTATED else cells
        found.append(_state(vintage, str(basis), seen, own))
    return found


def previous_states(previous: pd.DataFrame, code: str) -> list[State]:
    """Every basis of the index in the vintage that was published before this one."""
    if previous.empty:
        return []
    own = _of(previous, code)
    return [
        _state(str(vintage), str(basis), part, part.drop_duplicates("indicator_code"))
        for (vintage, basis), part in own.groupby(["data_vintage", "basis"], sort=True)
    ]


def _state(vintage: str, basis: str, cells: pd.DataFrame, facts: pd.DataFrame) -> State:
    panel = Panel.from_long(cells[["city_id", "year", "indicator_code", "value"]])
    return State(vintage, basis, panel, facts.set_index("indicator_code").loc[list(panel.names), FACTS])


def _cut(panel: Panel, cities: tuple[str, ...], years: tuple[int, ...]) -> FloatArray:
    at_city, at_year = {c: i for i, c in enumerate(panel.cities)}, {y: t for t, y in enumerate(panel.years)}
    return panel.values[np.ix_([at_city[c] for c in cities], [at_year[y] for y in years])]


def _by_city_year(score: FloatArray, cities: tuple[str, ...], years: tuple[int, ...]) -> pd.Series[float]:
    return pd.Series(score.reshape(-1), index=pd.MultiIndex.from_product([cities, years], names=["city_id", "year"]))


def _of(frame: pd.DataFrame, code: str) -> pd.DataFrame:
    return frame[frame["index_code"] == code]


def _floats(column: pd.Series[Any], missing: float = np.nan) -> FloatArray:
    return np.asarray(column.astype(float).fillna(missing), dtype=np.float64)
