"""Dynamics of the headline indexes without a transition matrix: densities, stochastic kernels, beta, log t and clubs.

Groups are those of the last year. Curves of groups and stochastic kernels are made on frozen bases only; the features
of every curve are there on all.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.stats import skew

from dagster_project.study.frames import Frames, Rows, Tables
from dagster_project.study.groups import ALL, Groups
from dagster_project.study.panels import ScorePanel, copies, score_panels, twins
from dagster_project.study.queries import GROUP_FRAMES, NEIGHBOURS, candidate_scores
from dagster_project.study.settings import Settings
from python_models._types import BoolArray, FloatArray
from python_models.dynamics.beta import Kind, beta_convergence
from python_models.dynamics.clubs import find_clubs, merge_clubs
from python_models.dynamics.clubs_stability import club_stability
from python_models.dynamics.kernel import KernelDensity, bandwidth_of, features, kernel_density
from python_models.dynamics.modality import unimodality
from python_models.dynamics.stochastic_kernel import StochasticKernel, stochastic_kernel

OTHER_WEIGHTS = "weight_scheme = 'equal'"  # the draws behind the stability of clubs mix them in
INPUTS = {
    "scores": candidate_scores(),
    "other_scores": candidate_scores(OTHER_WEIGHTS),
    **GROUP_FRAMES,
    "neighbours": NEIGHBOURS,
}
TABLES = ("kde_curve", "kde_feature", "stochastic_kernel", "beta_convergence", "club_membership")
LAGS = (1, 3, 5)
LEAST_CITIES = 10
KINDS: tuple[Kind, ...] = ("absolute", "conditional")
N_GRID = 512
LEAST_CITIES_OF_CURVE = 5
TAIL_SHARE = 0.9  # the right tail starts at this quantile of all cities and years
R_TRIM, C_STAR = 1.0 / 3.0, 0.0
FEW_YEARS = 20  # below, clubs are exploratory: slow convergence cannot be distinguished from none
LEAST_YEARS_OF_CLUBS = 7


def build(frames: Frames, settings: Settings) -> Tables:
    """Tables of every candidate and basis; one is empty where there are too few cities or years."""
    groups, sizes, rows = Groups.read(frames), settings.sizes("convergence"), Rows()
    others = {(p.basis, p.index_code): p for p in score_panels(frames["other_scores"])}
    for same in twins(score_panels(frames["scores"])):
        panel, frozen = same[0], [p for p in same if p.is_frozen]
        other = others.get((panel.basis, panel.index_code))
        tables = _densities(panel, groups, seed=settings.seed, n_bootstrap=sizes["bootstrap"])
        tables |= {"stochastic_kernel": _kernels(panel, frames["neighbours"]), "beta_convergence": _beta(panel, groups)}
        tables["club_membership"] = _clubs(panel, other, seed=settings.seed, n_draws=sizes["draws"])
        curves, kernels = tables.pop("kde_curve"), tables.pop("stochastic_kernel")
        whole = curves if curves.empty else curves[curves["scheme"] == ALL]
        tables_by_basis = [
            (tables, same),
            ({"kde_curve": curves, "stochastic_kernel": kernels}, frozen),
            ({"kde_curve": whole}, [p for p in same if not p.is_frozen]),
        ]
        for some, panels in tables_by_basis:
            if panels:
                rows.add(copies(some, panels), seed=settings.seed)
    return rows.tables(TABLES)


def _densities(panel: ScorePanel, groups: Groups, *, seed: int, n_bootstrap: int) -> Tables:
    """kde_curve and kde_feature. One grid for all years of a group, so that curves can be laid over each other.

    Rules: silverman (headline), h_common (mean of the yearly bandwidths); over all cities also scott, sheather_jones
    and silverman_reflected (mass below 0 folded back).
    """
    curves, rows = [], []
    tail_from = float(np.quantile(panel.scores, TAIL_SHARE))
    for scheme in (ALL, *groups.splits()):
        codes = groups.of(scheme, panel.cities, panel.years[-1])
        for group in sorted({code for code in codes if code is not None}):
            Y = panel.scores[codes == group]
            if Y.shape[0] < LEAST_CITIES_OF_CURVE or (np.ptp(Y, axis=0) == 0.0).any():
                continue
            tests = [unimodality(Y[:, t], n_bootstrap=n_bootstrap, seed=seed) for t in range(Y.shape[1])]
            for rule, t, curve in _curves(Y, is_all=scheme == ALL):
                key = {"year": panel.years[t], "scheme": scheme, "group_code": group}
                key |= {"bw_rule": rule, "n_obs": curve.n_obs}
                curves.append(curve.to_frame().assign(**key))
                feature_row = {**features(curve, tail_from=tail_from).__dict__, "tail_from": tail_from}
                feature_row |= {"bandwidth": curve.bandwidth, "skewness": float(skew(Y[:, t]))}
                feature_row |= {"p_unimodal": tests[t].p_value, "critical_bandwidth": tests[t].critical_bandwidth}
                rows.append({**key, **feature_row, "mass": curve.mass})
    curve_table = pd.concat(curves, ignore_index=True) if curves else pd.DataFrame()
    return {"kde_curve": curve_table, "kde_feature": pd.DataFrame(rows)}


def _curves(Y: FloatArray, *, is_all: bool) -> Iterator[tuple[str, int, KernelDensity]]:
    """(rule, year, curve); Y (N, T)."""
    years = range(Y.shape[1])
    silverman = np.array([bandwidth_of(Y[:, t]) for t in years])
    widths = {"silverman": silverman, "h_common": np.full(silverman.size, silverman.mean())}
    if is_all:
        widths["scott"] = np.array([bandwidth_of(Y[:, t], "scott") for t in years])
        widths["sheather_jones"] = np.array([bandwidth_of(Y[:, t], "sheather_jones") for t in years])
    reach = 3.0 * max(float(h.max()) for h in widths.values())
    grid = np.linspace(float(Y.min()) - reach, float(Y.max()) + reach, N_GRID)
    for rule, h in widths.items():
        for t in years:
            yield rule, t, kernel_density(Y[:, t], bandwidth=float(h[t]), grid=grid)
    if is_all:
        grid = np.linspace(0.0, float(Y.max()) + reach, N_GRID)
        for t in years:
            yield (
                "silverman_reflected",
                t,
                kernel_density(Y[:, t], bandwidth=float(silverman[t]), grid=grid, reflect=True),
            )


def _kernels(panel: ScorePanel, neighbours: pd.DataFrame) -> pd.DataFrame:
    """Relative scores: today's place and that of d years later (dynamic), neighbours' place and one's own (spatial)."""
    relative = panel.scores / panel.scores.mean(axis=0)
    if len(panel.cities) < LEAST_CITIES:
        return pd.DataFrame()
    parts = []
    for lag in (lag for lag in LAGS if lag < len(panel.years)):
        u, v = relative[:, :-lag].ravel(), relative[:, lag:].ravel()
        parts.append(_kernel_rows(stochastic_kernel(u, v), "dynamic", lag, len(panel.cities)))
        if lag == 1:
            adaptive = stochastic_kernel(u, v, adaptive=True)
            parts.append(_kernel_rows(adaptive, "dynamic_adaptive", lag, len(panel.cities)))
    around, has_any = neighbours_mean(relative, panel.cities, neighbours)
    if has_any.sum() >= LEAST_CITIES:
        for lag in (lag for lag in (0, 1) if lag < len(panel.years)):
            last = len(panel.years) - lag
            u, v = around[has_any, :last].ravel(), relative[has_any, lag:].ravel()
            parts.append(_kernel_rows(stochastic_kernel(u, v), "spatial", lag, int(has_any.sum())))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def neighbours_mean(
    values: FloatArray, cities: tuple[str, ...], neighbours: pd.DataFrame
) -> tuple[FloatArray, BoolArray]:
    """Mean of the neighbours in the sample, (N, T), and which cities have one."""
    index = pd.Index(cities)
    a, b = (index.get_indexer(pd.Index(neighbours[c])) for c in ("city_id_a", "city_id_b"))
    both_there = (a >= 0) & (b >= 0) & (a != b)
    touch = np.zeros((len(cities), len(cities)))
    touch[a[both_there], b[both_there]] = touch[b[both_there], a[both_there]] = 1.0
    count = touch.sum(axis=1)
    return touch @ values / np.maximum(count, 1.0)[:, None], count > 0.0


