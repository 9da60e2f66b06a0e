"""What the tests of the study share: settings with small sizes, the shipped group schemes, contracts of the tables."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from dagster_project.study.settings import Depth, DepthName, PanelSpec, Settings, read_settings

ROOT = Path(__file__).resolve().parents[3]
SPECS = ROOT / "dagster_project" / "study" / "specs"
SEEDS = ROOT / "dbt" / "seeds"
MODELS = ROOT / "dbt" / "models"
CONTEXT = {"data_vintage", "method_version", "boundary_vintage"}  # the run adds them


def settings(regressions: Sequence[PanelSpec] | None = None, **sizes: Mapping[str, int]) -> Settings:
    """Seed 1 and the sizes of depth quick, those of some steps replaced: markov={"resamples": 29}."""
    made = read_settings(SPECS, DepthName.trial)
    drawn = {step: {**own, **sizes.get(step, {})} for step, own in made.depth.sizes.items()}
    specs = made.regressions if regressions is None else tuple(regressions)
    study = replace(made.study, seed=1)
    return replace(made, study=study, depth=Depth(DepthName.trial, drawn), regressions=specs)


def with_schemes(frames: Mapping[str, pd.DataFrame], *more: Mapping[str, object]) -> dict[str, pd.DataFrame]:
    """The frames with `schemes` as mart.dim_group_scheme has them of the seed (and `more` rows of it), groups dated."""
    groups = frames["groups"]
    for column in ("valid_from", "valid_to"):
        groups = groups if column in groups else groups.assign(**{column: None})
    seed = pd.concat([pd.read_csv(SEEDS / "group_scheme.csv"), pd.DataFrame(list(more))], ignore_index=True)
    cities = groups.groupby("scheme")["city_id"].nunique()
    seed["is_partition"] = seed["scheme"].map(cities).fillna(0) == groups["city_id"].nunique()
    flags = ["is_main", "is_split"]
    return {**frames, "groups": groups, "schemes": seed.astype(dict.fromkeys(flags, bool))}


def without_rows(frames: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    return {name: frame.iloc[:0] for name, frame in frames.items()}


@cache
def contracts() -> dict[str, set[str]]:
    """Table of schema py -> the columns that a mart publishes of it, or its entry among the sources lists."""
    found = {name: {column["name"] for column in mart["columns"]} - CONTEXT for name, mart in _one_line_marts().items()}
    for file in MODELS.rglob("_*.yml"):
        for source in yaml.safe_load(file.read_text(encoding="utf-8")).get("sources", []):
            for table in source["tables"] if source["name"] == "py" else []:
                if "columns" in table:
                    found[table["name"]] = {column["name"] for column in table["columns"]}
    return found


def key_of(table: str) -> list[str]:
    """Key of the mart of a table of schema py; none without a mart of one line."""
    key = _one_line_marts()[table]["config"]["meta"]["key"] if table in _one_line_marts() else []
    return [name for name in key if name not in CONTEXT]


@cache
def _one_line_marts() -> dict[str, dict[str, Any]]:
    """Table of schema py -> the entry of the mart that publishes it as it is."""
    found = {}
    for file in MODELS.rglob("_*.yml"):
        for model in yaml.safe_load(file.read_text(encoding="utf-8")).get("models", []):
            sql = next(iter(MODELS.rglob(f"{model['name']}.sql")))
            if one_line := re.search(r'publish_py\("(\w+)"\)', sql.read_text(encoding="utf-8")):
                found[one_line[1]] = model
    return found


def as_read(tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Tables as the build file gives them back: with every column of the contract."""
    return {name: table.reindex(columns=sorted(contracts()[name])) for name, table in tables.items()}


def lacking(tables: Mapping[str, pd.DataFrame]) -> dict[str, set[str]]:
    """Columns of the contract that a table with rows does not have."""
    gaps = {name: contracts()[name] - set(table) for name, table in tables.items() if len(table)}
    return {name: columns for name, columns in gaps.items() if columns}
