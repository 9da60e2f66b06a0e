"""Registry of Python methods: what each reads, the function it calls, the tables it writes.

Adding a method is one entry. No formula here: frames are fetched, python_models is called, frames are written.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import dagster as dg
import pandas as pd
from threadpoolctl import threadpool_limits

from dagster_project.analysis import (
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
from dagster_project.asset_groups import group
from dagster_project.assets.index import build_index_tables
from dagster_project.dbt_project import POOL
from dagster_project.warehouse import Warehouse

Frames = dict[str, pd.DataFrame]
TABLE = re.compile(r"\b(?:int|mart|ops|py|seed|stg)\.[a-z_0-9]+")


@dataclass(frozen=True)
class ModelAsset:
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
    ModelAsset("production", "engines", production.INPUTS, production.build, production.TABLES),
    ModelAsset(
        name="index",
        group="index",
        reads={
            "panel": "int.int_panel_balanced", "spec": "ops.index_spec", "indicator": "seed.indicator",
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
    ModelAsset("measurement", "index", measurement.INPUTS, measurement.build, measurement.TABLES),
    ModelAsset("coupling", "production", coupling.INPUTS, coupling.build, coupling.TABLES),
    ModelAsset("disparity", "disparity", disparity.INPUTS, disparity.build, disparity.TABLES),
    ModelAsset("convergence", "dynamics", convergence.INPUTS, convergence.build, convergence.TABLES),
    ModelAsset("markov", "dynamics", markov.INPUTS, markov.build, markov.TABLES),
    ModelAsset("space", "space", space.INPUTS, space.build, space.TABLES),
    ModelAsset("panel", "regressions", panel.INPUTS, panel.build, panel.TABLES),
    ModelAsset("influence", "influence", influence.INPUTS, influence.build, influence.TABLES),
    ModelAsset("robustness", "robustness", robustness.INPUTS, robustness.build, robustness.TABLES),
    ModelAsset("policy", "policy", policy.INPUTS, policy.build, policy.TABLES),
]  # fmt: skip


def build_model_assets(warehouse: Warehouse) -> list[dg.AssetsDefinition]:
    return [_build(entry, warehouse) for entry in REGISTRY]


def _build(entry: ModelAsset, warehouse: Warehouse) -> dg.AssetsDefinition:
    specs = [
        dg.AssetSpec(
            ["py", table], deps=[*entry.parents, ["ops", "run_context"]], group_name=group(entry.group),
            description=text, owners=["team:methods"], kinds={"python"},
        )
        for table, text in entry.writes.items()
    ]  # fmt: skip

    @dg.multi_asset(name=f"py_{entry.name}", specs=specs, pool=POOL)
    def run() -> Iterator[dg.MaterializeResult]:
        started = time.monotonic()
        seed = int(warehouse.read_frame("select seed from ops.run_context").iloc[0, 0])
        frames = warehouse.read_frames(entry.queries())
        previews: dict[str, str] = {}
        # one BLAS thread: thousands of small products run faster, and the same on every machine
        with threadpool_limits(limits=1):
            built = entry.build(frames, seed)
            parts = built if isinstance(built, Iterator) else iter([built])
            rows = warehouse.replace_in_parts(_named(part, entry, previews) for part in parts)
        seconds = round(time.monotonic() - started, 2)
        for table in entry.writes:
            metadata = {
                "dagster/row_count": rows[f"py.{table}"], "seconds": seconds,
                "preview": dg.MetadataValue.md(previews[table]),
            }  # fmt: skip
            yield dg.MaterializeResult(asset_key=["py", table], metadata=metadata)

    return run


def _named(part: Frames, entry: ModelAsset, previews: dict[str, str]) -> Frames:
    """The frames of a part by the full name of their table. The first rows of each table are kept in `previews`."""
    for table in entry.writes:
        first = part[table].head(5)
        previews.setdefault(table, "no rows" if first.empty else first.to_markdown(index=False))
    return {f"py.{table}": part[table] for table in entry.writes}
