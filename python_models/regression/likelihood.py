"""The profile likelihood. After demeaning only cross-products remain: nothing of size NT is touched in the search.

With W of the lag of y and M of the error, e(rho, lam) = Y a - (Z - lam MZ) d,  Y = [y, Wy, My, MWy], a = (1, -rho,
-lam, rho lam); d by least squares. lnL = const - (m/2) ln SSR + T' {ln|I - rho W| - ln(1 - rho) + ln|I - lam M| - ln(1
- lam)}, const = -(m/2)(ln 2 pi + 1 - ln m); the terms ln(1 - r) only in lee_yu with year effects. Lee and Yu (2010).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from python_models._types import ArrayLike, FloatArray
from python_models.regression.convention import Convention
from python_models.regression.design import Design
from python_models.regression.logdet import LogDet


@dataclass(frozen=True, eq=False)
class SlopeMoments:
    """Cross-products of Z and MZ with columns scaled to length one; they do not depend on y."""

    flat_z: FloatArray
    flat_mz: FloatArray | None
    scale: FloatArray
    zz: FloatArray
    zm: FloatArray
    mm: FloatArray

    @classmethod
    def of(cls, design: Design) -> SlopeMoments:
        k = design.z.shape[2]
        z = design.z.reshape(-1, k)
        scale = np.sqrt((z * z).sum(axis=0))
        inverse = np.outer(1.0 / scale, 1.0 / scale)
        if design.mz is None:
            return cls(z, None, scale, z.T @ z * inverse, np.zeros((k, k)), np.zeros((k, k)))
        mz = design.mz.reshape(-1, k)
        return cls(z, mz, scale, z.T @ z * inverse, z.T @ mz * inverse, mz.T @ mz * inverse)


@dataclass(frozen=True, eq=False)
class Moments:
    """All cross-products of one y; `slopes` are shared between draws of y."""

    slopes: SlopeMoments
    yy: FloatArray
    yz: FloatArray
    ym: FloatArray

    @classmethod
    def of(cls, ys: FloatArray, slopes: SlopeMoments) -> Moments:
        """Moments of ys (N, T, 1 + a), placed among the four columns y, Wy, My, MWy."""
        flat = ys.reshape(-1, ys.shape[2])
        k = len(slopes.scale)
        at = y_places(ys.shape[2], has_lam=slopes.flat_mz is not None)
        yy, yz, ym = np.zeros((4, 4)), np.zeros((4, k)), np.zeros((4, k))
        yy[np.ix_(at, at)] = flat.T @ flat
        yz[at] = flat.T @ slopes.flat_z / slopes.scale
        if slopes.flat_mz is not None:
            ym[at] = flat.T @ slopes.flat_mz / slopes.scale
        return cls(slopes, yy, yz, ym)

    def profile(self, rho: ArrayLike, lam: ArrayLike) -> Profile:
        """Least squares at rho and lam (broadcast): SSR, its two derivatives (envelope theorem), and the slopes."""
        r, m = np.broadcast_arrays(np.asarray(rho, dtype=np.float64), np.asarray(lam, dtype=np.float64))
        a = y_loadings(r, m)
        m1 = m[..., None]
        m2 = m1[..., None]
        s = self.slopes
        gram = s.zz - m2 * (s.zm + s.zm.T) + m2 * m2 * s.mm
        right = a @ self.yz - m1 * (a @ self.ym)
        d = np.linalg.solve(gram, right[..., None])[..., 0]
        e_y = a @ self.yy - d @ self.yz.T + m1 * (d @ self.ym.T)  # e'Y
        e_mz = a @ self.ym - d @ s.zm + m1 * (d @ s.mm)  # e'MZ
        ssr = (e_y * a).sum(axis=-1) - ((a @ self.yz - m1 * (a @ self.ym) - (gram @ d[..., None])[..., 0]) * d).sum(-1)
        by_rho = 2.0 * (m * e_y[..., 3] - e_y[..., 1])
        by_lam = 2.0 * (r * e_y[..., 3] - e_y[..., 2] + (e_mz * d).sum(axis=-1))
        return Profile(ssr, by_rho, by_lam, d / s.scale)


def y_loadings(rho: FloatArray, lam: FloatArray) -> FloatArray:
    """a = (1, -rho, -lam, rho lam), on a last axis."""
    return np.stack([np.ones_like(rho), -rho, -lam, rho * lam], axis=-1)


def y_places(columns: int, *, has_lam: bool) -> list[int]:
    """Places of the columns that a model has among y, Wy, My, MWy."""
    return {1: [0], 2: [0, 2] if has_lam else [0, 1], 4: [0, 1, 2, 3]}[columns]


class Profile(NamedTuple):
    """Least squares for given rho and lam; arrays have the broadcast shape, slopes one axis more."""

    ssr: FloatArray
    ssr_by_rho: FloatArray
    ssr_by_lam: FloatArray
    slopes: FloatArray


def fit_term(m: int, ssr: ArrayLike) -> FloatArray:
    """const - (m/2) ln SSR of m rows."""
    constant = -m / 2.0 * (math.log(2.0 * math.pi) + 1.0 - math.log(m))
    return constant - m / 2.0 * np.log(np.asarray(ssr, dtype=np.float64))


@dataclass(frozen=True, eq=False)
class Likelihood:
    """lnL(rho, lam) of one model, with its gradient."""

    moments: Moments
    conv: Convention
    logdet: LogDet
    error_logdet: LogDet

    @classmethod
    def of(cls, moments: Moments, conv: Convention, logdet: LogDet, error_logdet: LogDet | None = None) -> Likelihood:
        return cls(moments, conv, logdet, error_logdet or logdet)

    def of_parameter(self, is_lam: bool) -> LogDet:
        return self.error_logdet if is_lam else self.logdet

    def jacobian(self, r: ArrayLike, is_lam: bool, *, near: float | None = None) -> tuple[FloatArray, FloatArray]:
        """T' {f(r) - ln(1 - r)} and its derivative; without the second term if the mode is not centred."""
        points = np.asarray(r, dtype=np.float64)
        f, slope, _ = self.of_parameter(is_lam).derivatives(points, near=near)
        slope = slope + 1.0 / (1.0 - points) if self.conv.is_centred else slope
        return self._with_mode(points, f), self.conv.t_eff * slope

    def coarse_jacobian(self, r: FloatArray, is_lam: bool) -> FloatArray:
        """The same from the coarse log-determinant, value only."""
        return self._with_mode(r, self.of_parameter(is_lam).coarse(r))

    def _with_mode(self, r: FloatArray, f: FloatArray) -> FloatArray:
        return self.conv.t_eff * (f - np.log1p(-r) if self.conv.is_centred else f)

    def value(self, rho: float, lam: float) -> float:
        """lnL at one point, exact log-determinants."""
        total = float(fit_term(self.conv.n_rows, self.moments.profile(rho, lam).ssr))
        if self.conv.has_rho:
            total += float(self.jacobian(rho, False)[0])
        return total + (float(self.jacobian(lam, True)[0]) if self.conv.has_lam else 0.0)

    def gradient(self, rho: float, lam: float) -> tuple[float, float]:
        p, half = self.moments.profile(rho, lam), self.conv.n_rows / 2.0
        by_rho = float(self.jacobian(rho, False)[1]) if self.conv.has_rho else 0.0
        by_lam = float(self.jacobian(lam, True)[1]) if self.conv.has_lam else 0.0
        return by_rho - half * float(p.ssr_by_rho / p.ssr), by_lam - half * float(p.ssr_by_lam / p.ssr)
