"""What people read for a step of a run."""

import re

STEP_WORDS = {
    "landing__yearly": "check yearly files",
    "landing__series": "check multi-year files",
    "raw_yearly": "read yearly files",
    "raw_series": "read multi-year files",
    "dbt_reading": "give cells a meaning (dbt)",
    "dbt_values": "settle values (dbt)",
    "dbt_panel": "balance the panel (dbt)",
    "dbt_marts": "build marts (dbt)",
    "raw__load": "judge yearly loads",
    "raw__series_load": "judge multi-year loads",
    "ops__run_context": "name the vintage",
    "ops__index_spec": "read the specs",
    "raw__county_weight": "read the specs of counties",
    "ops__synthetic_truth": "store the demo's truth",
    "py_index": "weights and scores",
    "py_production": "engines of production relations",
    "py_coupling": "coupling coordination",
    "py_measurement": "trust in the index",
    "py_disparity": "disparities",
    "py_convergence": "convergence and clubs",
    "py_markov": "Markov chains",
    "py_space": "spatial structure",
    "py_panel": "panel regressions",
    "py_influence": "spillovers and thresholds",
    "py_robustness": "robustness suite",
    "py_propagation": "uncertainty of the index in results",
    "py_county": "counties, a second geography",
    "py_policy": "paths and principles",
    "py_truth": "what was planted beside what is found",
    "published__city": "publish and report",
}


def step_words(key: str) -> str:
    """What a person reads for a step. A step that Dagster had to split has a number at its end."""
    return STEP_WORDS.get(key, STEP_WORDS.get(re.sub(r"_\d+$", "", key), key))
