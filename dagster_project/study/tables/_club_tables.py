"""Log t tests and convergence clubs of a panel, before and after merging, with their stability."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from dagster_project.study.tables._score_panels import ScorePanel
from python_models._types import FloatArray
from python_models.dynamics.clubs import ClubResult, find_clubs, merge_clubs
from python_models.dynamics.clubs_stability import club_stability
from python_models.dynamics.logt import hp_trend, log_t

R_TRIM, C_STAR = 1.0 / 3.0, 0.0
FILTERS = {"no_filter": None, "hp_400": 400.0, "hp_6_25": 6.25}
HEADLINE_FILTER = "no_filter"
FEW_YEARS = 20  # below, clubs are exploratory: slow convergence cannot be distinguished from none
LEAST_YEARS = 7


def club_tables(panel: ScorePanel, equal: ScorePanel | None, *, seed: int, n_draws: int) -> dict[str, pd.DataFrame]:
    """club_logt (stages whole, initial, merged, merged_vlt for each filter) and club_membership (no filter).

    equal: the same cities scored with equal weights: the stability draws mix both weightings.
    """
    if len(panel.years) < LEAST_YEARS or not (panel.scores > 0.0).all():
        return {"club_logt": pd.DataFrame(), "club_membership": pd.DataFrame()}
    facts = {"is_exploratory": len(panel.years) < FEW_YEARS, "n_obs": len(panel.cities)}
    logt, headline = [], None
    for name, smoothing in FILTERS.items():
        paths = panel.scores if smoothing is None else hp_trend(panel.scores, smoothing)
        if not (paths > 0.0).all():
            continue
        initial = find_clubs(paths, R_TRIM, c_star=C_STAR)
        merged = merge_clubs(initial)
        if name == HEADLINE_FILTER:
            headline = initial, merged
        vlt = merge_clubs(initial, method="von_lyncker_thoennessen")
        logt += [
            {**row, "trend_filter": name}
            for row in _logt_rows(paths, {"initial": initial, "merged": merged, "merged_vlt": vlt})
        ]
    assert headline is not None  # positive scores pass without a filter
    span = {"r_trim": R_TRIM, "c_star": C_STAR, "first_year": panel.years[0], "last_year": panel.years[-1]}
    table = pd.DataFrame(logt).assign(**facts, **span)
    return {"club_logt": table, "club_membership": _members(panel, equal, *headline, seed, n_draws, facts)}


def _logt_rows(paths: FloatArray, stages: dict[str, ClubResult]) -> list[dict[str, object]]:
    """club_id 0 of stage `whole` is the test of all cities together."""
    whole = log_t(paths, R_TRIM)
    rows: list[dict[str, object]] = [
        {
            "stage": "whole",
            "club_id": 0,
            "n_members": whole.n_units,
            "b": whole.b,
            "se": whole.se,
            "t": whole.t,
            "p_value": whole.p_value,
            "converges": whole.converges,
        }
    ]
    for stage, clubs in stages.items():
        renamed = clubs.clubs.rename(columns={"club": "club_id", "n": "n_members"})
        rows += [{str(k): v for k, v in row.items()} | {"stage": stage} for row in renamed.to_dict("records")]
    speeds = [{"speed": float(str(row["b"])) / 2.0, "n_points": whole.n_points} for row in rows]
    return [row | more for row, more in zip(rows, speeds, strict=True)]


def _members(
    panel: ScorePanel,
    equal: ScorePanel | None,
    initial: ClubResult,
    merged: ClubResult,
    seed: int,
    n_draws: int,
    facts: Mapping[str, Any],
) -> pd.DataFrame:
    other = None
    if equal is not None and (equal.cities, equal.years) == (panel.cities, panel.years) and (equal.scores > 0.0).all():
        other = equal.scores
    stability = club_stability(merged, other=other, n_draws=n_draws, seed=seed)
    final = merged.labels.to_numpy()
    frame = pd.DataFrame(
        {
            "city_id": list(panel.cities),
            "club_id_initial": initial.labels.to_numpy(),
            "club_id_final": final,
            "is_divergent": final == 0,
            "stability_share": stability.share.to_numpy(),
            "relative_last": panel.scores[:, -1] / np.mean(panel.scores[:, -1]),
            "n_draws": n_draws,
        }
    )
    return frame.assign(**facts)
