"""Centre-periphery gradients: differences between groups in level, growth and trend."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from dagster_project.study.tables._score_panels import ScorePanel
from python_models._types import FloatArray

CENTRES = {"east", "cluster", "core"}  # a scheme of two groups is always centre minus periphery


def gradient_table(
    panel: ScorePanel, scheme: str, labels: np.ndarray, provinces: np.ndarray, *, seed: int, n_permutations: int
) -> pd.DataFrame:
    """One row per measure, period and pair of groups: means, difference, ratio, Welch t, permutation p.

    level: the score of each year. growth: (ln y_T - ln y_1) / (T - 1), a year. trend: least-squares slope of ln y on
    the year of each city; its difference is the group x trend coefficient with city effects, and Welch's variance the
    one clustered by city. p_perm: labels permuted inside provinces that have cities of both groups; nan if none has.
    """
    rows: list[dict[str, object]] = []
    rng = np.random.default_rng(seed)
    for high, low in _ordered_pairs(panel, labels):
        inside = (labels == high) | (labels == low)
        is_high = (labels == high)[inside]
        if min(is_high.sum(), (~is_high).sum()) < 2:
            continue
        shuffled = _permuted(is_high, provinces[inside], rng, n_permutations)
        for measure, period, values in _measures(panel):
            row = _contrast(values[inside], is_high, shuffled)
            rows.append(
                {
                    "scheme": scheme,
                    "measure": measure,
                    "period": period,
                    "group_high": high,
                    "group_low": low,
                    **row,
                    "n_obs": int(inside.sum()),
                }
            )
    return pd.DataFrame(rows)


def _ordered_pairs(panel: ScorePanel, labels: np.ndarray) -> list[tuple[str, str]]:
    means = {group: float(panel.scores[labels == group].mean()) for group in sorted(set(labels))}
    ranked = sorted(means, key=lambda g: (not (len(means) == 2 and g in CENTRES), -means[g], g))
    return list(combinations(ranked, 2))


def _measures(panel: ScorePanel) -> Iterator[tuple[str, str, FloatArray]]:
    for t, year in enumerate(panel.years):
        yield "level", str(year), panel.scores[:, t]
    if len(panel.years) > 2 and (panel.scores > 0.0).all():
        period, logs = f"{panel.years[0]}-{panel.years[-1]}", np.log(panel.scores)
        time = np.array(panel.years, dtype=np.float64)
        yield "growth", period, (logs[:, -1] - logs[:, 0]) / (time[-1] - time[0])
        time -= time.mean()
        yield "trend", period, logs @ time / (time @ time)


def _contrast(values: FloatArray, is_high: np.ndarray, shuffled: FloatArray | None) -> dict[str, object]:
    a, b = values[is_high], values[~is_high]
    diff = float(a.mean() - b.mean())
    row: dict[str, object] = {
        "mean_high": a.mean(),
        "mean_low": b.mean(),
        "diff": diff,
        "ratio": a.mean() / b.mean() if b.mean() > 0.0 else np.nan,
        **dict.fromkeys(("t", "p", "lo", "hi", "p_perm"), np.nan),
    }
    if np.ptp(a) > 0.0 or np.ptp(b) > 0.0:
        test = stats.ttest_ind(a, b, equal_var=False)
        interval = test.confidence_interval(0.95)
        row |= {"t": test.statistic, "p": test.pvalue, "lo": interval.low, "hi": interval.high}
    if shuffled is not None:
        drawn = shuffled @ values / is_high.sum() - (1.0 - shuffled) @ values / (~is_high).sum()
        # the labels of whole provinces cannot move: compare with the centre of what can be drawn
        centre = float(drawn.mean())
        extreme = np.abs(drawn - centre) >= abs(diff - centre) - 1e-12
        row["p_perm"] = float((1 + extreme.sum()) / (1 + drawn.size))
    return row


def _permuted(is_high: np.ndarray, provinces: np.ndarray, rng: np.random.Generator, n: int) -> FloatArray | None:
    """Labels (n, cities) permuted inside provinces; None if no province has both kinds."""
    result = np.repeat(is_high[None].astype(np.float64), n, axis=0)
    is_mixed = False
    for province in sorted({str(p) for p in provinces}):
        at = np.flatnonzero(provinces.astype(str) == province)
        if 0 < is_high[at].sum() < at.size:
            is_mixed = True
            result[:, at] = rng.permuted(result[:, at], axis=1)
    return result if is_mixed else None
