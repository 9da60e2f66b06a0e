"""The profile likelihood. After demeaning only cross-products remain: nothing of size NT is touched in the search.

e(rho, lam) = Y a - (Z - lam WZ) d,  Y = [y, Wy, W^2 y],  a = (1, -(rho + lam), rho lam); d by least squares.
lnL = const - (m/2) ln SSR + T' sum_r {ln|I - r W| - ln(1 - r)},  const = -(m/2)(ln 2 pi + 1 - ln m),
the term ln(1 - r) only in lee_yu with year effects; r runs over rho and lambda. Lee and Yu (2010), Elhorst (2014).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from python_models._types import ArrayLike, FloatArray
from python_models.regression.convention import Convention
from python_models.regression.design import Design
from python_models.regression.logdet import LogDet


@dataclass(frozen=True, eq=False)
class SlopeMoments:
    """Cross-products of Z and WZ with columns scaled to length one; they do not depend on y."""

    flat_z: FloatArray
    flat_wz: FloatArray | None
    scale: FloatArray
    zz: FloatArray
    zw: FloatArray
    ww: FloatArray

    @classmethod
    def of(cls, design: Design) -> SlopeMoments:
        """Moments of a design."""
        k = design.z.shape[2]
        z = design.z.reshape(-1, k)
        scale = np.sqrt((z * z).sum(axis=0))
        inverse = np.outer(1.0 / scale, 1.0 / scale)
        if design.wz is None:
            return cls(z, None, scale, z.T @ z * inverse, np.zeros((k, k)), np.zeros((k, k)))
        wz = design.wz.reshape(-1, k)
        return cls(z, wz, scale, z.T @ z * inverse, z.T @ wz * inverse, wz.T @ wz * inverse)


@dataclass(frozen=True, eq=False)
class Moments:
    """All cross-products of one y; `slopes` are shared between draws of y."""

    slopes: SlopeMoments
    yy: FloatArray
    yz: FloatArray
    yw: FloatArray

    @classmethod
    def of(cls, ys: FloatArray, slopes: SlopeMoments) -> Moments:
        """Moments of ys (N, T, 1 + a), padded to three columns."""
        flat = ys.reshape(-1, ys.shape[2])
        pad, k = 3 - flat.shape[1], len(slopes.scale)
        yz = flat.T @ slopes.flat_z / slopes.scale
        yw = flat.T @ slopes.flat_wz / slopes.scale if slopes.flat_wz is not None else np.zeros((flat.shape[1], k))
        rows = ((0, pad), (0, 0))
        return cls(slopes, np.pad(flat.T @ flat, (0, pad)), np.pad(yz, rows), np.pad(yw, rows))

    def profile(self, rho: ArrayLike, lam: ArrayLike) -> Profile:
        """Least squares at rho and lam (broadcast): SSR, its two derivatives (envelope theorem), and the slopes."""
        r, m = np.broadcast_arrays(np.asarray(rho, dtype=np.float64), np.asarray(lam, dtype=np.float64))
        a = np.stack([np.ones_like(r), -(r + m), r * m], axis=-1)
        m1 = m[..., None]
        m2 = m1[..., None]
        s = self.slopes
        gram = s.zz - m2 * (s.zw + s.zw.T) + m2 * m2 * s.ww
        right = a @ self.yz - m1 * (a @ self.yw)
        d = np.linalg.solve(gram, right[..., None])[..., 0]
        e_y = a @ self.yy - d @ self.yz.T + m1 * (d @ self.yw.T)  # e'Y
        e_wz = a @ self.yw - d @ s.zw + m1 * (d @ s.ww)  # e'WZ
        ssr = (e_y * a).sum(axis=-1) - ((a @ self.yz - m1 * (a @ self.yw) - (gram @ d[..., None])[..., 0]) * d).sum(-1)
        by_rho = 2.0 * (m * e_y[..., 2] - e_y[..., 1])
        by_lam = 2.0 * (r * e_y[..., 2] - e_y[..., 1] + (e_wz * d).sum(axis=-1))
        return Profile(ssr, by_rho, by_lam, d / s.scale)


@dataclass(frozen=True, eq=False)
class Profile:
    """Least squares for given rho and lam; arrays have the broadcast shape, slopes one axis more."""

    ssr: FloatArray
    ssr_by_rho: FloatArray
    ssr_by_lam: FloatArray
    slopes: FloatArray


@dataclass(frozen=True, eq=False)
class Likelihood:
    """lnL(rho, lam) of one model, with its gradient."""

    moments: Moments
    conv: Convention
    logdet: LogDet

    @property
    def constant(self) -> float:
        """-(m/2)(ln 2 pi + 1 - ln m)."""
        m = self.conv.n_rows
        return -m / 2.0 * (math.log(2.0 * math.pi) + 1.0 - math.log(m))

    def jacobian(self, r: ArrayLike, *, near: float | None = None) -> tuple[FloatArray, FloatArray]:
        """T' {f(r) - ln(1 - r)} and its derivative; without the second term if the mode is not centred."""
        points = np.asarray(r, dtype=np.float64)
        f, slope, _ = self.logdet.derivatives(points, near=near)
        return self._with_mode(points, f, slope)

    def coarse_jacobian(self, r: FloatArray) -> FloatArray:
        """The same from the coarse log-determinant, value only."""
        return self._with_mode(r, self.logdet.coarse(r), np.zeros_like(r))[0]

    def _with_mode(self, r: FloatArray, f: FloatArray, slope: FloatArray) -> tuple[FloatArray, FloatArray]:
        if self.conv.is_centred:
            return self.conv.t_eff * (f - np.log1p(-r)), self.conv.t_eff * (slope + 1.0 / (1.0 - r))
        return self.conv.t_eff * f, self.conv.t_eff * slope

    def fit_term(self, ssr: ArrayLike) -> FloatArray:
        """const - (m/2) ln SSR."""
        return self.constant - self.conv.n_rows / 2.0 * np.log(np.asarray(ssr, dtype=np.float64))

    def value(self, rho: float, lam: float) -> float:
        """lnL at one point, exact log-determinants."""
        total = float(self.fit_term(self.moments.profile(rho, lam).ssr))
        if self.conv.has_rho:
            total += float(self.jacobian(rho)[0])
        if self.conv.has_lam:
            total += float(self.jacobian(lam)[0])
        return total

    def gradient(self, rho: float, lam: float) -> tuple[float, float]:
        """d lnL / d rho and d lnL / d lam."""
        p = self.moments.profile(rho, lam)
        half = self.conv.n_rows / 2.0
        by_rho = -half * float(p.ssr_by_rho / p.ssr) + (float(self.jacobian(rho)[1]) if self.conv.has_rho else 0.0)
        by_lam = -half * float(p.ssr_by_lam / p.ssr) + (float(self.jacobian(lam)[1]) if self.conv.has_lam else 0.0)
        return by_rho, by_lam
