"""Labelled results of a spatial panel model, and their tables as text and HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from operator import attrgetter
from typing import Any

import numpy as np
import pandas as pd

from python_models import _plot
from python_models._types import FloatArray
from python_models.inference import Normal, normal
from python_models.regression.core import CoreFit
from python_models.regression.data import PanelData, align_panel
from python_models.regression.effects import AverageEffects, average_effects, city_effects
from python_models.regression.errors import PanelInputError
from python_models.regression.logdet import log_determinant
from python_models.regression.within import has_entity, has_time


@dataclass(frozen=True)
class Summary:
    """A title, header lines (name, value), columns and rows of text. `str()` gives the text table."""

    title: str
    header: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __str__(self) -> str:
        table = (self.columns, *self.rows)
        widths = [max(len(row[j]) for row in table) for j in range(len(self.columns))]
        cells = [[f"{c:>{w}}" for c, w in zip(row, widths, strict=True)] for row in table]
        lines = [
            "  ".join([row[0].ljust(widths[0]), *cell[1:]]).rstrip() for row, cell in zip(table, cells, strict=True)
        ]
        wide = max(len(self.title), *(len(line) for line in lines))
        head = [f"{name:<24}{value}".rstrip() for name, value in self.header]
        rule = "-" * wide
        return "\n".join([self.title, "=" * wide, *head, *([rule] if head else []), lines[0], rule, *lines[1:], rule])

    def as_html(self) -> str:
        head = "".join(f"<tr><th>{escape(n)}</th><td>{escape(v)}</td></tr>" for n, v in self.header)
        names = "".join(f"<th>{escape(c)}</th>" for c in self.columns)
        body = "".join("<tr>" + "".join(f"<td>{escape(c)}</td>" for c in row) + "</tr>" for row in self.rows)
        header = f'<table class="panel-header">{head}</table>' if head else ""
        return (
            f'<div class="panel-summary"><h4>{escape(self.title)}</h4>{header}'
            f"<table><thead><tr>{names}</tr></thead><tbody>{body}</tbody></table></div>"
        )

    def _repr_html_(self) -> str:
        return self.as_html()


def summarise(title: str, header: Sequence[tuple[str, str]], frame: pd.DataFrame) -> Summary:
    rows = tuple(tuple(cell(value) for value in row) for row in frame.itertuples(index=False))
    return Summary(title, tuple(header), tuple(str(c) for c in frame.columns), rows)


def cell(value: object) -> str:
    """One value as text; a missing number is empty."""
    if not isinstance(value, float | np.floating):
        return str(value)
    number = float(value)
    if np.isnan(number):
        return ""
    if number != 0.0 and not 1e-3 <= abs(number) < 1e6:
        return f"{number:.4g}"
    return f"{number:.4f}"


@dataclass(frozen=True, eq=False)
class PanelResults:
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

    def __repr__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary().as_html()

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

    @cached_property
    def tstats(self) -> pd.Series:
        return pd.Series(self._normal().z, index=self.params.index, name="tstat")

    @cached_property
    def pvalues(self) -> pd.Series:
        return pd.Series(self._normal().p, index=self.params.index, name="pvalue")

    def _normal(self, level: float = 0.95) -> Normal:
        return normal(self.core.params, self.std_errors, level)

    def conf_int(self, level: float = 0.95) -> pd.DataFrame:
        """Normal confidence interval, columns lower and upper."""
        limits = self._normal(level)
        return pd.DataFrame({"lower": limits.lower, "upper": limits.upper}, index=self.params.index)

    @property
    def rho(self) -> float | None:
        """Coefficient of W y, None if the model has none."""
        return self.core.rho if self.core.conv.has_rho else None

    @property
    def lam(self) -> float | None:
        """Coefficient of W u, None if the model has none."""
        return self.core.lam if self.core.conv.has_lam else None

    @property
    def nobs(self) -> int:
        """Rows of the panel, N T."""
        return self.core.conv.n * self.core.conv.t

    @property
    def feasible_range(self) -> tuple[float, float]:
        """Range over which rho (and lambda) were searched."""
        return self.core.optimum.low, self.core.optimum.high

    @cached_property
    def residuals(self) -> pd.Series:
        """e after removal of the fixed effects, by (entity, time)."""
        return self.data.series(self.core.residuals, "residual")

    @property
    def resids(self) -> pd.Series:
        """`residuals` under the name that linearmodels gives them."""
        return self.residuals

    @cached_property
    def fitted_values(self) -> pd.Series:
        """y - e: what the model says of y, given the neighbours and the fixed effects."""
        observed = self.data.series(self.data.y, self.data.dependent)
        return (observed - self.residuals).rename("fitted_values")

    def _need_plane(self, what: str) -> None:
        if self.core.conv.absorb is not None:
            raise PanelInputError(f"{what} needs a balanced panel with one W and plain city and year effects.")

    @cached_property
    def fixed_effects(self) -> tuple[pd.Series, pd.Series, float]:
        """City effects (sum zero), year effects (sum zero) and the constant."""
        self._need_plane("fixed_effects")
        mu, gamma, constant = self._effects
        entity = pd.Series(mu, index=self.data.entities, name="entity_effect")
        return entity, pd.Series(gamma, index=self.data.times, name="time_effect"), constant

    @property
    def _effects(self) -> tuple[FloatArray, FloatArray, float]:
        left = self.data.y - self.core.rho * self.data.weights.lag(self.data.y) - self._slopes_part(self.data.x)
        constant = float(left.mean())
        mu, gamma = left.mean(axis=1) - constant, left.mean(axis=0) - constant
        return mu * has_entity(self.core.effects), gamma * has_time(self.core.effects), constant

    def _slopes_part(self, x: FloatArray) -> FloatArray:
        n_x = x.shape[2]
        out = x @ self.core.params[:n_x]
        if self.core.lagged:
            lagged = self.data.weights.lag(np.ascontiguousarray(x[..., list(self.core.lagged)]))
            out = out + lagged @ self.core.params[n_x : self.core.n_slopes]
        return np.asarray(out)

    def predict(self, exog: pd.DataFrame | None = None, *, kind: str = "reduced") -> pd.Series:
        """Predicted y with the estimated fixed effects, by (entity, time).

        `reduced`: (I - rho W)^-1 (Z d + effects), the mean of y given x. `signal`: rho W y + Z d + effects, which uses
        the observed neighbours (no new exog allowed). `exog`: other values of the regressors for the same cities and
        years.
        """
        self._need_plane("predict")
        if kind not in ("reduced", "signal") or (kind == "signal" and exog is not None):
            raise PanelInputError("kind must be 'reduced', or 'signal' (only for the observed exog).")
        x = self.data.x
        if exog is not None:
            missing = [name for name in self.data.names if name not in exog.columns]
            if missing:
                raise PanelInputError(f"exog lacks the regressor '{missing[0]}'.")
            observed, graph = self.data.series(self.data.y, "y"), (self.data.weights, self.data.entities)
            x = align_panel(observed, exog[list(self.data.names)], graph).x
        mu, gamma, constant = self._effects
        part = self._slopes_part(x) + mu[:, None] + gamma[None, :] + constant
        if self.core.rho != 0.0 and kind == "signal":
            part = part + self.core.rho * self.data.weights.lag(self.data.y)
        elif self.core.rho != 0.0:
            part = log_determinant(self.data.weights).system.factor(self.core.rho).solve(part)
        return self.data.series(part, f"predicted_{self.data.dependent}")

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

    def summary(self) -> Summary:
        """Header and coefficient table; print it, or ask for `.as_html()`."""
        c = self.core
        low, high = self.feasible_range
        header = [
            ("Dependent", self.data.dependent),
            ("Model", c.model.upper()),
            ("Fixed effects", c.effects),
            ("Estimator", c.estimator),
            ("Standard errors", c.cov_type),
            ("Cities x years", f"{len(self.data.entities)} x {len(self.data.times)}"),
            ("Rows of the likelihood", f"{c.n_rows}"),
            ("Log-likelihood", f"{c.loglik:.4f}"),
            ("AIC / BIC", f"{c.aic:.3f} / {c.bic:.3f}"),
            ("R2 within", f"{c.r2_within:.4f}"),
            ("Log-determinant", c.logdet_method),
            ("Error of traces", f"{c.trace_se:.1e} (relative, from probes)" if c.trace_se else "none, exact"),
            ("Range of rho, lambda", f"({low:.4f}, {high:.4f})" if c.conv.spatial_names else "none"),
        ]
        return summarise(f"Spatial panel: {c.model.upper()}, {c.effects}", header, self.to_frame())


@dataclass(frozen=True, eq=False)
class Effects:
    """Average effects with the ways to look closer: by city and by order of neighbourhood."""

    average: AverageEffects
    results: PanelResults

    def __repr__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary().as_html()

    def to_frame(self) -> pd.DataFrame:
        """One row per regressor and effect: point, mean_draws, se, interval, p, se_delta, share_rejected, flag."""
        return self.average.to_frame()

    def plot(self) -> _plot.Picture:
        return self.average.plot()

    def by_city(self, variable: str) -> pd.DataFrame:
        """One row per city: own, received and emitted effect of one regressor with delta standard errors."""
        self.results._need_plane("by_city")
        names = self.results.data.names
        if variable not in names:
            raise PanelInputError(f"'{variable}' is not a regressor; there are {', '.join(names)}.")
        return city_effects(self.results.core, names.index(variable), list(self.results.data.entities), name=variable)

    def summary(self) -> Summary:
        frame = self.to_frame()
        rows = frame[["variable", "effect", "point", "se", "lower", "upper", "p"]]
        share = self.average.share_rejected
        header = [("Method", self.average.method), ("Level", f"{self.average.level:g}")]
        if np.isfinite(share):
            header.append(("Share of rejected draws", f"{share:.4f}"))
        return summarise("Direct, indirect and total effects", header, rows)
