"""Coupling of productive forces with production relations: by city and year, in two forms and on three scales."""

import json
from typing import get_args

import numpy as np
import pandas as pd

from dagster_project.study.frames import Frames, Tables
from dagster_project.study.groups import Groups
from dagster_project.study.queries import GROUP_FRAMES, queries
from dagster_project.study.settings import Settings
from python_models.inference import half_width
from python_models.production.coupling import CLASSES, Form, Scale, common_scale, coordination_class, coupling, lead_lag

INPUTS = {**queries(__file__), **GROUP_FRAMES}
TABLES = ("coupling", "coupling_summary")
FORMS: tuple[Form, ...] = get_args(Form)
SCALES: tuple[Scale, ...] = get_args(Scale)
DEFAULT_CUT = 0.5  # of D in the base year, until a synergy threshold is estimated
SUMMARY_SCALE: Scale = "minmax01"
PAIR_KEYS = ["basis", "index_code", "relations_code", "weight_scheme"]


def build(frames: Frames, settings: Settings) -> Tables:
    """Nothing here is drawn. Empty tables without a pair of indexes."""
    parts = [_pair(part, keys) for keys, part in frames["scores"].groupby(PAIR_KEYS, sort=True)]
    if not parts:
        return {name: pd.DataFrame() for name in TABLES}
    table = pd.concat(parts, ignore_index=True)
    return {"coupling": table, "coupling_summary": _summary(table, Groups.read(frames))}


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
        at_edge = (u != scaled).any(axis=1) | ((u >= 1.0).any(axis=1) & (scale == "minmax01"))
        for form in FORMS:
            result = coupling(u, form=form)
            row = part[["city_id", "year"]].assign(form=form, scale=scale, u1=u[:, 0], u2=u[:, 1], is_clipped=at_edge)
            row = row.assign(c=result.c, t_index=result.t, d=result.d, class_10=coordination_class(result.d))
            # a regime is a base-year fact, never of the same year
            first = row.groupby("city_id")["d"].transform("first")
            rows.append(row.assign(lead_lag=lead_lag(u[:, 0], u[:, 1]), synergy_high=first >= DEFAULT_CUT))
    return pd.concat(rows, ignore_index=True).assign(**dict(zip(PAIR_KEYS, map(str, keys), strict=True)))


def _summary(table: pd.DataFrame, groups: Groups) -> pd.DataFrame:
    """Coordination by group: mean with its 95 % interval (normal), median, classes, who lags."""
    keys = [*PAIR_KEYS, "city_id", "year", "form"]
    classes = table.pivot(index=keys, columns="scale", values="class_10")
    first = classes.bfill(axis=1).iloc[:, 0]
    switches = (classes.ne(first, axis=0) & classes.notna()).any(axis=1).rename("is_changed").reset_index()
    rows_at_scale = table[table["scale"] == SUMMARY_SCALE].merge(switches, on=keys)
    cities = np.array(sorted(table["city_id"].unique()))
    members = groups.members(list(cities), groups.splits(whole=True))
    parts = [
        rows_at_scale[rows_at_scale["city_id"].isin(cities[mask])].assign(scheme=scheme, group_code=group, at=at)
        for at, (scheme, group, mask) in enumerate(members)
    ]
    by = ["at", *PAIR_KEYS, "year", "form", "scheme", "group_code"]
    rows = pd.concat(parts, ignore_index=True)
    rows = rows.assign(**{f"share_{lead}": rows["lead_lag"] == lead for lead in ("pr_lagging", "nqpf_lagging")})
    grouped = rows.groupby(by, sort=True)
    summary = grouped.agg(
        n=("d", "size"),
        median_d=("d", "median"),
        mean_d=("d", "mean"),
        share_pr_lagging=("share_pr_lagging", "mean"),
        share_nqpf_lagging=("share_nqpf_lagging", "mean"),
        n_class_changed_by_scale=("is_changed", "sum"),
    )
    half = half_width() * grouped["d"].std() / np.sqrt(summary["n"])
    shares = rows.groupby([*by, "class_10"]).size().unstack().reindex(columns=list(CLASSES)).div(summary["n"], axis=0)
    summary["share_class"] = [
        json.dumps({name: round(share, 6) for name, share in zip(CLASSES, row, strict=True) if share > 0})
        for row in shares.to_numpy().tolist()
    ]
    summary = summary.assign(mean_d_lo=summary["mean_d"] - half, mean_d_hi=summary["mean_d"] + half)
    return summary.reset_index().drop(columns="at")
