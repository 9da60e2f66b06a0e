"""Does a column follow its own past? Rank correlation, scatter of log ratios, and figures that stand a row off.

Pure arithmetic on float arrays; a missing figure is NaN. All pairs are complete pairs. The margins stand in seed
`gate_parameter`; they were set from all real files: see tests/integration/test_block_rules_on_real_files.py.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from expectations.contract import Limits


@dataclass(frozen=True)
class Fit:
    """How two columns go together: pairs, Spearman's rho, median and MAD of ln(x / y) (NaN for too few above 0)."""

    n: int
    rho: float
    median: float
    mad: float


def fit(x: np.ndarray, y: np.ndarray, limits: Limits) -> Fit:
    """Fit of x against y over complete pairs."""
    both = np.isfinite(x) & np.isfinite(y)
    x, y = x[both], y[both]
    positive = (x > 0) & (y > 0)
    median = mad = float("nan")
    if positive.sum() >= max(limits["min_pairs"] / 2, len(x) / 2):
        ratios = np.log(x[positive] / y[positive])
        median = float(np.median(ratios))
        mad = float(np.median(np.abs(ratios - median)))
    return Fit(len(x), spearman(x, y), median, mad)


def spearman(x: np.ndarray, y: np.ndarray) -> float:
    """Spearman's rho; NaN below three pairs or where a column is constant. No NaN inside."""
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    return float(np.corrcoef(stats.rankdata([x, y], axis=1))[0, 1])


def fits_better(past_fit: Fit, other: Fit, limits: Limits) -> bool:
    """True when a column follows the past of another column clearly better than its own.

    Both views must agree (higher rank correlation and smaller scatter of log ratios), the other fit must be good in
    itself (`good_fit`), and one view must be far better: atanh(rho) by `fit_gain`, in few cities by `fit_gain_in_sd`
    standard deviations sqrt(2 / (n - 3)), or the scatter below a share of its own (`fit_scatter`).
    """
    n = min(past_fit.n, other.n)
    if n < limits["min_pairs"] or not (other.rho >= limits["good_fit"] and other.rho > past_fit.rho):
        return False
    margin = max(limits["fit_gain"], limits["fit_gain_in_sd"] * np.sqrt(2 / (n - 3)))
    most = 1 - 6 / (n**3 - n)  # half the step to the next order: among few cities a perfect order is no certainty
    gain = np.arctanh(min(other.rho, most)) - np.arctanh(np.clip(past_fit.rho, -most, most))
    if np.isnan(past_fit.mad) or np.isnan(other.mad):
        return bool(gain >= margin)
    limit = limits["fit_scatter" if n >= limits["many_pairs"] else "fit_scatter_of_few"]
    return bool(other.mad < past_fit.mad and (gain >= margin or other.mad <= limit * past_fit.mad))


