"""Sums of squares over candidate thresholds, without a regression for each: partial out, then one inner product."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from python_models._types import ArrayLike, FloatArray
from python_models.regression.errors import PanelInputError
from python_models.regression.within import within

NEAR = 0.2  # share of the rows beside a threshold that tell how errors behave there


@dataclass(frozen=True)
class Profile:
    """y (R,) and x, q, controls of a panel after its effects; R = N T rows (N (T - 1) under 'hansen1999')."""

    raw_x: FloatArray
    raw_q: FloatArray
    y: FloatArray
    controls: FloatArray
    effects: str
    is_published: bool

    @classmethod
    def build(
        cls, y: ArrayLike, x: ArrayLike, q: ArrayLike, controls: ArrayLike | None, *, effects: str, convention: str
    ) -> Profile:
        """Checked arrays with the effects removed."""
        if convention not in ("within", "hansen1999"):
            raise ValueError(f"unknown convention {convention!r}: choose within or hansen1999.")
        y_, x_ = _plane(y, "y"), _plane(x, "x")
        q_ = np.asarray(q, dtype=np.float64)
        q_ = _plane(np.repeat(q_[:, None], y_.shape[1], axis=1) if q_.ndim == 1 else q_, "q")
        c_ = np.empty((*y_.shape, 0)) if controls is None else np.asarray(controls, dtype=np.float64)
        if x_.shape != y_.shape or q_.shape != y_.shape or c_.shape[:2] != y_.shape or c_.ndim != 3:
            raise ValueError(
                f"y, x, q need one shape (N, T) and controls (N, T, k): got {y_.shape}, {x_.shape}, {q_.shape}, "
                f"{c_.shape}."
            )
        if not np.isfinite(c_).all():
            raise PanelInputError("controls hold a missing or infinite number: leave that city or year out.")
        if np.ptp(q_) == 0:
            raise PanelInputError("the threshold variable q does not vary.")
        published = convention == "hansen1999"
        kind = "entity" if published else effects
        made = cls(x_, q_, np.empty(0), np.empty((0, 0)), kind, published)
        return cls(x_, q_, made.clean(y_), made.clean(c_), kind, published)

    @property
    def shape(self) -> tuple[int, int]:
        n, t = self.raw_x.shape
        return (n, t - 1) if self.is_published else (n, t)

    @property
    def n_controls(self) -> int:
        return int(self.controls.shape[1])

    @property
    def dof(self) -> int:
        """N (T - 1), two-way (N - 1)(T - 1): rows free of effects."""
        n, t = self.raw_x.shape
        return int((n - 1) * (t - 1) if self.effects == "twoways" else n * (t - 1))

    @property
    def scale(self) -> float:
        """What LR and F are multiplied by: N T / (N (T - 1)) in the published table, else 1."""
        return self.raw_x.size / self.dof if self.is_published else 1.0

    def clean(self, values: FloatArray) -> FloatArray:
        """Effects removed, flattened by city; the published convention leaves the last demeaned year out."""
        out = within(values, self.effects)
        out = out[:, :-1] if self.is_published else out
        return np.ascontiguousarray(out).reshape((out.shape[0] * out.shape[1], *out.shape[2:]))

    def regime(self, cuts: list[float]) -> NDArray[np.intp]:
        """Number of the regime of each cell, (N, T); a cell at a cut belongs below (published: above)."""
        ordered = np.sort(np.asarray(cuts, dtype=np.float64))
        return np.searchsorted(ordered, self.raw_q, side="right" if self.is_published else "left")

    def design(self, cuts: list[float]) -> FloatArray:
        """[x in regime 0, .., x in regime R, controls] after the effects, (rows, R + 1 + k)."""
        regime = self.regime(cuts)
        columns = np.stack([self.raw_x * (regime == r) for r in range(len(cuts) + 1)], axis=2)
        return np.column_stack([self.clean(columns), self.controls])

    def candidates(self, n_grid: int, trim: float) -> FloatArray:
        """Quantiles of the distinct values of q. Published: `n_grid` of them between `trim` and 1 - `trim`."""
        distinct = np.unique(self.raw_q)
        if self.is_published:
            count = n_grid - 2 * round(n_grid * trim) + 1
            # the small shift keeps floor() where the decimal share means it: .28 * 100 is a hair below 28
            where = np.floor((trim + np.arange(count) / n_grid) * distinct.size + 1e-9).astype(int) - 1
            return np.asarray(distinct[np.clip(where, 0, distinct.size - 1)])
        if distinct.size <= n_grid:
            return distinct
        return np.unique(np.quantile(distinct, np.linspace(0, 1, n_grid), method="inverted_cdf"))

    def admissible(self, grid: FloatArray, held: list[float], trim: float, n_grid: int) -> FloatArray:
        """Candidates that leave every regime, beside the thresholds held, the share `trim` of the rows."""
        least = 1 if self.is_published else max(1, int(np.ceil(trim * self.raw_q.size)))
        apart = np.ones(grid.size, dtype=bool)
        if self.is_published:  # the quantiles within `trim` of a threshold held are left out
            place, reach = np.arange(1, grid.size + 1), trim * n_grid
            for one in held:
                below = int((grid < one).sum())
                apart &= (place < below - reach) | (place >= below + reach)
        kept = [
            g
            for g in grid[apart]
            if g not in held
            and np.bincount(self.regime([*held, float(g)]).ravel(), minlength=len(held) + 2).min() >= least
        ]
        return np.asarray(kept, dtype=np.float64)

    def basis(self, held: list[float]) -> FloatArray:
        """Orthonormal columns of what is held, and of the year effects."""
        columns, _ = np.linalg.qr(self.design(held))
        if self.effects != "twoways":
            return np.asarray(columns)
        n, t = self.shape
        years = np.tile(np.eye(t) - 1.0 / t, (n, 1)) / np.sqrt(n)
        left = np.linalg.svd(years, full_matrices=False)
        return np.column_stack([columns, left[0][:, : t - 1]])

    def purge(self, values: FloatArray, held: list[float]) -> FloatArray:
        """Residual of `values` (rows,) or (rows, m) on x by held regime and the controls."""
        basis, _ = np.linalg.qr(self.design(held))
        return np.asarray(values - basis @ (basis.T @ values))

    def residual(self, held: list[float]) -> FloatArray:
        """Residual of y with the thresholds held."""
        return self.purge(self.y, held)

    def steps(self, grid: FloatArray, held: list[float]) -> FloatArray:
        """For each candidate the regressor it adds, x 1[q above g], orthogonal to what is held, of length 1."""
        above = np.stack([self.raw_x * (self.regime([float(g)]) == 1) for g in grid], axis=2)
        clean = self.purge(self.clean(above), held)
        length = np.sqrt((clean * clean).sum(axis=0))
        return np.asarray(clean / np.where(length > 1e-12, length, np.inf))

    def spread(self, gamma: float, residual: FloatArray, sigma2: float) -> float:
        """eta2 at gamma: var(sum of x e of a city) / (sigma2 sum of x^2) over the fifth of the rows whose q is nearest.

        Where errors last or their variance goes with x, LR at the true threshold is eta2 times what it is for
        independent errors of one variance (Hansen 2000, Econometrica 68). The published table takes 1.
        """
        if self.is_published:
            return 1.0
        far = np.abs(self.raw_q - gamma)
        near = far <= np.quantile(far, NEAR)
        x = within(self.raw_x, self.effects) * near
        scores = (x * residual.reshape(x.shape)).sum(axis=1)
        return float(scores @ scores / (sigma2 * (x * x).sum()))

    def ssr_with(self, residual: FloatArray, steps: FloatArray) -> FloatArray:
        """Sum of squares with each candidate: |e|^2 - (e's)^2, since s is of length 1 and orthogonal to the rest."""
        return np.asarray(residual @ residual - (residual @ steps) ** 2)


def ordinary_errors(inverse: FloatArray, ssr: float, dof: int) -> FloatArray:
    return np.asarray(np.sqrt(np.diag(inverse) * ssr / dof))


def white_errors(inverse: FloatArray, design: FloatArray, residual: FloatArray) -> FloatArray:
    scores = design * residual[:, None]
    return np.asarray(np.sqrt(np.diag(inverse @ (scores.T @ scores) @ inverse)))


def cluster_errors(inverse: FloatArray, design: FloatArray, residual: FloatArray, n: int) -> FloatArray:
    """Clustered by city (Arellano 1987), factor n / (n - 1)."""
    scores = (design * residual[:, None]).reshape(n, -1, design.shape[1]).sum(axis=1)
    return np.asarray(np.sqrt(np.diag(inverse @ (scores.T @ scores) @ inverse) * n / (n - 1)))


def _plane(values: ArrayLike, what: str) -> FloatArray:
    plane = np.asarray(values, dtype=np.float64)
    if plane.ndim != 2:
        raise ValueError(f"{what} must have the axes (city, year), got shape {plane.shape}.")
    if not np.isfinite(plane).all():
        i, t = np.argwhere(~np.isfinite(plane))[0]
        raise PanelInputError(f"{what} is missing or infinite at city {i}, year {t}: leave that city or year out.")
    return plane
