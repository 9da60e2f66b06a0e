"""Entry point for Dagster's own processes (webserver, daemon): definitions for the paths in the environment."""

from dagster_project.definitions import build_defs
from dagster_project.paths import paths_from_environment

defs = build_defs(paths_from_environment())
