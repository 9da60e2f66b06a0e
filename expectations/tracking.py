"""Does a column follow its own past? Rank correlation, scatter of log ratios, and figures that stand a row off.

Pure arithmetic on float arrays; a missing figure is NaN. All pairs are complete pairs.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

# Margins were set from all real files: see tests/integration/test_block_rules_on_real_files.py.
MIN_PAIRS = 10
Z_MARGIN = 0.25
Z_MARGIN_IN_SD = 3.0
MAD_RATIO, MAD_RATIO_OF_FEW, MANY = 0.6, 0.3, 100
FITS = 0.8
WINDOW, WINDOW_SHARE, WINDOW_RATIO = 30, 0.65, 0.5
SHIFTS = (-2, -1, 1, 2)
MIN_SIBLINGS, SIBLING_MIN, SIBLING_MARGIN = 3, 0.4, 0.15


@dataclass(frozen=True)
class Fit:
    """How two columns go together: pairs, Spearman's rho, median and MAD of ln(x / y) (NaN for too few above 0)."""

    n: int
    rho: float
    median: float
    mad: float


def fit(x: np.ndarray, y: np.ndarray) -> Fit:
    """Fit of x against y over complete pairs."""
    both = np.isfinite(x) & np.isfinite(y)
    x, y = x[both], y[both]
    positive = (x > 0) & (y > 0)
    median = mad = float("nan")
    if positive.sum() >= max(MIN_PAIRS // 2, len(x) / 2):
        ratios = np.log(x[positive] / y[positive])
        median = float(np.median(ratios))
        mad = float(np.median(np.abs(ratios - median)))
    return Fit(len(x), spearman(x, y), median, mad)


def spearman(x: np.ndarray, y: np.ndarray) -> float:
    """Spearman's rho with average ranks; NaN below three pairs or where a column is constant. No NaN inside."""
    if len(x) < 3:
        return float("nan")
    a, b = average_ranks(x) - (len(x) + 1) / 2, average_ranks(y) - (len(y) + 1) / 2
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / scale if scale > 0 else float("nan")


def average_ranks(x: np.ndarray) -> np.ndarray:
    """Ranks from 1, ties at their mean; equal to scipy.stats.rankdata and much faster for a few hundred figures."""
    order = x.argsort(kind="stable")
    in_order = x[order]
    first = np.flatnonzero(np.concatenate(([True], in_order[1:] != in_order[:-1])))
    ranks = np.empty(len(x))
    if len(first) == len(x):
        ranks[order] = np.arange(1.0, len(x) + 1)
    else:
        counts = np.diff(first, append=len(x))
        ranks[order] = np.repeat(first + (counts + 1) / 2, counts)
    return ranks


def fits_better(own: Fit, other: Fit) -> bool:
    """True when a column follows the past of another column clearly better than its own.

    Both views must agree (higher rank correlation and smaller scatter of log ratios), the other fit must be good in
    itself (rho >= 0.8), and one view must be far better: atanh(rho) by 0.25 (3 standard deviations sqrt(2 / (n - 3))
    for few cities), or the scatter below 0.6 of its own (0.3 for few cities).
    """
    if min(own.n, other.n) < MIN_PAIRS or not (other.rho >= FITS and other.rho > own.rho):
        return False
    n = min(own.n, other.n)
    margin = max(Z_MARGIN, Z_MARGIN_IN_SD * np.sqrt(2 / (n - 3)))
    gain = np.arctanh(min(other.rho, 1 - 1e-9)) - np.arctanh(np.clip(own.rho, -1 + 1e-9, 1 - 1e-9))
    if np.isnan(own.mad) or np.isnan(other.mad):
        return bool(gain >= margin)
    limit = MAD_RATIO if n >= MANY else MAD_RATIO_OF_FEW
    return bool(other.mad < own.mad and (gain >= margin or other.mad <= limit * own.mad))


def displaced_rows(x: np.ndarray, last: np.ndarray) -> tuple[int, int, int]:
    """(shift, first, end) of rows that hold the figures of a row nearby, judged by the past; (0, 0, 0) if none.

    x, last: this and the last accepted year in the order of the printed rows. shift 1: a row holds the figure that
    belongs one row higher up. A window of 30 rows speaks for a shift when 65 % of its rows are nearer to the shifted
    past and the median distance |ln(x / last)| falls below half. first, end: the windows found, as positions.
    Distances are from the median change of the column: where all figures grow, a row nearby that was a little higher is
    no better past.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        now, past = np.log(np.where(x > 0, x, np.nan)), np.log(np.where(last > 0, last, np.nan))
    changes = now - past
    if np.isfinite(changes).any():
        past += np.nanmedian(changes)
    here = np.abs(now - past)
    best, span = 0.0, (0, 0, 0)
    for shift in SHIFTS:
        there = np.abs(now - pd.Series(past).shift(shift).to_numpy())
        both = np.isfinite(here) & np.isfinite(there)
        share = _rolling(np.where(both, (there < here).astype(float), np.nan)).mean()
        if not (share >= WINDOW_SHARE).any():
            continue
        ratio = _rolling(np.where(both, there, np.nan)).median() / _rolling(np.where(both, here, np.nan)).median()
        found = np.flatnonzero((share >= WINDOW_SHARE) & (ratio < WINDOW_RATIO))
        if found.size and float(share.iloc[found].max()) * found.size > best:
            best = float(share.iloc[found].max()) * found.size
            span = (shift, max(int(found[0]) - WINDOW + 1, 0), int(found[-1]) + 1)
    return span


def _rolling(column: np.ndarray) -> "pd.api.typing.Rolling[pd.Series]":
    return pd.Series(column).rolling(WINDOW, min_periods=WINDOW // 2)


def displaced_column(x: np.ndarray, siblings: np.ndarray) -> int:
    """Shift of a whole column against the other columns of its file, 0 if none; needs no past.

    siblings: (rows, columns) in the same row order. For each shift the mean over siblings of
    atanh|rho(shifted)| - atanh|rho(as printed)| counts those siblings that reach |rho| >= 0.4 either way; three are
    needed, and the mean must exceed 0.15. Cities printed beside each other are not alike, so a column one row off
    loses its correlations: on all real files the mean is below -0.25 as printed and above 0.19 when shifted.
    """
    own, others = ranks_of(x[:, None]), ranks_of(siblings)
    as_printed = _closeness(own, others)
    gains = {}
    for shift in SHIFTS:
        moved = _closeness(pd.DataFrame(own).shift(-shift).to_numpy(), others)
        with np.errstate(invalid="ignore"):
            counted = np.fmax(as_printed, moved) >= SIBLING_MIN
        counted &= np.isfinite(as_printed) & np.isfinite(moved)
        if counted.sum() >= MIN_SIBLINGS:
            gains[shift] = float(np.mean(np.arctanh(moved[counted]) - np.arctanh(as_printed[counted])))
    best = max(gains, key=lambda shift: gains[shift], default=0)
    return best if best and gains[best] > SIBLING_MARGIN else 0


def _closeness(x: np.ndarray, siblings: np.ndarray) -> np.ndarray:
    """|rho| of the ranks x (n, 1) with each column of ranks; at most 0.999 so that atanh is finite."""
    return np.minimum(np.abs(correlations(x, siblings, least=WINDOW)), 0.999)


def ranks_of(columns: np.ndarray) -> np.ndarray:
    """Ranks within each column (n, m), once for all pairs of columns; NaN stays."""
    ranks = np.full(columns.shape, np.nan)
    for at, column in enumerate(columns.T):
        known = np.isfinite(column)
        ranks[known, at] = average_ranks(column[known])
    return ranks


def correlations(x: np.ndarray, others: np.ndarray, *, least: int) -> np.ndarray:
    """Correlation of x (n, 1) with each column of others (n, m) over complete pairs; NaN below `least` of them.

    Of ranks: Spearman's rho but for the ranks of rows that only one of two columns has.
    """
    seen_x, seen = np.isfinite(x), np.isfinite(others)
    x, others = np.where(seen_x, x, 0.0), np.where(seen, others, 0.0)
    n = (seen_x.T @ seen.astype(np.float64))[0]
    sum_x, sum_y, product = (x.T @ seen)[0], (seen_x.T @ others)[0], (x.T @ others)[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        spread_x = ((x**2).T @ seen)[0] - sum_x**2 / n
        spread_y = (seen_x.T @ (others**2))[0] - sum_y**2 / n
        rho = (product - sum_x * sum_y / n) / np.sqrt(spread_x * spread_y)
    return np.where((n >= least) & (spread_x > 0) & (spread_y > 0), rho, np.nan)
