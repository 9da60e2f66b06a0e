"""What an analysis is told besides its frames: the seed, how much is drawn, the specs. Made once, by who runs it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import yaml

from dagster_project.study.index_spec import IndexSpec, SpecError, StudyFacts, read_index_specs, read_study_facts
from dagster_project.study.panel_spec import PanelSpec, read_panel_specs


class DepthName(StrEnum):
    """quick: a trial; default: releases; paper: numbers that are printed once."""

    quick = "quick"
    default = "default"
    paper = "paper"


@dataclass(frozen=True)
class Depth:
    """Sizes of every bootstrap, permutation and simulation: name and, by step, size by its name."""

    name: DepthName
    sizes: dict[str, dict[str, int]]

    def to_json(self) -> str:
        return json.dumps(self.sizes)


@dataclass(frozen=True)
class Settings:
    """Frozen, and of plain values only: it can be handed to another process."""

    study: StudyFacts
    depth: Depth
    indexes: tuple[IndexSpec, ...]
    regressions: tuple[PanelSpec, ...]

    @property
    def seed(self) -> int:
        """Of everything that is drawn."""
        return self.study.seed

    @property
    def base_year(self) -> int:
        """First year of the base windows: the price base. SQL reads the same from ops.index_spec."""
        return min(spec.window_start for spec in self.indexes)

    @property
    def base_window(self) -> range:
        """Years from the first to the last of the base windows."""
        return range(self.base_year, max(spec.window_end for spec in self.indexes) + 1)

    def sizes(self, step: str) -> dict[str, int]:
        """How much a step draws."""
        return self.depth.sizes[step]


def read_settings(specs: Path, depth: DepthName) -> Settings:
    """The spec files of a folder at one depth. Raises SpecError in words."""
    drawn, indexes = read_depths(specs / "depth.yml")[depth], read_index_specs(specs / "index.yml")
    regressions = read_panel_specs(
        specs / "panel.yml",
        first_year=min(spec.window_start for spec in indexes),
        block_bootstrap=drawn.sizes["panel"]["block_bootstrap"],
    )
    return Settings(read_study_facts(specs / "index.yml"), drawn, tuple(indexes), tuple(regressions))


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
