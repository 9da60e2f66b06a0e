"""Dagum and Theil parts of a panel by year, with bootstrap limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dagster_project.study.tables._score_panels import PROVINCE, Memberships, ScorePanel
from python_models._types import FloatArray
from python_models.inequality import _batch
from python_models.inequality._inputs import Groups, as_groups
from python_models.inequality._weights import Weights
from python_models.inequality.bootstrap import Resampled, resampled
from python_models.inequality.dagum import DagumResult, dagum
from python_models.inequality.theil import Kind, TheilNestedResult, theil_nested

COMPONENTS = ("g_total", "g_w", "g_nb", "g_t", "share_w", "share_nb", "share_t")
MOST_PAIRED_GROUPS = 8  # more groups (provinces) get no table of pairs
THEIL_PARTS = ("total", "between_region", "between_province", "within_province")
KINDS: tuple[Kind, ...] = ("T", "L")


def dagum_tables(
    panel: ScorePanel, scheme: str, by_year: Sequence[np.ndarray], strata: np.ndarray, options: dict[str, int]
) -> dict[str, pd.DataFrame]:
    """dagum_within, dagum_between and dagum_component of one scheme; by_year: group code of each city, by year."""
    n = len(panel.cities)
    labels = sorted(set(strata))
    splits = [as_groups(pd.Categorical(codes, categories=labels), n) for codes in by_year]
    plan = _DagumPlan(len(labels), is_paired=len(labels) <= MOST_PAIRED_GROUPS)

    def of_year(t: int, W: Weights) -> FloatArray:
        return plan.statistics(panel.scores[:, t], W, splits[t])

    found = resampled(of_year, len(panel.years), as_groups(strata, n), **options)
    within: list[dict[str, object]] = []
    between: list[dict[str, object]] = []
    component: list[dict[str, object]] = []
    for t, year in enumerate(panel.years):
        key: dict[str, object] = {"year": year, "scheme": scheme}
        exact = dagum(panel.scores[:, t], pd.Categorical(by_year[t], categories=labels))
        component.append({**key, **_components(exact, found, t), "n_obs": n})
        within += [{**key, **row} for row in _within(exact, found, t, plan)]
        if plan.is_paired:
            between += [{**key, **row} for row in _pairs(exact, found, t, plan)]
    tables = {"dagum_within": within, "dagum_between": between, "dagum_component": component}
    return {name: pd.DataFrame(rows) for name, rows in tables.items()}


@dataclass(frozen=True)
class _DagumPlan:
    """Where each statistic stands in the vector of a replicate: components, G_jj, then G_jh and D_jh for j < h."""

    k: int
    is_paired: bool

    @property
    def pairs(self) -> list[tuple[int, int]]:
        return [(j, h) for j in range(self.k) for h in range(j + 1, self.k)] if self.is_paired else []

    def at_group(self, j: int) -> int:
        return len(COMPONENTS) + j

    def at_pair(self, j: int, h: int) -> tuple[int, int, float]:
        """Place of G_jh, place of D_jh, and the sign that turns D towards (j, h)."""
        place = self.pairs.index((min(j, h), max(j, h)))
        first = len(COMPONENTS) + self.k
        return first + place, first + len(self.pairs) + place, 1.0 if j < h else -1.0

    def statistics(self, y: FloatArray, W: Weights, split: Groups) -> FloatArray:
        if not self.is_paired:
            parts, inside = _batch.dagum_components(y, W, split)
            return np.column_stack([parts, _percent(parts), inside])
        full = _batch.dagum(y, W, split)
        parts = np.column_stack([full.total, full.within, full.between, full.transvariation])
        inside = np.einsum("bjj->bj", full.gini_matrix)
        at = tuple(np.array(self.pairs, dtype=np.int64).reshape(-1, 2).T)
        pairs = full.gini_matrix[:, at[0], at[1]], full.affluence_matrix[:, at[0], at[1]]
        return np.column_stack([parts, _percent(parts), inside, *pairs])


def _percent(parts: FloatArray) -> FloatArray:
    """All columns but the first in percent of the first; nan where that is 0."""
    return _in_percent(parts[:, 1:], parts[:, 0])


def _in_percent(parts: FloatArray, total: FloatArray) -> FloatArray:
    return np.asarray(100.0 * parts / np.where(total > 0.0, total, np.nan)[:, None])


def _components(exact: DagumResult, found: Resampled, t: int) -> dict[str, object]:
    values = [exact.total, exact.within, exact.between, exact.transvariation, *exact.shares]
    row: dict[str, object] = {}
    for q, (name, value) in enumerate(zip(COMPONENTS, values, strict=True)):
        row |= {name: value, f"{name}_lo": found.lo[t, q], f"{name}_hi": found.hi[t, q]}
    for q, name in enumerate(COMPONENTS[:4]):
        row |= {f"{name}_bca_lo": found.bca_lo[t, q], f"{name}_bca_hi": found.bca_hi[t, q]}
    return row | {"g_total_band_lo": found.band_lo[t, 0], "g_total_band_hi": found.band_hi[t, 0]}


def _within(exact: DagumResult, found: Resampled, t: int, plan: _DagumPlan) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for j, group in enumerate(exact.labels):
        q, n = plan.at_group(j), int(exact.counts[j])
        rows.append(
            {
                "group_code": group,
                "g_jj": exact.gini_matrix[j, j],
                "n_j": n,
                "p_j": exact.population_share[j],
                "s_j": exact.value_share[j],
                "mean_j": exact.means[j],
                "lo": found.lo[t, q] if n else np.nan,
                "hi": found.hi[t, q] if n else np.nan,
                "n_obs": n,
            }
        )
    return rows


def _pairs(exact: DagumResult, found: Resampled, t: int, plan: _DagumPlan) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for (j, h), pair in zip(exact.pairs(), exact.pairs_frame().itertuples(index=False), strict=True):
        at_gini, at_affluence, sign = plan.at_pair(j, h)
        ends = sorted((sign * found.lo[t, at_affluence], sign * found.hi[t, at_affluence]))
        rows.append(
            {
                "group_high": pair.group_high,
                "group_low": pair.group_low,
                "g_jh": pair.gini_between,
                "d_jh_gross": pair.gross_affluence,
                "q_jh_transvariation": pair.transvariation,
                "delta_jh": pair.mean_difference,
                "rel_affluence_d": pair.relative_affluence,
                "lo": found.lo[t, at_gini],
                "hi": found.hi[t, at_gini],
                "d_lo": ends[0],
                "d_hi": ends[1],
                "n_obs": int(exact.counts[j] + exact.counts[h]),
            }
        )
    return rows


def theil_tables(panel: ScorePanel, member: Memberships, options: dict[str, int]) -> dict[str, pd.DataFrame]:
    """theil_nested and theil_region: T and L, all cities and without the municipalities; drawn within provinces."""
    nested: list[dict[str, object]] = []
    regional: list[dict[str, object]] = []
    known = member.at("four_region", panel.cities, panel.years[-1])
    keep = np.array([code is not None for code in known])
    for sample in ("all", "no_municipality"):
        inside = keep & ~member.municipalities(panel.cities) if sample == "no_municipality" else keep
        part = panel.rows(inside)
        if len(part.cities) < 2:
            continue
        region = member.at("four_region", part.cities, part.years[-1])
        province = member.at(PROVINCE, part.cities, part.years[-1])
        for kind in KINDS:
            found = _theil_limits(
                part, as_groups(region, len(region)), as_groups(province, len(province)), kind, options
            )
            for t, year in enumerate(part.years):
                exact = theil_nested(part.scores[:, t], region, province, kind)
                key: dict[str, object] = {"year": year, "kind": kind}
                nested.append({**key, "sample": sample, **_nested(exact, found, t), "n_obs": len(part.cities)})
                if sample == "all":
                    regional += [{**key, **row} for row in _regions(exact, found, t)]
    return {"theil_nested": pd.DataFrame(nested), "theil_region": pd.DataFrame(regional)}


def _theil_limits(
    panel: ScorePanel, region: Groups, province: Groups, kind: Kind, options: dict[str, int]
) -> Resampled:
    def of_year(t: int, W: Weights) -> FloatArray:
        b = _batch.theil_nested(panel.scores[:, t], W, region, province, kind)
        parts = np.column_stack([b.total, b.between_region, b.between_province, b.within_province])
        contribution = _in_percent(b.region_share * b.region_index, b.total)
        return np.column_stack([parts, _percent(parts), b.region_index, contribution])

    return resampled(of_year, len(panel.years), province, **options)


def _nested(exact: TheilNestedResult, found: Resampled, t: int) -> dict[str, object]:
    row: dict[str, object] = {}
    for q, name in enumerate(THEIL_PARTS):
        value = getattr(exact, name)
        row |= {name: value, f"{name}_lo": found.lo[t, q], f"{name}_hi": found.hi[t, q]}
        row |= {f"{name}_bca_lo": found.bca_lo[t, q], f"{name}_bca_hi": found.bca_hi[t, q]}
        if q:
            share = 100.0 * value / exact.total if exact.total > 0.0 else np.nan
            at = len(THEIL_PARTS) + q - 1
            row |= {f"share_{name}": share, f"share_{name}_lo": found.lo[t, at], f"share_{name}_hi": found.hi[t, at]}
    return row | {"has_zero": exact.has_zero}


def _regions(exact: TheilNestedResult, found: Resampled, t: int) -> list[dict[str, object]]:
    first, size = 2 * len(THEIL_PARTS) - 1, len(exact.regions)
    rows: list[dict[str, object]] = []
    for r, row in enumerate(exact.regions.to_dict("records")):
        index, part = first + r, first + size + r
        rows.append(
            {
                "region": row["region"],
                "within_region_total": row["within_region_total"],
                "within_region_total_lo": found.lo[t, index],
                "within_region_total_hi": found.hi[t, index],
                "between_province_in_region": row["between_province_in_region"],
                "within_province_in_region": row["within_province_in_region"],
                "value_share": row["value_share"],
                "population_share": row["population_share"],
                "contribution": row["contribution"],
                "contribution_lo": found.lo[t, part],
                "contribution_hi": found.hi[t, part],
                "n_obs": int(row["n"]),
            }
        )
    return rows