def displaced_rows(x: np.ndarray, last: np.ndarray, limits: Limits) -> tuple[int, int, int]:
    """(shift, first, end) of rows that hold the figures of a row nearby, judged by the past; (0, 0, 0) if none.

    x, last: this and the last accepted year in the order of the printed rows. shift 1: a row holds the figure that
    belongs one row higher up. A window of `window_rows` speaks for a shift when `window_share` of its rows are nearer
    to the shifted past and the median distance |ln(x / last)| falls below `window_ratio` of that to its own. first,
    end: the windows that do, as positions.
    Distances are from the median change of the column: where all figures grow, a row nearby that was a little higher is
    no better past.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        now, past = np.log(np.where(x > 0, x, np.nan)), np.log(np.where(last > 0, last, np.nan))
    changes = now - past
    if np.isfinite(changes).any():
        past += np.nanmedian(changes)
    in_place = np.abs(now - past)
    rows, least = int(limits["window_rows"]), limits["window_share"]
    best, span = 0.0, (0, 0, 0)
    for shift in _shifts(limits):
        beside = np.abs(now - _rows_up(past, shift))
        both = np.isfinite(in_place) & np.isfinite(beside)
        n_comparable, nearer = _in_windows(both, rows), _in_windows(both & (beside < in_place), rows)
        share = np.divide(nearer, n_comparable, out=np.full(len(n_comparable), np.nan), where=n_comparable >= rows // 2)
        if not (share >= least).any():
            continue
        shifted, printed = (
            pd.Series(np.where(both, gaps, np.nan)).rolling(rows, min_periods=rows // 2).median().to_numpy()
            for gaps in (beside, in_place)
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            windows = np.flatnonzero((share >= least) & (shifted / printed < limits["window_ratio"]))
        if windows.size and float(share[windows].max()) * windows.size > best:
            best = float(share[windows].max()) * windows.size
            span = (shift, max(int(windows[0]) - rows + 1, 0), int(windows[-1]) + 1)
    return span


def _rows_up(column: np.ndarray, shift: int) -> np.ndarray:
    """The figure `shift` rows higher up, NaN beyond the ends."""
    result = np.full(len(column), np.nan)
    source = column[: max(len(column) - shift, 0)] if shift > 0 else column[-shift:]
    result[slice(shift, None) if shift > 0 else slice(None, len(source))] = source
    return result


def _in_windows(flags: np.ndarray, rows: int) -> np.ndarray:
    """How many of the last `rows` flags up to each are set."""
    counts: np.ndarray = np.cumsum(flags)
    counts[rows:] -= counts[:-rows].copy()
    return counts


def _shifts(limits: Limits) -> list[int]:
    """Rows by which figures may stand off: ..., -1, 1, ..."""
    most = int(limits["max_shift"])
    return [shift for shift in range(-most, most + 1) if shift]


def displaced_column(ranks: np.ndarray, siblings: np.ndarray, limits: Limits) -> int:
    """Shift of a whole column against the other columns of its file, 0 if none; needs no past.

    ranks: of the column.  siblings: ranks of the others, (rows, columns), in the same row order.
    For each shift the mean over siblings of atanh|rho(shifted)| - atanh|rho(as printed)| counts those siblings that
    reach `sibling_rho` either way; `min_siblings` are needed, and the mean must exceed `sibling_gain`. Cities printed
    beside each other are not alike, so a column one row off loses its correlations.
    """
    least = int(limits["window_rows"])
    as_printed = _closeness(ranks[:, None], siblings, least)
    gains = {}
    for shift in _shifts(limits):
        as_shifted = _closeness(_rows_up(ranks, -shift)[:, None], siblings, least)
        with np.errstate(invalid="ignore"):
            is_near = np.fmax(as_printed, as_shifted) >= limits["sibling_rho"]
        is_near &= np.isfinite(as_printed) & np.isfinite(as_shifted)
        if is_near.sum() >= limits["min_siblings"]:
            gains[shift] = float(np.mean(np.arctanh(as_shifted[is_near]) - np.arctanh(as_printed[is_near])))
    best = max(gains, key=lambda shift: gains[shift], default=0)
    return best if best and gains[best] > limits["sibling_gain"] else 0


def _closeness(x: np.ndarray, siblings: np.ndarray, least: int) -> np.ndarray:
    """|rho| of the ranks x (n, 1) with each column of ranks; at most 0.999 so that atanh is finite."""
    return np.minimum(np.abs(correlations(x, siblings, least=least)), 0.999)


def ranks_of(columns: np.ndarray) -> np.ndarray:
    """Ranks within each column (n, m), once for all pairs of columns; NaN stays."""
    ranks: np.ndarray = pd.DataFrame(np.where(np.isfinite(columns), columns, np.nan)).rank().to_numpy()
    return ranks


def correlations(x: np.ndarray, others: np.ndarray, *, least: float) -> np.ndarray:
    """Correlation of x (n, 1) with each column of others (n, m) over complete pairs; NaN below `least` of them.

    Of ranks: Spearman's rho but for the ranks of rows that only one of two columns has.
    """
    seen_x, is_known = np.isfinite(x), np.isfinite(others)
    x, others = np.where(seen_x, x, 0.0), np.where(is_known, others, 0.0)
    n = (seen_x.T @ is_known.astype(np.float64))[0]
    sum_x, sum_y, product = (x.T @ is_known)[0], (seen_x.T @ others)[0], (x.T @ others)[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        spread_x = ((x**2).T @ is_known)[0] - sum_x**2 / n
        spread_y = (seen_x.T @ (others**2))[0] - sum_y**2 / n
        rho = (product - sum_x * sum_y / n) / np.sqrt(spread_x * spread_y)
    return np.where((n >= least) & (spread_x > 0) & (spread_y > 0), rho, np.nan)
