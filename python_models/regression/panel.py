"""SpatialPanel: labelled frames and a graph in, `fit()` gives labelled results."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from python_models._align import align_to
from python_models.regression.convention import convention
from python_models.regression.core import fit_panel, fit_stack
from python_models.regression.covariance import Cluster, Conley, Robust
from python_models.regression.data import PanelData, Stack, align_panel, align_stack, column_positions, graph_in_order
from python_models.regression.errors import PanelInputError
from python_models.regression.results import PanelResults
from python_models.regression.weights import SpatialWeights, spatial_weights


class SpatialPanel:
    """A spatial panel model with fixed effects, y_t = rho W y_t + X_t b + W X_t th + mu + lambda_t 1 + u_t.

    dependent : Series (or one column) on an (entity, time) MultiIndex, or a wide frame (cities x years).   exog :
    DataFrame on the same labels, or wide frames by name; row order does not matter.   graph : libpysal Graph or W,
    square DataFrame, or (matrix, labels); its labels must be exactly the entities.   model, effects, estimator : as in
    `fit_panel`.   durbin : names of the x that also enter as W:x.   error_graph : another W in the error.   solver :
    eigenvalues, dense, sparse, matrix_free; None chooses by size.

    Real panels, by `direct`: has_holes=True takes a panel whose rows are missing for some cities and years, each year's
    W restricted to the cities that are there and, with `renormalise`, scaled back to its row sums; graph (and
    error_graph) may be a mapping year -> graph; period_groups, a label a city (province), gives every group year
    effects of its own.

    PanelInputError names the city, year or column. Example: SpatialPanel(y, x, graph.transform("r")).fit().effects()
    """

    def __init__(
        self,
        dependent: pd.Series | pd.DataFrame,
        exog: pd.Series | pd.DataFrame | Mapping[str, pd.DataFrame],
        graph: Any,
        *,
        model: str = "sdm",
        effects: str = "twoways",
        estimator: str | None = None,
        durbin: Sequence[str] | None = None,
        error_graph: Any = None,
        has_holes: bool = False,
        renormalise: bool = True,
        period_groups: pd.Series | None = None,
        solver: str | None = None,
    ) -> None:
        dependent, exog = _long(dependent, "y"), _long(exog, "x")
        self._stack: Stack | None = None
        self._error: SpatialWeights | None = None
        if has_holes or period_groups is not None or isinstance(graph, Mapping) or isinstance(error_graph, Mapping):
            if estimator not in (None, "direct"):
                reason = "a panel with holes, graphs by year or groups needs 'direct'"
                raise PanelInputError(f"{reason}, got {estimator!r}.")
            rest: dict[str, Any] = {"error_graph": error_graph, "period_groups": period_groups}
            self._stack = align_stack(dependent, exog, graph, effects=effects, renormalise=renormalise, **rest)
            self.data: PanelData = self._stack.data  # the aligned arrays and their labels
        else:
            self.data = align_panel(dependent, exog, graph)
            n, t = self.data.y.shape
            if error_graph is not None:
                self._error = spatial_weights(graph_in_order(error_graph, self.data.entities), solver=solver)
            choices = {"model": model, "effects": effects, "estimator": estimator or "lee_yu", "n": n, "t": t}
            convention(**choices, W=self.data.weights)
        self.data = replace(self.data, weights=spatial_weights(self.data.weights, solver=solver))
        self._durbin = column_positions(self.data.names, durbin)
        self.model, self.effects = model, effects
        self.estimator = estimator or ("direct" if self._stack is not None else "lee_yu")

    def fit(
        self, cov: str | Robust = "cluster", *, draws: int = 499, rng: np.random.Generator | None = None
    ) -> PanelResults:
        """Estimate, as `fit_panel`; groups and points of Cluster and Conley as Series or frame are matched by label."""
        data, stack = self.data, self._stack
        options: dict[str, Any] = {"model": self.model, "cov": self._in_order(cov), "names": data.names}
        options |= {"durbin": self._durbin, "draws": draws, "rng": rng}
        if stack is not None:
            fit = fit_stack(data.y, data.x, (data.weights, stack.error), stack.codes, stack.effects, **options)
            return PanelResults(replace(fit, effects=self.effects), data)
        options |= {"effects": self.effects, "estimator": self.estimator, "error_W": self._error}
        return PanelResults(fit_panel(data.y, data.x, data.weights, **options), data)

    def _in_order(self, cov: str | Robust) -> str | Robust:
        """Labels and points of the covariance in the order of the panel."""
        if isinstance(cov, Cluster) and cov.groups is not None:
            return replace(cov, groups=align_to(self.data.entities, cov.groups, "groups"))
        if isinstance(cov, Conley):
            return replace(cov, points=align_to(self.data.entities, cov.points, "points"))
        return cov


def _long(data: pd.Series | pd.DataFrame | Mapping[str, pd.DataFrame], name: str) -> pd.Series | pd.DataFrame:
    """Wide frames (cities x years) as columns on (entity, time); what is long already comes back as it is."""
    if isinstance(data, Mapping):
        if not data:
            raise PanelInputError("exog names no regressor.")
        return pd.concat({str(key): _long(plane, str(key)) for key, plane in data.items()}, axis=1)
    if not isinstance(data, pd.DataFrame) or isinstance(data.index, pd.MultiIndex):
        return data
    if data.columns.nlevels > 1 or not pd.api.types.is_integer_dtype(data.columns):
        raise PanelInputError(
            f"{name}: a frame without (entity, time) rows must be wide, cities in its rows and years in its columns; "
            f"its columns are {', '.join(map(str, data.columns[:3]))}."
        )
    rows = pd.MultiIndex.from_product([data.index, data.columns], names=["entity", "time"])
    return pd.Series(data.to_numpy().reshape(-1), rows, name=name)
