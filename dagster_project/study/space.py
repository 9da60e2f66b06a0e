"""Spatial structure of the headline index: weights, Moran, local maps, centre of mass, gravity network."""

import pandas as pd

from dagster_project.study.markov import INPUTS as SHARED
from dagster_project.study.specs.depth import current_depth
from dagster_project.study.tables.space import Effort, build_space_tables

INPUTS = {
    **SHARED,
    "mass": """
        select city_id, value from int.int_indicators_constructed
        where edit_policy = 'edited' and indicator_code = 'q2_gdppc' and value > 0
            and year = (select min(window_start) from ops.index_spec)
        order by city_id
    """,
}
TABLES = {
    "weight_matrix": "Catalogue of weight matrices with the hash of each.",
    "spatial_weight_edge": "Links of the published weight matrices.",
    "spatial_weight_profile": "Neighbours, sums, eigenvalues and components of each weight matrix.",
    "moran_global": "Moran's I, Geary's c and Getis-Ord's G, by year and weight matrix.",
    "lisa": "Local Moran and Gi*, by city, year and weight matrix.",
    "center_ellipse": "Centre of mass and standard deviational ellipse, by year.",
    "gravity_link": "Links of the gravity network, by year.",
    "network_summary": "Density, reciprocity and reach of the gravity network, by year.",
    "network_city": "Degrees, betweenness and position of a city in the network, by year.",
}


def build(frames: dict[str, pd.DataFrame], seed: int) -> dict[str, pd.DataFrame]:
    """All tables of TABLES."""
    return build_space_tables(frames, seed=seed, effort=Effort(**current_depth().of("space")))
