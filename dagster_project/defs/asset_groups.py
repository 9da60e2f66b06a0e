"""The groups of the asset graph, in the order in which a number flows: their names sort. The pool of its steps."""

from collections.abc import Mapping
from typing import Any

# what it is called in code (or the folder of the dbt model) -> what its assets are
FLOW = {
    "landing": "files as they came, with their sidecars",
    "reference": "seeds and specs: what headers, units, names, boundaries and indexes mean",
    "raw": "cells as text with their address",
    "reading": "what gives cells a meaning, for every landed load, refused ones included",
    "edit": "which figures cannot be right, before the gate: what editing proposes, and what is in doubt",
    "gate": "accepted or refused, and every rule's finding",
    "context": "what keys a build: vintage, specs, seed, versions",
    "values": "accepted values only: selected, spliced, harmonised, completed",
    "engines": "indicators that Python computes: misallocation, segmentation, texts",
    "panel": "indicators, imputed and balanced; which cities and indexes are complete",
    "dimensions": "cities, groups, indicators, methods",
    "indicators": "values by city and year with their source cells",
    "index": "weights, scores, contributions, and how far to trust them",
    "production": "production relations, and how they fit the productive forces",
    "disparity": "how far apart cities are",
    "dynamics": "who moves up and down, who converges",
    "space": "neighbours, clusters, networks",
    "regressions": "spatial panel models and their effects",
    "influence": "spillovers by block, reach, borders, thresholds",
    "robustness": "the same regression under other choices",
    "counties": "the second geography: figures, sums and results of county-level units",
    "policy": "paths of development and principles",
    "questions": "tables named for questions",
    "operations": "runs, loads, checks, revisions",
    "published": "the file that analysts open, and its release",
}
POOL = "warehouse"  # of the steps that read or write the build file
GROUPS = {name: f"{number:02d}_{name}" for number, name in enumerate(FLOW, start=1)}
# dbt folders of another name
FOLDERS = {"staging": "reading", "models": "regressions", "editing": "indicators", "easy": "questions"}


def group(name: str) -> str:
    """'raw' -> '03_raw'; an unknown name is an error."""
    return GROUPS[name]


def group_of_node(node: Mapping[str, Any]) -> str:
    """Group of a dbt seed or model: by its folder."""
    if node["resource_type"] == "seed":
        return group("reference")
    if node["name"] == "stg_landing__loads":  # reads verdicts, not cells
        return group("gate")
    folder = str(node["fqn"][-2])
    return group(FOLDERS.get(folder, folder))
