"""The analyses of the study in one list: what each reads, the function it calls, the tables it writes.

Adding one is one entry here. An analysis is pure: frames and settings in, frames out; it knows no path and no variable
of the environment, and can run in a process of its own.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import pandas as pd

from dagster_project.study import (
    convergence,
    county,
    coupling,
    disparity,
    index,
    influence,
    markov,
    measurement,
    panel,
    policy,
    production,
    propagation,
    robustness,
    space,
    truth,
)
from dagster_project.study.frames import Frames, Tables
from dagster_project.study.settings import Settings

TABLE = re.compile(r"\b(?:int|mart|ops|py|seed|stg)\.[a-z_0-9]+")


@dataclass(frozen=True)
class Analysis:
    """name: of the step; reads: label -> table or query; build: frames and settings -> tables, or tables in parts where
    all of them would not fit in memory; writes: tables, described where SQL publishes them; before: label -> query of
    the published file of the data vintage before this one, no rows where there is none; in_parts: see build;
    of_headline: made also where the headline alone is."""

    name: str
    group: str
    reads: Mapping[str, str]
    build: Callable[[Frames, Settings], Tables | Iterator[Tables]]
    writes: tuple[str, ...]
    before: Mapping[str, str] = field(default_factory=dict)
    in_parts: bool = False
    of_headline: bool = False

    def is_left_out(self, settings: Settings) -> bool:
        """The depth makes its tables without rows."""
        return settings.depth.is_headline_only and not self.of_headline

    def result(self, frames: Frames, settings: Settings) -> Tables | Iterator[Tables]:
        if self.is_left_out(settings):
            return {table: pd.DataFrame() for table in self.writes}
        return self.build(frames, settings)

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
    Analysis("production", "engines", production.INPUTS, production.build, production.TABLES, of_headline=True),
    Analysis("index", "index", index.INPUTS, index.build, index.TABLES, in_parts=True, of_headline=True),
    Analysis(
        "measurement", "index", measurement.INPUTS, measurement.build, measurement.TABLES, before=measurement.PREVIOUS
    ),
    Analysis("coupling", "production", coupling.INPUTS, coupling.build, coupling.TABLES),
    Analysis("disparity", "disparity", disparity.INPUTS, disparity.build, disparity.TABLES),
    Analysis("convergence", "dynamics", convergence.INPUTS, convergence.build, convergence.TABLES),
    Analysis("markov", "dynamics", markov.INPUTS, markov.build, markov.TABLES),
    Analysis("space", "space", space.INPUTS, space.build, space.TABLES),
    Analysis("panel", "regressions", panel.INPUTS, panel.build, panel.TABLES, of_headline=True),
    Analysis("influence", "influence", influence.INPUTS, influence.build, influence.TABLES, of_headline=True),
    Analysis("robustness", "robustness", robustness.INPUTS, robustness.build, robustness.TABLES),
    Analysis("propagation", "robustness", propagation.INPUTS, propagation.build, propagation.TABLES),
    Analysis("county", "counties", county.INPUTS, county.build, county.TABLES),
    Analysis("policy", "policy", policy.INPUTS, policy.build, policy.TABLES),
    Analysis("truth", "operations", truth.INPUTS, truth.build, truth.TABLES),
]
BY_NAME = {entry.name: entry for entry in REGISTRY}


def results_left_out(settings: Settings) -> set[str]:
    """Tables that the depth makes without rows."""
    return {table for entry in REGISTRY if entry.is_left_out(settings) for table in entry.writes}
