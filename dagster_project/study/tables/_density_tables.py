"""Kernel density curves and their features by year, scheme and group."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.stats import skew

from dagster_project.study.tables._score_panels import Memberships, ScorePanel
from python_models._types import FloatArray
from python_models.dynamics.kernel import KernelDensity, bandwidth_of, features, kernel_density
from python_models.dynamics.modality import unimodality

N_GRID = 512
LEAST_CITIES = 5
TAIL_SHARE = 0.9  # the right tail starts at this quantile of all cities and years


def density_tables(
    panel: ScorePanel, member: Memberships, schemes: tuple[str, ...], *, seed: int, n_bootstrap: int
) -> dict[str, pd.DataFrame]:
    """kde_curve and kde_feature. One grid for all years of a group, so that curves can be laid over each other.

    Rules: silverman (headline), h_common (mean of the yearly bandwidths); over all cities also scott, sheather_jones
    and silverman_reflected (mass below 0 folded back).
    """
    curves, rows = [], []
    tail_from = float(np.quantile(panel.scores, TAIL_SHARE))
    for scheme in filter(member.has, schemes):
        codes = member.at(scheme, panel.cities, panel.years[-1])
        for group in sorted({code for code in codes if code is not None}):
            Y = panel.scores[codes == group]
            if Y.shape[0] < LEAST_CITIES or (np.ptp(Y, axis=0) == 0.0).any():
                continue
            tests = [unimodality(Y[:, t], n_bootstrap=n_bootstrap, seed=seed) for t in range(Y.shape[1])]
            for rule, t, curve in _curves(Y, is_all=scheme == "all"):
                key = {"year": panel.years[t], "scheme": scheme, "group_code": group, "bw_rule": rule}
                curves.append(curve.to_frame().assign(**key, n_obs=curve.n_obs))
                found = features(curve, tail_from=tail_from)
                rows.append(
                    {
                        **key,
                        **found.__dict__,
                        "tail_from": tail_from,
                        "bandwidth": curve.bandwidth,
                        "skewness": float(skew(Y[:, t])),
                        "p_unimodal": tests[t].p_value,
                        "critical_bandwidth": tests[t].critical_bandwidth,
                        "mass": curve.mass,
                        "n_obs": curve.n_obs,
                    }
                )
    curve_table = pd.concat(curves, ignore_index=True) if curves else pd.DataFrame()
    return {"kde_curve": curve_table, "kde_feature": pd.DataFrame(rows)}


def _curves(Y: FloatArray, *, is_all: bool) -> Iterator[tuple[str, int, KernelDensity]]:
    """(rule, year, curve); Y (N, T)."""
    years = range(Y.shape[1])
    own = np.array([bandwidth_of(Y[:, t]) for t in years])
    widths = {"silverman": own, "h_common": np.full(own.size, own.mean())}
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
            yield "silverman_reflected", t, kernel_density(Y[:, t], bandwidth=float(own[t]), grid=grid, reflect=True)
