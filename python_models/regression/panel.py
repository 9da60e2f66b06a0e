"""SpatialPanel: labelled frames and a graph in, `fit()` gives labelled results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from python_models._align import align_to
from python_models.regression.convention import convention
from python_models.regression.core import fit_panel
from python_models.regression.covariance import Cluster, Conley, Robust
from python_models.regression.data import PanelData, align_panel, column_positions
from python_models.regression.results import PanelResults


class SpatialPanel:
    """A spatial panel model with fixed effects, y_t = rho W y_t + X_t b + W X_t th + mu + lambda_t 1 + u_t.

    dependent : Series (or one column) on an (entity, time) MultiIndex.   exog : DataFrame on the same labels; row order
    does not matter.   graph : libpysal.graph.Graph, libpysal W, square DataFrame, or (matrix, labels); its labels must
    be exactly the entities.   model : ols, slx, sar, sem, sdm, sdem, sac (SAC: u_t = lambda W u_t + e_t besides W y_t).
    effects : none (one intercept), entity, time, twoways.   estimator : lee_yu (transformation, default), direct (true
    dummy ML), elhorst (W applied to demeaned y), direct_bc, elhorst_bc, direct_bc_sdpdmod (bias-corrected),
    transformed_dummies (for W whose rows do not sum to one).   durbin : names of the x that also enter as W:x.

    Raises PanelInputError that names the city, year or column. Nothing is estimated before `fit`.

    Example: SpatialPanel(y, x, graph.transform("r")).fit().effects().to_frame()
    """

    def __init__(
        self,
        dependent: pd.Series | pd.DataFrame,
        exog: pd.Series | pd.DataFrame,
        graph: Any,
        *,
        model: str = "sdm",
        effects: str = "twoways",
        estimator: str = "lee_yu",
        durbin: Sequence[str] | None = None,
    ) -> None:
        self._data = align_panel(dependent, exog, graph)
        n, t = self._data.y.shape
        convention(model=model, effects=effects, estimator=estimator, n=n, t=t, weights=self._data.weights)
        self._durbin = column_positions(self._data.names, durbin)
        self.model, self.effects, self.estimator = model, effects, estimator

    @property
    def data(self) -> PanelData:
        """The aligned arrays and their labels."""
        return self._data

    def fit(
        self,
        cov: str | Robust = "cluster",
        *,
        draws: int = 499,
        bias_draws: int = 0,
        rng: np.random.Generator | None = None,
    ) -> PanelResults:
        """Estimate. `cov`: cluster (by city), info, qml, driscoll_kraay, block_bootstrap, wild_bootstrap (`draws`
        panels, need `rng`), or Cluster, Conley, DriscollKraay with settings, whose labels or points are matched with
        the entities if they are a Series or frame; see `core.fit_panel`.
        """
        fit = fit_panel(
            self._data.y,
            self._data.x,
            self._data.weights,
            model=self.model,
            effects=self.effects,
            estimator=self.estimator,
            cov=self._in_order(cov),
            names=self._data.names,
            durbin=self._durbin,
            draws=draws,
            bias_draws=bias_draws,
            rng=rng,
        )
        return PanelResults(fit, self._data)

    def _in_order(self, cov: str | Robust) -> str | Robust:
        """Labels and points of the covariance in the order of the panel."""
        if isinstance(cov, Cluster) and cov.groups is not None:
            return replace(cov, groups=align_to(self._data.entities, cov.groups, "groups"))
        if isinstance(cov, Conley):
            return replace(cov, points=align_to(self._data.entities, cov.points, "points"))
        return cov
