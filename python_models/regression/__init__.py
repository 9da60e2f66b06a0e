"""Spatial panel models with fixed effects: estimates, effects and tests from labelled frames and a graph.

    SpatialPanel(y, x, graph, model="sdm").fit().effects().to_frame()

`fit_panel` is the array core below it. What does not belong here: files, prints, choices of a study.
"""

from python_models.regression.convention import ESTIMATORS, MODELS
from python_models.regression.core import COVARIANCES, CoreFit, fit_panel
from python_models.regression.covariance import Cluster, Conley, DriscollKraay, Robust
from python_models.regression.diagnostics import pesaran_cd, residual_moran, variance_inflation
from python_models.regression.dynamic import DynamicFit, dynamic_effects, fit_dynamic
from python_models.regression.effects import average_effects, city_effects
from python_models.regression.errors import PanelInputError
from python_models.regression.iv import IVFit, spatial_2sls
from python_models.regression.panel import SpatialPanel
from python_models.regression.results import Effects, PanelResults
from python_models.regression.sensitivity import robustness_value
from python_models.regression.spec_lm import lm_tests
from python_models.regression.spec_results import SpecTests
from python_models.regression.spec_search import hausman, residual_tests, specification_search
from python_models.regression.weights import SpatialWeights, spatial_weights
from python_models.regression.within import EFFECTS, by_segment

__all__ = [
    "COVARIANCES",
    "EFFECTS",
    "ESTIMATORS",
    "MODELS",
    "Cluster",
    "Conley",
    "CoreFit",
    "DriscollKraay",
    "DynamicFit",
    "Effects",
    "IVFit",
    "PanelInputError",
    "PanelResults",
    "Robust",
    "SpatialPanel",
    "SpatialWeights",
    "SpecTests",
    "average_effects",
    "by_segment",
    "city_effects",
    "dynamic_effects",
    "fit_dynamic",
    "fit_panel",
    "hausman",
    "lm_tests",
    "pesaran_cd",
    "residual_moran",
    "residual_tests",
    "robustness_value",
    "spatial_2sls",
    "spatial_weights",
    "specification_search",
    "variance_inflation",
]
