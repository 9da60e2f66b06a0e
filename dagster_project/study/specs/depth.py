"""How much is drawn: sizes of every bootstrap, permutation and simulation, from specs/depth.yml."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import yaml

from dagster_project.paths import paths_from_environment
from dagster_project.study.specs.schema import SpecError

VARIABLE = "NQPF_DEPTH"


class DepthName(StrEnum):
    """quick: a trial; default: releases; paper: numbers that are printed once."""

    quick = "quick"
    default = "default"
    paper = "paper"


@dataclass(frozen=True)
class Depth:
    """name and, by step, size by its name."""

    name: DepthName
    sizes: dict[str, dict[str, int]]

    def of(self, step: str) -> dict[str, int]:
        """Sizes of one step."""
        return self.sizes[step]

    def to_json(self) -> str:
        return json.dumps(self.sizes)


def read_depths(file: Path) -> dict[DepthName, Depth]:
    """All depths of the file. SpecError: a depth that is missing or unknown, a size that is no whole number above 0,
    or sizes that fall from quick to default to paper."""
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    for step, sizes in content.items():
        for size, by_depth in sizes.items():
            what = f"{file.name}: {step}, {size}"
            if set(by_depth) != set(DepthName):
                raise SpecError(f"{what} needs a number for each of {', '.join(DepthName)}, has {', '.join(by_depth)}.")
            numbers = [by_depth[name] for name in DepthName]
            if any(type(number) is not int or number < 1 for number in numbers) or numbers != sorted(numbers):
                raise SpecError(f"{what} needs whole numbers that do not fall from quick to paper, got {numbers}.")
    return {
        name: Depth(name, {step: {size: row[name] for size, row in sizes.items()} for step, sizes in content.items()})
        for name in DepthName
    }


def current_depth() -> Depth:
    """The depth that this process and its children run at: NQPF_DEPTH, else default."""
    wanted = os.environ.get(VARIABLE, DepthName.default)
    if wanted not in set(DepthName):
        raise SpecError(f"{VARIABLE} is '{wanted}': choose {', '.join(DepthName)}.")
    return read_depths(paths_from_environment().depth_specs)[DepthName(wanted)]


def export_depth(name: str) -> None:
    """Hand the depth to every process that this one starts."""
    os.environ[VARIABLE] = DepthName(name)
