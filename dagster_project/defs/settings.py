"""The study's settings for this process: the spec files of the project, and how much is drawn, from NQPF_DEPTH."""

import os
from functools import lru_cache
from pathlib import Path

from dagster_project.paths import Paths
from dagster_project.study.settings import DepthName, Settings, SpecError, read_settings

VARIABLE = "NQPF_DEPTH"


def current_settings(paths: Paths) -> Settings:
    """What analyses are handed, here and in the processes that this one starts. Raises SpecError in words."""
    depth = os.environ.get(VARIABLE, DepthName.default)
    if depth not in set(DepthName):
        raise SpecError(f"{VARIABLE} is '{depth}': choose {', '.join(DepthName)}.")
    files = sorted(paths.specs.glob("*.yml"))
    return _read_once(paths.specs, DepthName(depth), tuple((file.name, file.read_bytes()) for file in files))


@lru_cache(maxsize=2)
def _read_once(specs: Path, depth: DepthName, content: tuple[tuple[str, bytes], ...]) -> Settings:
    """Each step asks for the settings; the files are parsed again only when one of them has changed."""
    return read_settings(specs, depth)


def export_depth(name: str) -> None:
    """Hand the depth to every process that this one starts."""
    os.environ[VARIABLE] = DepthName(name)
