"""Silverman's bootstrap test of a single mode, on binned data."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from python_models._show import OneRow
from python_models._types import ArrayLike, FloatArray
from python_models.dynamics.kernel import count_modes, finite_vector

POINTS = 1024
STEPS = 30  # halvings of the search for the critical bandwidth


@dataclass(frozen=True)
class ModalityTest(OneRow):
    """critical_bandwidth: the smallest h with one mode; p_value of "one mode" against more."""

    critical_bandwidth: float
    p_value: float
    n_bootstrap: int


def unimodality(y: ArrayLike | pd.Series, *, n_bootstrap: int = 199, seed: int = 0) -> ModalityTest:
    """Silverman's test of one mode against more, on 1,024 bins; conservative.

    Parameters
    ----------
    y : (n,) array or Series
        Finite values.
    n_bootstrap : int
        Samples of the smoothed bootstrap.
    seed : int
        Seed of the samples.

    Returns
    -------
    ModalityTest
        Critical bandwidth h_c and p.

    Notes
    -----
    h_c is the smallest bandwidth whose density has one mode. Bootstrap: y* = m + (y_draw - m + h_c e) / sqrt(1 +
    h_c^2/s^2), e standard normal; p = (1 + number of samples with more than one mode at h_c) / (1 + n_bootstrap).

    References
    ----------
    Silverman (1981, J. R. Statist. Soc. B 43:97-99).

    Examples
    --------
    >>> from python_models.dynamics import unimodality
    >>> two = np.r_[np.linspace(0, 1, 20), np.linspace(9, 10, 20)]
    >>> unimodality(two, n_bootstrap=99).p_value < 0.05
    True
    """
    values = finite_vector(y)
    span = float(np.ptp(values))
    if span == 0.0:
        return ModalityTest(0.0, 1.0, n_bootstrap)
    low_end, width = float(values.min()) - span, 3.0 * span / (POINTS - 1)
    histogram = _binned(values[None], low_end, width)
    low, high = 0.0, span
    for _ in range(STEPS):
        middle = (low + high) / 2.0
        if _n_modes(histogram, middle / width)[0] > 1:
            low = middle
        else:
            high = middle
    rng = np.random.default_rng(seed)
    shape = (n_bootstrap, values.size)
    resamples = values[rng.integers(0, values.size, shape)] + high * rng.standard_normal(shape)
    mean = values.mean()
    samples = mean + (resamples - mean) / np.sqrt(1.0 + high**2 / values.var(ddof=1))
    samples = np.clip(samples, low_end, low_end + 3.0 * span)
    more = _n_modes(_binned(samples, low_end, width), high / width) > 1
    return ModalityTest(high, float((1 + more.sum()) / (1 + n_bootstrap)), n_bootstrap)


def _binned(samples: FloatArray, low: float, width: float) -> FloatArray:
    """Linear binning of each row (B, n) on POINTS points: (B, POINTS)."""
    place = (samples - low) / width
    left = np.minimum(np.floor(place).astype(np.int64), POINTS - 2)
    part = place - left
    flat = left + POINTS * np.arange(samples.shape[0])[:, None]
    size = POINTS * samples.shape[0]
    counts = np.bincount(flat.ravel(), weights=(1.0 - part).ravel(), minlength=size)
    counts += np.bincount(flat.ravel() + 1, weights=part.ravel(), minlength=size)
    return counts.reshape(samples.shape[0], POINTS)


def _n_modes(histogram: FloatArray, h: float) -> FloatArray:
    """Modes of each row smoothed with bandwidth h, in bins; the margins of the grid keep the ends apart."""
    frequency = 2.0 * np.pi * np.fft.rfftfreq(POINTS)
    smooth = np.fft.irfft(np.fft.rfft(histogram, axis=1) * np.exp(-0.5 * (h * frequency) ** 2), n=POINTS, axis=1)
    return count_modes(smooth, has_ends=False)