def _kernel_rows(kernel: StochasticKernel, kind: str, lag: int, n_cities: int) -> pd.DataFrame:
    frame = kernel.to_frame().assign(kind=kind, lag=lag, n_obs=kernel.n_obs, n_city=n_cities)
    ergodic = kernel.ergodic if kind.startswith("dynamic") else np.full(kernel.grid.size, np.nan)
    frame["density_ergodic"] = np.tile(ergodic, kernel.grid.size)
    return frame.assign(bandwidth_u=kernel.bandwidth_u, bandwidth_v=kernel.bandwidth_v)


def _beta(panel: ScorePanel, groups: Groups) -> pd.DataFrame:
    """Absolute and conditional convergence, over all cities and by group; p_equal: Wald test of equal slopes."""
    if len(panel.years) < 4 or len(panel.cities) < LEAST_CITIES or not (panel.scores > 0.0).all():
        return pd.DataFrame()
    rows = []
    for scheme in (ALL, *groups.splits()):
        codes = groups.of(scheme, panel.cities, panel.years[-1])
        inside = np.array([code is not None for code in codes])
        for kind in KINDS:
            result = beta_convergence(panel.scores[inside], kind=kind, groups=None if scheme == ALL else codes[inside])
            table = result.to_frame()
            table = table if scheme == ALL else table[table["group"] != ALL]
            rows.append(table.assign(kind=kind, scheme=scheme, wald=result.wald, p_equal=result.wald_p))
    table = pd.concat(rows, ignore_index=True).rename(columns={"group": "group_code"})
    is_reported = table["estimator"].isin(["nickell_inversion", "pooled_ols"])
    table = table.assign(model_id=table["kind"] + "_" + table["estimator"], is_reported=is_reported, p=table["p_value"])
    return table.assign(first_year=panel.years[0], last_year=panel.years[-1])


