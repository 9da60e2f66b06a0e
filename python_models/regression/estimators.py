"""From a design to a point: maximum of the likelihood, and the bias correction of Lee and Yu (2010)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from python_models._types import FloatArray
from python_models.regression.convention import Convention
from python_models.regression.design import Design
from python_models.regression.errors import PanelInputError
from python_models.regression.information import Point, ScoreParts, information, inverse, score_parts
from python_models.regression.likelihood import Likelihood, Moments, SlopeMoments
from python_models.regression.logdet import log_determinant
from python_models.regression.search import Optimum, maximise
from python_models.regression.weights import SpatialWeights
from python_models.regression.within import has_entity, has_time


@dataclass(frozen=True, eq=False)
class Estimator:
    """The parts that do not depend on y, so that many y of the same design can be fitted."""

    design: Design
    conv: Convention
    weights: SpatialWeights
    error_weights: SpatialWeights
    slopes: SlopeMoments

    @classmethod
    def of(
        cls, design: Design, conv: Convention, weights: SpatialWeights, error_weights: SpatialWeights | None = None
    ) -> Estimator:
        """Estimator of a design."""
        return cls(design, conv, weights, error_weights or weights, SlopeMoments.of(design))

    def parts(self, design: Design, at: Point) -> ScoreParts:
        """What the scores at a point are made of."""
        return score_parts(
            design, self.conv, self.weights, log_determinant(self.weights), at, error_weights=self.error_weights
        )

    def maximum(self, ys: FloatArray) -> tuple[Point, Optimum]:
        """Maximum-likelihood point for ys (N, T, 1 + a), the demeaned y and its lags. No bias correction."""
        both = log_determinant(self.weights), log_determinant(self.error_weights)
        likelihood = Likelihood(Moments.of(ys, self.slopes), self.conv, *both)
        _refuse_exact_fit(likelihood.moments, 0.0, 0.0)
        optimum = maximise(likelihood)
        _refuse_exact_fit(likelihood.moments, optimum.rho, optimum.lam)
        p = likelihood.moments.profile(optimum.rho, optimum.lam)
        return Point(p.slopes, optimum.rho, optimum.lam, float(p.ssr) / self.conv.n_rows), optimum

    def corrected(self, ys: FloatArray, at: Point) -> Point:
        """The point after the correction of `direct_bc` and `elhorst_bc`; `at` itself for other estimators.

        th_bc = (1, .., 1, T/(T-1)) o {th + (1/N) Sig^-1 [0; 1/(1-r); 1/(2 s2)]}, Sig = information / (NT), r the
        spatial parameters. The added term comes from the year effects, T/(T-1) from the city effects.
        """
        if not self.conv.is_corrected:
            return at
        theta = at.pack(self.conv)
        if has_time(self.conv.effects):
            design = replace(self.design, ys=ys)
            parts = self.parts(design, at)
            shift = np.zeros(len(theta))
            spatial = len(self.conv.spatial_names)
            shift[-1 - spatial : -1] = 1.0 / (1.0 - theta[-1 - spatial : -1])
            shift[-1] = 1.0 / (2.0 * at.sigma2)
            # (1/N) (I / NT)^-1 = T I^-1
            theta = theta + self.conv.t * inverse(information(parts, self.conv, at.sigma2)) @ shift
        if has_entity(self.conv.effects):
            theta[-1] *= self.conv.t / (self.conv.t - 1.0)
        return Point.unpack(theta, self.conv)


def _refuse_exact_fit(moments: Moments, rho: float, lam: float) -> None:
    if not float(moments.profile(rho, lam).ssr) > 1e-13 * float(moments.yy[0, 0]):
        raise PanelInputError("the regressors explain y exactly (no residual is left): check for y among them.")
