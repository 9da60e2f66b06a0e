"""Runs of the command, told to Dagster's pages as runs of their job.

A run in this process knows of no code location, so Overview and the history of its job would not list it, and it could
not be repeated from its page. What is written here is what Dagster's own daemon writes for a run that it starts.
"""

from __future__ import annotations

import sys

import dagster as dg
from dagster._core.remote_origin import (  # Dagster exports no name for them
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.storage.tags import REPOSITORY_LABEL_TAG
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from dagster_project.paths import PROJECT

MODULE = "dagster_project.definitions"  # what `nqpf ui` serves, and how its pages name it
REPOSITORY = "__repository__"  # Dagster's name for the one repository of a module of definitions


def origin_of(job: str) -> RemoteJobOrigin:
    """The job as `nqpf ui` loads it."""
    target = LoadableTargetOrigin(executable_path=sys.executable, working_directory=str(PROJECT), module_name=MODULE)
    location = ManagedGrpcPythonEnvCodeLocationOrigin(target, MODULE)
    return RemoteJobOrigin(repository_origin=RemoteRepositoryOrigin(location, REPOSITORY), job_name=job)


def origin_tag(origin: RemoteJobOrigin) -> dict[str, str]:
    """By this the history of a job finds its runs; it has to be there when a run is made."""
    return {REPOSITORY_LABEL_TAG: origin.repository_origin.get_label()}


def name_origin(instance: dg.DagsterInstance, run_id: str, origin: RemoteJobOrigin) -> None:
    """By this Overview does. Call it once the run has started."""
    run = instance.get_run_by_id(run_id)
    if run is not None:
        instance.run_storage.replace_job_origin(run, origin)
