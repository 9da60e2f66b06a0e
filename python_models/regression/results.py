"""Labelled results of a spatial panel model, and their tables as text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Any

import numpy as np
import pandas as pd

from python_models._show import Shown
from python_models.regression.core import CoreFit
from python_models.regression.data import PanelData
from python_models.regression.effects import AverageEffects, average_effects, city_effects
from python_models.regression.errors import PanelInputError


def summary_text(title: str, header: Mapping[str, str], frame: pd.DataFrame) -> str:
    """Title, header lines and a table of four digits as text; a missing number is empty."""
    lines = [f"{name:<24}{value}" for name, value in header.items()]
    table = frame.to_string(index=False, float_format="{:.4g}".format, na_rep="")
    return "\n".join([title, "=" * len(title), *lines, "", table])


@dataclass(frozen=True, eq=False)
class PanelResults(Shown):
    """Estimates with labels. `core` holds the arrays, `data` the aligned panel.

    Parameters are named as the regressors, `W:<regressor>`, `rho`, `lambda`, `sigma2`. Statistics are normal.
    """

    core: CoreFit
    data: PanelData

    sigma2 = property(attrgetter("core.sigma2"), doc="Error variance, SSR / N'T' (bias-corrected where asked for).")
    loglik = property(attrgetter("core.loglik"), doc="Log-likelihood with all constants.")
    aic = property(attrgetter("core.aic"), doc="-2 lnL + 2 p.")
    bic = property(attrgetter("core.bic"), doc="-2 lnL + p ln(N'T').")
    dof = property(attrgetter("core.dof"), doc="Rows after the fixed effects less the slopes.")
    r2_within = property(attrgetter("core.r2_within"), doc="1 - SSR / sum of squares of the demeaned y.")

    @cached_property
    def params(self) -> pd.Series:
        return pd.Series(self.core.params, index=list(self.core.names), name="parameter")

    @cached_property
    def cov(self) -> pd.DataFrame:
        return pd.DataFrame(self.core.cov, index=list(self.core.names), columns=list(self.core.names))

    @cached_property
    def std_errors(self) -> pd.Series:
        """Standard errors of the kind asked for in `fit`."""
        return pd.Series(np.sqrt(np.diagonal(self.core.cov)), index=list(self.core.names), name="std_error")

    @property
    def rho(self) -> float | None:
        """Coefficient of W y, None if the model has none."""
        return self.core.rho if self.core.conv.has_rho else None

    @property
    def lam(self) -> float | None:
        """Coefficient of W u, None if the model has none."""
        return self.core.lam if self.core.conv.has_lam else None

    @cached_property
    def residuals(self) -> pd.Series:
        """e after removal of the fixed effects, by (entity, time)."""
        return self.data.series(self.core.residuals, "residual")

    def effects(
        self, method: str = "delta", *, draws: int = 2000, rng: np.random.Generator | None = None, level: float = 0.95
    ) -> Effects:
        """Direct, indirect and total effects; see `effects.average_effects`. `simulation` needs `rng`."""
        flat = self.data.x.reshape(-1, self.data.x.shape[2])
        options: dict[str, Any] = {"names": self.data.names}
        options["sd_ratio"] = flat.std(axis=0, ddof=1) / float(self.data.y.std(ddof=1))
        return Effects(average_effects(self.core, method=method, draws=draws, rng=rng, level=level, **options), self)

    def to_frame(self) -> pd.DataFrame:
        """One row per parameter: term, role, coef, std_error, tstat, pvalue, lower, upper."""
        frame = self.core.to_frame().rename(columns={"se": "std_error", "z": "tstat", "p": "pvalue"})
        frame.insert(1, "role", [self._role(i) for i in range(len(frame))])
        return frame

    def _role(self, position: int) -> str:
        if position < len(self.data.names):
            return "beta"
        return "theta" if position < self.core.n_slopes else self.core.names[position]

    def summary(self) -> str:
        """Header and coefficient table, to be printed."""
        c = self.core
        spatial_range = f"({c.optimum.low:.4f}, {c.optimum.high:.4f})" if c.conv.spatial_names else "none"
        header = {
            "Dependent": self.data.dependent,
            "Estimator": c.estimator,
            "Standard errors": c.cov_type,
            "Cities x years": f"{len(self.data.entities)} x {len(self.data.times)}",
            "Rows of the likelihood": f"{c.n_rows}",
            "Log-likelihood": f"{c.loglik:.4f}",
            "AIC / BIC": f"{c.aic:.3f} / {c.bic:.3f}",
            "R2 within": f"{c.r2_within:.4f}",
            "Log-determinant": c.logdet_method,
            "Error of traces": f"{c.trace_se:.1e} (relative, from probes)" if c.trace_se else "none, exact",
            "Range of rho, lambda": spatial_range,
        }
        return summary_text(f"Spatial panel: {c.model.upper()}, {c.effects}", header, self.to_frame())


@dataclass(frozen=True, eq=False)
class Effects(Shown):
    """Average effects with the ways to look closer: by city and by order of neighbourhood."""

    average: AverageEffects
    results: PanelResults

    def to_frame(self) -> pd.DataFrame:
        """One row per regressor and effect: point, mean_draws, se, interval, p, se_delta, share_rejected, flag."""
        return self.average.to_frame()

    def by_city(self, variable: str) -> pd.DataFrame:
        """One row per city: own, received and emitted effect of one regressor with delta standard errors."""
        if self.results.core.conv.absorb is not None:
            raise PanelInputError("by_city needs a balanced panel with one W and plain city and year effects.")
        names = self.results.data.names
        if variable not in names:
            raise PanelInputError(f"'{variable}' is not a regressor; there are {', '.join(names)}.")
        return city_effects(self.results.core, names.index(variable), list(self.results.data.entities), name=variable)

    def summary(self) -> str:
        """Method and effects, to be printed."""
        columns = ["variable", "effect", "point", "se", "lower", "upper", "p"]
        header = {"Method": self.average.method, "Level": f"{self.average.level:g}"}
        if np.isfinite(self.average.share_rejected):
            header["Share of rejected draws"] = f"{self.average.share_rejected:.4f}"
        return summary_text("Direct, indirect and total effects", header, self.to_frame()[columns])
