"""Coupling of the two indexes by city and year, in both forms and on three scales, with summaries by group."""

import itertools
import json
from collections.abc import Mapping
from typing import get_args

import numpy as np
import pandas as pd

from python_models.production.coupling import CLASSES, Form, Scale, common_scale, coordination_class, coupling, lead_lag

Frames = Mapping[str, pd.DataFrame]
FORMS: tuple[Form, ...] = get_args(Form)
SCALES: tuple[Scale, ...] = get_args(Scale)
DEFAULT_CUT = 0.5  # of D in the base year, until a synergy threshold is estimated
SUMMARY_SCALE: Scale = "minmax01"
KEYS = ["basis", "index_code", "relations_code", "weight_scheme"]


def build_coupling_tables(frames: Frames) -> dict[str, pd.DataFrame]:
    """Frames `scores` (index_code, relations_code, basis, weight_scheme, city_id, year, u1, u2, in_base), `groups`."""
    parts = [_pair(part, keys) for keys, part in frames["scores"].groupby(KEYS, sort=True)]
    if not parts:
        return {"coupling": pd.DataFrame(columns=_COUPLING), "coupling_summary": pd.DataFrame(columns=_SUMMARY)}
    table = pd.concat(parts, ignore_index=True)
    return {"coupling": table[_COUPLING], "coupling_summary": _summary(table, frames["groups"])}


_COUPLING = [
    *KEYS,
    "city_id",
    "year",
    "form",
    "scale",
    "u1",
    "u2",
    "c",
    "t_index",
    "d",
    "class_10",
    "lead_lag",
    "synergy_high",
    "is_clipped",
]
_SUMMARY = [
    *KEYS,
    "year",
    "scheme",
    "group_code",
    "form",
    "n",
    "mean_d",
    "mean_d_lo",
    "mean_d_hi",
    "median_d",
    "share_class",
    "share_pr_lagging",
    "share_nqpf_lagging",
    "n_class_changed_by_scale",
]


def _pair(part: pd.DataFrame, keys: tuple[object, ...]) -> pd.DataFrame:
    """All forms and scales of one pair of indexes on one basis."""
    part = part.sort_values(["city_id", "year"])
    base = part["in_base"].to_numpy(dtype=bool)
    rows = []
    for scale in SCALES:
        raw = part[["u1", "u2"]].to_numpy(dtype=float)
        scaled = np.column_stack([common_scale(raw[:, s], base=base, scale=scale) for s in (0, 1)])
        # a frozen score of a later year may leave the unit interval: it is cut and said so
        u = np.clip(scaled, 0.0, 1.0)
        clipped = (u != scaled).any(axis=1) | ((u >= 1.0).any(axis=1) & (scale == "minmax01"))
        for form in FORMS:
            found = coupling(u, form=form)
            rows.append(
                part[["city_id", "year"]].assign(
                    form=form,
                    scale=scale,
                    u1=u[:, 0],
                    u2=u[:, 1],
                    c=found.c,
                    t_index=found.t,
                    d=found.d,
                    class_10=coordination_class(found.d),
                    lead_lag=lead_lag(u[:, 0], u[:, 1]),
                    is_clipped=clipped,
                    synergy_high=_high_in_first_year(part, found.d),
                )
            )
    table = pd.concat(rows, ignore_index=True)
    for name, value in zip(KEYS, keys, strict=True):
        table[name] = str(value)
    return table


def _high_in_first_year(part: pd.DataFrame, d: np.ndarray) -> np.ndarray:
    """D at or above the cut in the city's first year: a regime is a base-year fact, never of the same year."""
    first = pd.DataFrame({"city_id": part["city_id"].to_numpy(), "d": d}).groupby("city_id")["d"].transform("first")
    return np.asarray(first.to_numpy() >= DEFAULT_CUT)


def _summary(table: pd.DataFrame, groups: pd.DataFrame) -> pd.DataFrame:
    changed = _changed_by_scale(table)
    chosen = table[table["scale"] == SUMMARY_SCALE].merge(changed, on=[*KEYS, "city_id", "year", "form"])
    everyone = pd.DataFrame({"city_id": table["city_id"].unique(), "scheme": "all", "group_code": "all"})
    member = pd.concat([everyone, groups[["city_id", "scheme", "group_code"]]], ignore_index=True)
    joined = chosen.merge(member, on="city_id")
    rows = []
    for keys, part in joined.groupby([*KEYS, "year", "scheme", "group_code", "form"], sort=True):
        d = part["d"].to_numpy()
        half = 1.959964 * d.std(ddof=1) / np.sqrt(len(d)) if len(d) > 1 else np.nan
        share = part["class_10"].value_counts(normalize=True)
        rows.append(
            (
                *keys,
                len(d),
                d.mean(),
                d.mean() - half,
                d.mean() + half,
                float(np.median(d)),
                json.dumps({name: round(float(share[name]), 6) for name in CLASSES if name in share}),
                float((part["lead_lag"] == "pr_lagging").mean()),
                float((part["lead_lag"] == "nqpf_lagging").mean()),
                int(part["is_changed"].sum()),
            )
        )
    return pd.DataFrame(rows, columns=_SUMMARY)


def _changed_by_scale(table: pd.DataFrame) -> pd.DataFrame:
    """True where the class of a city-year is not the same on every scale."""
    wide = table.pivot(index=[*KEYS, "city_id", "year", "form"], columns="scale", values="class_10")
    pairs = [wide[a] != wide[b] for a, b in itertools.combinations(SCALES, 2)]
    return pd.concat(pairs, axis=1).any(axis=1).rename("is_changed").reset_index()
