"""Landing files in, cells as text with their address out: no meaning (city, unit, variable), no warehouse."""

from dagster_project.errors import IngestError
from dagster_project.ingest.load import Load, read_load
from dagster_project.ingest.sidecar import Sidecar, check_files, check_set, find_sidecars, read_sidecar

__all__ = ["IngestError", "Load", "Sidecar", "check_files", "check_set", "find_sidecars", "read_load", "read_sidecar"]
