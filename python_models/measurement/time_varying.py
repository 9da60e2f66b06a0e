"""Entropy weights of each year by itself (kappa = 1 / ln N): a diagnostic, scores of two years cannot be compared."""

from dataclasses import replace

import numpy as np
import pandas as pd

from python_models._types import ArrayLike, FloatArray
from python_models._validate import as_cube
from python_models.entropy import entropy_weights
from python_models.measurement._index_frames import COMPOSITE, Marks, score_block, weights_frame
from python_models.measurement.composite import CompositeIndex
from python_models.measurement.schemes import SchemeWeights


def time_varying_weights(Z: ArrayLike, *, delta: float = 0.0) -> FloatArray:
    """Weights (T, m) of Z (N, T, m); NaN in a year with fewer than 2 complete cities.

    ValueError: a negative z, as in `entropy_weights`.
    """
    cube = as_cube(Z, "Z")
    result = np.full(cube.shape[1:], np.nan)
    for t in range(cube.shape[1]):
        year = cube[:, [t], :]
        empty = np.isnan(year).all(axis=(0, 1))
        complete = ~np.isnan(year[:, 0, ~empty]).any(axis=1)
        if empty.all() or complete.sum() < 2:
            continue
        result[t] = entropy_weights(year, delta=delta).weights
    return result


def time_varying_score(Z: ArrayLike, weights: FloatArray) -> FloatArray:
    """sum_k w_tk z_itk with weights (T, m), shape (N, T); NaN in years without weights."""
    cube = as_cube(Z, "Z")
    total = np.zeros(cube.shape[:2])
    for k in range(cube.shape[2]):
        total = total + np.where(weights[:, k] == 0.0, 0.0, weights[:, k] * cube[..., k])
    return total


def year_frames(index: CompositeIndex) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Weights (one row per indicator and year of the window) and composite scores, in the columns of an index.

    Years outside the window are left out: their z may be negative.
    """
    labels, window, base_z = index.labels, index.base_window, index.scaled.base_z
    in_window = [window[0] <= year <= window[1] for year in labels.years]
    weights = time_varying_weights(np.where(np.array(in_window)[None, :, None], base_z, np.nan))
    tables = []
    for t, year in enumerate(labels.years):
        if np.isnan(weights[t]).any():
            continue
        no_entropy = np.full(len(labels.names), np.nan)
        weighting = SchemeWeights(weights[t], no_entropy, no_entropy, ("",) * len(labels.names))
        frame = weights_frame(labels, weighting, base_z[:, [t], :], 0.0)
        tables.append(frame.assign(year=pd.array([year] * len(frame), dtype="Int64"), delta=0.0))
    years = tuple(year for year, w in zip(labels.years, weights, strict=True) if not np.isnan(w).any())
    chosen_years = [labels.years.index(year) for year in years]
    score = time_varying_score(index.z[:, chosen_years], weights[chosen_years])
    own_labels = replace(labels, years=years)
    marks = Marks(*(mask[:, chosen_years] for mask in vars(index.marks).values()))
    return pd.concat(tables, ignore_index=True), score_block(
        own_labels, COMPOSITE, score, weights[chosen_years].mean(axis=0), marks
    )
