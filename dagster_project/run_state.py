"""What a run knows about itself: sidecars, ids, hashes, versions. No arithmetic, no SQL about meaning."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
import subprocess
from pathlib import Path

import numpy as np

from dagster_project.ingest.errors import IngestError
from dagster_project.ingest.sidecar import Sidecar, check_set, find_sidecars
from dagster_project.paths import Paths

PACKAGES = ("duckdb", "dbt-core", "dbt-duckdb", "dagster", "great-expectations", "numpy", "pandas", "scipy")
# They read every landed vintage: what the gate judges. A change in one of them means that loads are judged again.
READING_MODELS = (
    "int_headers_mapped",
    "int_rows_matched_to_cities",
    "int_values_converted_to_units",
    "int_values_corrected",
)


def landed_sidecars(paths: Paths) -> list[Sidecar]:
    """All sidecars of the landing folder in loading order; an empty folder is an error."""
    found = check_set(find_sidecars(paths.sidecars))
    if not found:
        raise IngestError("There is no sidecar (*.yml)", str(paths.sidecars), "Write one for each file to load")
    return found


def yearly(sidecars: list[Sidecar]) -> list[Sidecar]:
    return [s for s in sidecars if s.data_year]


def multi_year(sidecars: list[Sidecar]) -> list[Sidecar]:
    return [s for s in sidecars if not s.data_year]


def hash_of_files(files: list[Path]) -> str:
    """One hash over names and contents, in name order."""
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(file.name.encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def seeds_hash(paths: Paths) -> str:
    return hash_of_files(list(paths.seeds.glob("*.csv")))


def specs_hash(paths: Paths) -> str:
    return hash_of_files(list(paths.index_specs.parent.glob("*.yml")))


def gate_hash(paths: Paths) -> str:
    """Changes when a seed, a reading model, the reader or an expectation changes: then a load is judged again."""
    files = [
        *paths.seeds.glob("*.csv"),
        *(paths.project / "expectations").rglob("*.py"),
        *(paths.project / "dagster_project" / "ingest").glob("*.py"),
        *(paths.dbt_project / "models" / "staging").glob("*.sql"),
        *(paths.dbt_project / "models" / "intermediate" / f"{model}.sql" for model in READING_MODELS),
        *(paths.dbt_project / "macros").glob("*.sql"),
    ]
    return hash_of_files(files)[:12]


def reader_hash(paths: Paths) -> str:
    """Changes when the geometry code changes: then raw cells are read again."""
    return hash_of_files(list((paths.project / "dagster_project" / "ingest").glob("*.py")))[:12]


def params_hash(paths: Paths) -> str:
    """Hash of everything that decides numbers besides the data: seeds, specs, SQL, models."""
    files = [
        *paths.seeds.glob("*.csv"),
        *paths.dbt_project.rglob("models/**/*.sql"),
        *(paths.dbt_project / "macros").glob("*.sql"),
        paths.dbt_project / "dbt_project.yml",
        *paths.index_specs.parent.glob("*.yml"),
        *(paths.project / "python_models").rglob("*.py"),
    ]
    return hash_of_files(files)[:12]


def project_version() -> str:
    return importlib.metadata.version("nqpf-warehouse")


def git_commit(paths: Paths) -> str:
    """Commit of the checkout, with '+changes' if tracked files differ; 'unknown' outside git."""
    try:
        head = _git(paths, "rev-parse", "HEAD")
        dirty = _git(paths, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head + ("+changes" if dirty else "")


def _git(paths: Paths, *arguments: str) -> str:
    command = ["git", "-C", str(paths.project), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def package_json() -> str:
    return json.dumps({name: importlib.metadata.version(name) for name in PACKAGES})


def python_version() -> str:
    return platform.python_version()


def blas_name() -> str:
    """Name and version of the BLAS that numpy was built with."""
    config = np.show_config(mode="dicts") or {}
    blas = config.get("Build Dependencies", {}).get("blas", {})
    return f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip()
