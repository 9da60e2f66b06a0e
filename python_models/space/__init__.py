"""Spatial structure: weights, global and local statistics, centre of mass, network.

What does not belong here: files, maps, regression (it imports the weights from here).
"""

from python_models.inference import adjust
from python_models.space.ellipse import EllipseResult, center_ellipse
from python_models.space.graph import CityGraph, normalise, to_graph, to_sparse
from python_models.space.local import GetisOrdResult, LisaResult, getis_ord, lisa
from python_models.space.moran import GlobalStatistic, global_statistics, moran
from python_models.space.network import NetworkResult, gravity_network
from python_models.space.weights import build_weights

__all__ = [
    "CityGraph",
    "EllipseResult",
    "GetisOrdResult",
    "GlobalStatistic",
    "LisaResult",
    "NetworkResult",
    "adjust",
    "build_weights",
    "center_ellipse",
    "getis_ord",
    "global_statistics",
    "gravity_network",
    "lisa",
    "moran",
    "normalise",
    "to_graph",
    "to_sparse",
]
