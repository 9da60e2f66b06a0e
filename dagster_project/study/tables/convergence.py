"""Tables of convergence: kernel densities, stochastic kernels, beta, log t and clubs. Labelled frames in and out.

Frames that `build_convergence_tables` needs, with the columns it uses:

    scores     basis, index_code, weight_scheme (entropy_flat and equal), city_id, year, score: headline indexes
    groups     city_id, scheme, group_code, valid_from, valid_to
    city       city_id, province_code, admin_tier
    neighbour  city_id_a, city_id_b: cities that share a border

Groups are those of the last year. Curves of groups and stochastic kernels are made on frozen bases only; the features
of every curve are there on all.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from dagster_project.study.tables._club_tables import club_tables
from dagster_project.study.tables._columns import assemble
from dagster_project.study.tables._density_tables import density_tables
from dagster_project.study.tables._score_panels import Frames, Memberships, ScorePanel, score_panels, twins, with_keys
from python_models._types import FloatArray
from python_models.dynamics.beta import Kind, beta_convergence
from python_models.dynamics.stochastic_kernel import StochasticKernel, stochastic_kernel

SCHEMES = ("all", "four_region", "east_vs_cw", "east_vs_cw_exne", "cluster", "core")
LAGS = (1, 3, 5)
LEAST_CITIES = 10
KINDS: tuple[Kind, ...] = ("absolute", "conditional")
TABLES = ("kde_curve", "kde_feature", "stochastic_kernel", "beta_convergence", "club_logt", "club_membership")
FROZEN = "frozen"


def build_convergence_tables(
    frames: Frames, *, seed: int, n_bootstrap: int = 199, n_draws: int = 200
) -> dict[str, pd.DataFrame]:
    """Frames `scores`, `groups`, `city`, `neighbour` -> the tables of TABLES.

    A table is empty where there are too few cities or years. n_bootstrap: samples of each test of one mode. n_draws:
    samples behind the stability of the clubs.
    """
    member = Memberships(frames["groups"], frames["city"])
    equal = {(p.basis, p.index_code): p for p in score_panels(frames["scores"], "equal")}
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in TABLES}
    for panel, same in twins(score_panels(frames["scores"])):
        tables = {
            **density_tables(panel, member, SCHEMES, seed=seed, n_bootstrap=n_bootstrap),
            "stochastic_kernel": _kernel_table(panel, frames["neighbour"]),
            "beta_convergence": _beta_table(panel, member),
            **club_tables(panel, equal.get((panel.basis, panel.index_code)), seed=seed, n_draws=n_draws),
        }
        frozen = [p for p in same if p.basis.startswith(FROZEN)]
        for name, frame in tables.items():
            if name == "stochastic_kernel":
                parts[name] += [with_keys({name: frame}, frozen)[name]] if frozen else []
            elif name == "kde_curve":
                parts[name] += [with_keys({name: _curves_of(frame, p)}, [p])[name] for p in same]
            else:
                parts[name].append(with_keys({name: frame}, same)[name])
    return assemble(parts, seed)


def _curves_of(frame: pd.DataFrame, panel: ScorePanel) -> pd.DataFrame:
    return frame if frame.empty or panel.basis.startswith(FROZEN) else frame[frame["scheme"] == "all"]


def _kernel_table(panel: ScorePanel, neighbour: pd.DataFrame) -> pd.DataFrame:
    """Relative scores: today's place and that of d years later (dynamic), neighbours' place and one's own (spatial)."""
    relative = panel.scores / panel.scores.mean(axis=0)
    if len(panel.cities) < LEAST_CITIES:
        return pd.DataFrame()
    parts = []
    for lag in (lag for lag in LAGS if lag < len(panel.years)):
        u, v = relative[:, :-lag].ravel(), relative[:, lag:].ravel()
        parts.append(_kernel_rows(stochastic_kernel(u, v), "dynamic", lag, len(panel.cities)))
        if lag == 1:
            parts.append(
                _kernel_rows(stochastic_kernel(u, v, adaptive=True), "dynamic_adaptive", lag, len(panel.cities))
            )
    around, has_any = neighbours_mean(relative, panel.cities, neighbour)
    if has_any.sum() >= LEAST_CITIES:
        for lag in (lag for lag in (0, 1) if lag < len(panel.years)):
            last = len(panel.years) - lag
            u, v = around[has_any, :last].ravel(), relative[has_any, lag:].ravel()
            parts.append(_kernel_rows(stochastic_kernel(u, v), "spatial", lag, int(has_any.sum())))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def neighbours_mean(
    values: FloatArray, cities: tuple[str, ...], neighbour: pd.DataFrame
) -> tuple[FloatArray, np.ndarray]:
    """Mean of the neighbours in the sample, (N, T), and which cities have one."""
    index = pd.Index(cities)
    a, b = (index.get_indexer(pd.Index(neighbour[c])) for c in ("city_id_a", "city_id_b"))
    known = (a >= 0) & (b >= 0) & (a != b)
    touch = np.zeros((len(cities), len(cities)))
    touch[a[known], b[known]] = touch[b[known], a[known]] = 1.0
    count = touch.sum(axis=1)
    return touch @ values / np.maximum(count, 1.0)[:, None], count > 0.0


def _kernel_rows(found: StochasticKernel, kind: str, lag: int, n_cities: int) -> pd.DataFrame:
    frame = found.to_frame().assign(kind=kind, lag=lag, n_obs=found.n_obs, n_city=n_cities)
    ergodic = found.ergodic if kind.startswith("dynamic") else np.full(found.grid.size, np.nan)
    frame["density_ergodic"] = np.tile(ergodic, found.grid.size)
    return frame.assign(bandwidth_u=found.bandwidth_u, bandwidth_v=found.bandwidth_v)


def _beta_table(panel: ScorePanel, member: Memberships) -> pd.DataFrame:
    """Absolute and conditional convergence, over all cities and by group; p_equal: Wald test of equal slopes."""
    if len(panel.years) < 4 or len(panel.cities) < LEAST_CITIES or not (panel.scores > 0.0).all():
        return pd.DataFrame()
    rows = []
    for scheme in filter(member.has, SCHEMES):
        codes = member.at(scheme, panel.cities, panel.years[-1])
        inside = np.array([code is not None for code in codes])
        groups = None if scheme == "all" else codes[inside]
        for kind in KINDS:
            found = beta_convergence(panel.scores[inside], kind=kind, groups=groups)
            table = found.to_frame()
            table = table if scheme == "all" else table[table["group"] != "all"]
            rows.append(table.assign(kind=kind, scheme=scheme, wald=found.wald, p_equal=found.wald_p))
    table = pd.concat(rows, ignore_index=True)
    return table.assign(
        model_id=table["kind"] + "_" + table["estimator"],
        is_headline=table["estimator"].isin(["nickell_inversion", "pooled_ols"]),
        p=table["p_value"],
        rho=np.nan,
        first_year=panel.years[0],
        last_year=panel.years[-1],
    ).rename(columns={"group": "group_code"})
