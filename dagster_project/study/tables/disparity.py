"""Tables of regional disparity: summaries, Dagum, nested Theil, sigma trends, gradients. Labelled frames in and out.

Frames that `build_disparity_tables` needs, with the columns it uses:

    scores      basis, index_code, weight_scheme, city_id, year, score: composites of the headline indexes
    groups      city_id, scheme, group_code, valid_from, valid_to
    city        city_id, province_code, admin_tier
    population  city_id, year, population: weights of the weighted variant (may be empty)

Cities are drawn within groups, whole trajectories together; `lo` and `hi` are 95 % percentile limits, `bca_` the bias-
corrected ones, `band_` simultaneous over the years. Group lists are those of the year; strata those of the last year.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from dagster_project.study.tables._columns import assemble
from dagster_project.study.tables._disparity_parts import dagum_tables, theil_tables
from dagster_project.study.tables._gradient import gradient_table
from dagster_project.study.tables._score_panels import Frames, Memberships, ScorePanel, score_panels, twins, with_keys
from python_models._types import FloatArray
from python_models.dynamics.sigma import Measure, sigma_trend
from python_models.inequality import _batch
from python_models.inequality._inputs import Groups, as_groups
from python_models.inequality._weights import Weights
from python_models.inequality.bootstrap import Resampled, resampled

SCHEMES = ("all", "four_region", "east_vs_cw", "east_vs_cw_exne", "cluster", "core")
DAGUM_SCHEMES = (*SCHEMES[1:], "province")
N_BOOTSTRAP, N_BOOTSTRAP_TREND = 1999, 999
LEAST_CITIES = 2
TABLES = (
    "disparity_summary",
    "dagum_within",
    "dagum_between",
    "dagum_component",
    "theil_nested",
    "theil_region",
    "sigma_trend",
    "group_gradient",
)
MEASURES = ("mean", "median", "sd", "cv", "p10", "p90", "gini", "gini_unbiased", "theil_t", "theil_l")
SIGMA_MEASURES: tuple[Measure, ...] = ("sigma_log", "cv")


def build_disparity_tables(
    frames: Frames, *, seed: int, n_bootstrap: int = N_BOOTSTRAP, n_trend: int = N_BOOTSTRAP_TREND
) -> dict[str, pd.DataFrame]:
    """Frames `scores`, `groups`, `city`, `population` -> the tables of TABLES; empty ones if no city is scored."""
    member = Memberships(frames["groups"], frames["city"])
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in TABLES}
    for panel, same in twins(score_panels(frames["scores"])):
        tables = _of_panel(panel, member, frames["population"], seed, n_bootstrap, n_trend)
        for name, frame in with_keys(tables, same).items():
            parts[name].append(frame)
    return assemble(parts, seed)


def _of_panel(
    panel: ScorePanel, member: Memberships, population: pd.DataFrame, seed: int, n_bootstrap: int, n_trend: int
) -> dict[str, pd.DataFrame]:
    options = {"seed": seed, "n_replicates": n_bootstrap}
    people = population_plane(panel, population)
    summary, sigma, gradient, dagum = [], [], [], []
    for scheme in filter(member.has, (*SCHEMES, "province")):
        codes = member.at(scheme, panel.cities, panel.years[-1])
        inside = np.array([code is not None for code in codes])
        part, labels = panel.rows(inside), codes[inside]
        strata = labels if scheme != "all" else member.at("four_region", part.cities, part.years[-1])
        if scheme != "province":
            for weights in (None, people[inside]):
                summary += _summaries(part, scheme, labels, strata, weights, options)
            sigma += _sigma(part, scheme, labels, seed, n_trend)
        if scheme in DAGUM_SCHEMES:
            by_year = [member.at(scheme, part.cities, year) for year in part.years]
            dagum.append(dagum_tables(part, scheme, by_year, labels, options))
        if scheme not in ("all", "province"):
            provinces = member.at("province", part.cities, part.years[-1])
            gradient.append(gradient_table(part, scheme, labels, provinces, seed=seed, n_permutations=n_bootstrap))
    theil = theil_tables(panel, member, options)
    return {
        "disparity_summary": pd.DataFrame(summary),
        **{name: pd.concat([tables[name] for tables in dagum], ignore_index=True) for name in dagum[0]},
        **theil,
        "sigma_trend": pd.DataFrame(sigma),
        "group_gradient": pd.concat(gradient, ignore_index=True) if gradient else pd.DataFrame(),
    }


def population_plane(panel: ScorePanel, population: pd.DataFrame) -> FloatArray:
    """Population (N, T) of the cities and years of a panel; nan where it is not known."""
    wide = population.pivot(index="city_id", columns="year", values="population")
    return wide.reindex(index=list(panel.cities), columns=list(panel.years)).to_numpy(dtype=np.float64, na_value=np.nan)


def _summaries(
    panel: ScorePanel,
    scheme: str,
    labels: np.ndarray,
    strata: np.ndarray,
    weights: FloatArray | None,
    options: dict[str, int],
) -> list[dict[str, object]]:
    """One row per year and group. Weighted measures rest on the cities whose population is known in every year."""
    rows: list[dict[str, object]] = []
    for group in sorted(set(labels)):
        inside = labels == group
        if weights is not None:
            inside &= np.isfinite(weights).all(axis=1)
        if inside.sum() < LEAST_CITIES:
            continue
        split = as_groups(np.where(strata[inside] == None, "", strata[inside]), int(inside.sum()))  # noqa: E711
        base = None if weights is None else weights[inside] / weights[inside].mean(axis=0)
        found = _summary_measures(panel.scores[inside], split, base, options)
        for t, year in enumerate(panel.years):
            key = {"year": year, "scheme": scheme, "group_code": group, "weighted": weights is not None}
            rows.append({**key, "n": int(inside.sum()), **_limits(found, t, MEASURES), "n_obs": int(inside.sum())})
    return rows


def _summary_measures(Y: FloatArray, split: Groups, base: FloatArray | None, options: dict[str, int]) -> Resampled:
    factor = Y.shape[0] / (Y.shape[0] - 1.0)

    def of_year(t: int, W: Weights) -> FloatArray:
        y, w = Y[:, t], W if base is None else W.times(base[:, t])
        median, p10, p90 = (_batch.quantile(y, w, share) for share in (0.5, 0.1, 0.9))
        mean, sd, gini = _batch.mean(y, w), _batch.sd(y, w), _batch.gini(y, w)
        with np.errstate(invalid="ignore", divide="ignore"):
            cv = sd / mean
        theil = _batch.theil_t(y, w), _batch.theil_l(y, w)
        return np.column_stack([mean, median, sd, cv, p10, p90, gini, factor * gini, *theil])

    return resampled(of_year, Y.shape[1], split, **options)


def _limits(found: Resampled, t: int, names: Sequence[str]) -> dict[str, object]:
    """Estimate with percentile limits for every measure; BCa and simultaneous limits for the indices."""
    row: dict[str, object] = {}
    for q, name in enumerate(names):
        row |= {name: found.estimate[t, q], f"{name}_lo": found.lo[t, q], f"{name}_hi": found.hi[t, q]}
    for name in ("gini", "theil_t", "theil_l"):
        q = names.index(name)
        row |= {f"{name}_bca_lo": found.bca_lo[t, q], f"{name}_bca_hi": found.bca_hi[t, q]}
    q = names.index("gini")
    return row | {"gini_band_lo": found.band_lo[t, q], "gini_band_hi": found.band_hi[t, q]}


def _sigma(panel: ScorePanel, scheme: str, labels: np.ndarray, seed: int, n_trend: int) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for group in sorted(set(labels)):
        Y = panel.scores[labels == group]
        if Y.shape[0] < LEAST_CITIES or Y.shape[1] < 3 or not (Y > 0.0).all():
            continue
        for measure in SIGMA_MEASURES:
            found = sigma_trend(Y, measure=measure, n_bootstrap=n_trend, seed=seed)
            row = {str(k): v for k, v in found.to_frame().iloc[0].to_dict().items()}
            rows.append(
                {
                    "scheme": scheme,
                    "group_code": group,
                    "first_year": panel.years[0],
                    "last_year": panel.years[-1],
                    **row,
                    "p": row["p_value"],
                }
            )
    return rows
