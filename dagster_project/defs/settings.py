"""The study's settings for this process: the spec files of the project, and how much is drawn, from NQPF_DEPTH."""

import os

from dagster_project.paths import Paths
from dagster_project.study.settings import DepthName, Settings, SpecError, read_settings

VARIABLE = "NQPF_DEPTH"


def current_settings(paths: Paths) -> Settings:
    """What analyses are handed, here and in the processes that this one starts. Raises SpecError in words."""
    wanted = os.environ.get(VARIABLE, DepthName.default)
    if wanted not in set(DepthName):
        raise SpecError(f"{VARIABLE} is '{wanted}': choose {', '.join(DepthName)}.")
    return read_settings(paths.specs, DepthName(wanted))


def export_depth(name: str) -> None:
    """Hand the depth to every process that this one starts."""
    os.environ[VARIABLE] = DepthName(name)