def _clubs(panel: ScorePanel, other: ScorePanel | None, *, seed: int, n_draws: int) -> pd.DataFrame:
    """One row a city: its club before and after merging (0: divergent), and how often the draws agree.

    other: the same cities scored with other weights: the stability draws mix both weightings.
    """
    if len(panel.years) < LEAST_YEARS_OF_CLUBS or not (panel.scores > 0.0).all():
        return pd.DataFrame()
    initial = find_clubs(panel.scores, R_TRIM, c_star=C_STAR)
    merged = merge_clubs(initial)
    other_scores = None
    if other is not None and (other.cities, other.years) == (panel.cities, panel.years) and (other.scores > 0.0).all():
        other_scores = other.scores
    stability = club_stability(merged, other=other_scores, n_draws=n_draws, seed=seed)
    final, last = merged.labels.to_numpy(), panel.scores[:, -1]
    members = pd.DataFrame({"city_id": list(panel.cities), "club_id_initial": initial.labels.to_numpy()})
    members = members.assign(club_id_final=final, is_divergent=final == 0, relative_last=last / np.mean(last))
    members = members.assign(stability_share=stability.share.to_numpy(), n_draws=n_draws)
    return members.assign(is_exploratory=len(panel.years) < FEW_YEARS, n_obs=len(panel.cities))
