"""Versions of everything that decides a number or a verdict: hashes of code, seeds and specs, and package versions.

`tests/architecture/test_hashes.py` computes the import closures and changes each file: a file that decides and is
not covered here fails there.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from dagster_project.paths import Paths

PACKAGES = ("duckdb", "dbt-core", "dbt-duckdb", "dagster", "great-expectations", "numpy", "pandas", "scipy")


def hash_of_files(files: Iterable[Path], root: Path | None = None) -> str:
    """One hash over the paths (below `root`; else the names) and contents of files, in order of the paths."""
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update((file.relative_to(root).as_posix() if root else file.name).encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def seeds_hash(paths: Paths) -> str:
    return hash_of_files(paths.seeds.glob("*.csv"))


def specs_hash(paths: Paths) -> str:
    return hash_of_files(paths.specs.glob("*.yml"))


def reader_files(paths: Paths) -> list[Path]:
    """The geometry code: landing file -> cells. When it changes, raw cells are read again."""
    return list((paths.package / "ingest").rglob("*.py"))


def gate_files(paths: Paths) -> list[Path]:
    """What decides a verdict: the reader, what gives cells a meaning, the seeds, the rules and the gate itself."""
    models = paths.dbt_project / "models"
    return [
        *reader_files(paths),
        *paths.seeds.glob("*.csv"),
        *(paths.project / "expectations").rglob("*.py"),
        paths.package / "defs" / "gate.py",
        *(models / "staging").glob("*.sql"),
        *(models / "reading").glob("*.sql"),
        *(paths.dbt_project / "macros").glob("*.sql"),
        paths.dbt_project / "dbt_project.yml",
    ]


def method_files(paths: Paths) -> list[Path]:
    """What decides a published number besides the data: all of the gate, SQL, seeds, the study and the methods."""
    models = (paths.dbt_project / "models").rglob("*.sql")
    return [
        *gate_files(paths),
        *(file for file in models if file.parent.name not in ("staging", "reading")),
        *(file for file in (paths.package / "study").rglob("*") if file.suffix in (".py", ".yml")),
        *(paths.project / "python_models").rglob("*.py"),
    ]


def reader_hash(paths: Paths) -> str:
    return hash_of_files(reader_files(paths), paths.project)[:12]


def gate_hash(paths: Paths) -> str:
    """Part of a load's key: when it changes, the load is judged again."""
    return hash_of_files(gate_files(paths), paths.project)[:12]


def params_hash(paths: Paths) -> str:
    """Part of `method_version`: when it changes, numbers may change though the data do not."""
    return hash_of_files(method_files(paths), paths.project)[:12]


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
    config: Any = np.show_config(mode="dicts")
    blas = config.get("Build Dependencies", {}).get("blas", {})
    return f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip()
