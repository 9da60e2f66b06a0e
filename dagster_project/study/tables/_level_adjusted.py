"""The level-adjusted test beside each test of equality, as rows; a sample that is too small for it says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from dagster_project.study.tables._influence_world import World
from python_models.influence import LevelAdjusted, adjusted_threshold, level_adjusted
from python_models.influence.spillover import SpilloverFit
from python_models.regression import PanelInputError

TEST_COLUMNS = [
    "analysis",
    "variant",
    "null_hypothesis",
    "difference",
    "se",
    "lo",
    "hi",
    "wald",
    "dof",
    "p",
    "p_unadjusted",
    "note",
]
Contrast = Mapping[str, float]


def refit(world: World, fit: SpilloverFit) -> tuple[LevelAdjusted | None, str]:
    """The matrices of `fit` on the adjusted scale, or None and why not."""
    try:
        found = level_adjusted(
            world.sample.y, world.x, world.weights, fit.matrices, world.controls, with_own="x" in fit.positions
        )
    except PanelInputError as refused:
        return None, str(refused)
    return found, ""


def p_of(found: LevelAdjusted | None, contrasts: Sequence[Contrast]) -> float:
    """p of the contrasts together; NaN without a fit."""
    return float("nan") if found is None else found.test(contrasts)[2]


def test_row(
    found: tuple[LevelAdjusted | None, str],
    analysis: str,
    variant: str,
    null: str,
    contrasts: Sequence[Contrast],
    p_unadjusted: float,
) -> pd.DataFrame:
    """One row of TEST_COLUMNS; difference and its interval where one contrast is tested."""
    fit, note = found
    row: dict[str, object] = {
        "analysis": analysis,
        "variant": variant,
        "null_hypothesis": null,
        "dof": len(contrasts),
        "p_unadjusted": p_unadjusted,
        "note": note,
    }
    if fit is not None:
        row["wald"], _, row["p"] = fit.test(contrasts)
        if len(contrasts) == 1:
            row |= _interval(fit, contrasts[0])
    return pd.DataFrame([row]).reindex(columns=TEST_COLUMNS)


def threshold_row(world: World, *, draws: int) -> tuple[float, pd.DataFrame]:
    """(p, row) of a threshold of the emitter's synergy in the spillover; the difference at the best candidate."""
    row: dict[str, object] = {
        "analysis": "threshold",
        "variant": "emitter",
        "null_hypothesis": "theta_low = theta_high at every candidate",
        "dof": 1,
        "note": "p from multipliers of cities; the difference was searched for",
    }
    p = float("nan")
    try:
        found = adjusted_threshold(
            world.sample.y,
            world.x,
            world.synergy,
            world.weights,
            world.controls,
            draws=draws,
            rng=world.rng("adjusted:emitter"),
        )
        p = found.p
        row |= {"wald": found.statistic, "p": p, "difference": found.difference}
    except PanelInputError as refused:
        row["note"] = str(refused)
    return p, pd.DataFrame([row]).reindex(columns=TEST_COLUMNS)


def _interval(found: LevelAdjusted, contrast: Contrast) -> dict[str, float]:
    at, weights = [found.fit.positions[name] for name in contrast], np.array(list(contrast.values()))
    point = float(weights @ found.fit.core.params[at])
    se = float(np.sqrt(weights @ found.fit.core.cov[np.ix_(at, at)] @ weights))
    half = float(stats.norm.ppf(0.975)) * se
    return {"difference": point, "se": se, "lo": point - half, "hi": point + half}
