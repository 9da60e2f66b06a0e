"""The index a second time, in plain numpy from the published raw values: no line of python_models is used."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

CELLS = "from mart.mart_indicator_value where index_code = ? and basis = ? order by city_id, year, indicator_code"
FACTS = "from mart.dim_indicator where index_code = ? order by indicator_code"
KEYS = ["city_id", "year"]


@dataclass(frozen=True)
class Recomputed:
    """Frames by (city_id, year): z with one column per indicator, score; weight by indicator."""

    z: pd.DataFrame
    weight: pd.Series
    score: pd.Series


def recompute(house, index_code, basis, window):
    """Cap, cut at the 1st and 99th percentile, scale to 0-1, weigh by entropy, add up."""
    facts = house.published(FACTS, [index_code]).set_index("indicator_code")
    raw = house.published(CELLS, [index_code, basis]).pivot(index=KEYS, columns="indicator_code", values="value_raw")
    inside = raw.index.get_level_values("year").isin(range(window[0], window[1] + 1))
    z = raw.apply(lambda column: _scaled(column, inside, facts.loc[column.name]))
    share = z[inside] / z[inside].sum()
    entropy = -(share * np.log(share.where(share > 0, 1.0))).sum() / np.log(inside.sum())
    weight = (1 - entropy) / (1 - entropy).sum()
    return Recomputed(z, weight, (z * weight).sum(axis=1, skipna=False))


def _scaled(column, inside, facts):
    if pd.notna(facts["cap_high"]):
        column = column.clip(upper=facts["cap_high"])
    if pd.notna(facts["winsor_low"]):
        column = column.clip(*np.quantile(column[inside], [facts["winsor_low"], facts["winsor_high"]]))
    low, high = column[inside].min(), column[inside].max()
    return (column - low) / (high - low) if facts["direction"] > 0 else (high - column) / (high - low)


def largest_gaps(house, index_code, basis, window):
    """Largest absolute difference between what is published and what comes out here; inf if a row is missing."""
    mine = recompute(house, index_code, basis, window)
    keys: list[object] = [index_code, basis]
    where = "where index_code = ? and basis = ? and weight_scheme = 'entropy_flat'"
    score = house.published(f"select city_id, year, score from mart.mart_index_score {where}", keys)
    weight = house.published(f"select indicator_code, weight from mart.mart_index_weight {where}", keys)
    z = house.published(f"select city_id, year, indicator_code, z {CELLS}", keys)
    return {
        "score": _gap(score.set_index(KEYS)["score"], mine.score),  # no score where an indicator is missing
        "weight": _gap(weight.set_index("indicator_code")["weight"], mine.weight),
        "z": _gap(z.set_index([*KEYS, "indicator_code"])["z"], mine.z.stack()),
    }


def _gap(published, mine):
    published, mine = published.dropna(), mine.dropna()
    if len(published) != len(mine) or published.empty:
        return float("inf")
    return float((published - mine).abs().max(skipna=False))
