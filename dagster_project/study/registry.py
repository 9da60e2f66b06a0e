"""The analyses of the study in one list: what each reads, the function it calls, the tables it writes.

Adding one is one entry here. An analysis is pure: frames and a seed in, frames out.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from dagster_project.study import (
    convergence,
    coupling,
    disparity,
    influence,
    markov,
    measurement,
    panel,
    policy,
    production,
    robustness,
    space,
)
from dagster_project.study.index import build_index_tables

Frames = dict[str, pd.DataFrame]
TABLE = re.compile(r"\b(?:int|mart|ops|py|seed|stg)\.[a-z_0-9]+")


@dataclass(frozen=True)
class Analysis:
    """name: of the step; reads: label -> table or query; build: frames and seed -> frames, or frames in parts where all
    of them would not fit in memory; writes: table -> text."""

    name: str
    group: str
    reads: Mapping[str, str]
    build: Callable[[Frames, int], Frames | Iterator[Frames]]
    writes: Mapping[str, str]

    @property
    def parents(self) -> list[list[str]]:
        """Every table that a query reads: the arrows of the asset graph."""
        tables = {name for text in self.reads.values() for name in TABLE.findall(text)}
        return [name.split(".") for name in sorted(tables)]

    def queries(self) -> dict[str, str]:
        """By label, each with an order: no result may depend on where rows happen to lie."""
        full = {label: text if " " in text.strip() else f"from {text}" for label, text in self.reads.items()}
        return {label: text if "order by" in text.lower() else f"{text}\norder by all" for label, text in full.items()}


REGISTRY = [
    Analysis("production", "engines", production.INPUTS, production.build, production.TABLES),
    Analysis(
        name="index",
        group="index",
        reads={
            "panel": "int.int_panel_balanced",
            "spec": "ops.index_spec",
            "indicator": "seed.indicator",
            "judged": "int.int_indexes_judged",
        },
        build=lambda frames, seed: build_index_tables(frames),
        writes={
            "index_bounds": "Bounds and winsor limits of the base window, by index, basis and indicator.",
            "index_weight": "Entropy, redundancy and weight, by index, basis, scheme and indicator.",
            "index_value": "Final and scaled indicator values, by index, basis, city, year and indicator.",
            "index_score": "Scores and ranks, by index, basis, scheme, city and year.",
            "index_contribution": "Weight times scaled value, by index, basis, city, year and indicator.",
            "index_check": "Identities of the index, observed against expected.",
        },
    ),
    Analysis("measurement", "index", measurement.INPUTS, measurement.build, measurement.TABLES),
    Analysis("coupling", "production", coupling.INPUTS, coupling.build, coupling.TABLES),
    Analysis("disparity", "disparity", disparity.INPUTS, disparity.build, disparity.TABLES),
    Analysis("convergence", "dynamics", convergence.INPUTS, convergence.build, convergence.TABLES),
    Analysis("markov", "dynamics", markov.INPUTS, markov.build, markov.TABLES),
    Analysis("space", "space", space.INPUTS, space.build, space.TABLES),
    Analysis("panel", "regressions", panel.INPUTS, panel.build, panel.TABLES),
    Analysis("influence", "influence", influence.INPUTS, influence.build, influence.TABLES),
    Analysis("robustness", "robustness", robustness.INPUTS, robustness.build, robustness.TABLES),
    Analysis("policy", "policy", policy.INPUTS, policy.build, policy.TABLES),
]
