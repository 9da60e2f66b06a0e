"""Versions of everything that decides a number or a verdict: hashes of code, seeds and specs, and package versions.

`tests/architecture/test_hashes.py` computes the import closures and changes each file: a file that decides and is
not covered here fails there.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from dagster_project.files import hash_of_files, sha256_of
from dagster_project.paths import Paths

PACKAGES = ("duckdb", "dbt-core", "dbt-duckdb", "dagster", "great-expectations", "numpy", "pandas", "scipy")


OURS = ("dagster_project", "python_models", "expectations")


@cache
def import_closure(project: Path, *modules: str) -> tuple[Path, ...]:
    """Every file of ours that the modules can reach by imports, in order of their paths."""
    new = {file for name in modules if (file := _module_file(project, name))}
    files: set[Path] = set()
    while new:
        files |= new
        new = {target for file in new for target in _imports_of(project, file)} - files
    return tuple(sorted(files))


@cache
def _imports_of(project: Path, file: Path) -> frozenset[Path]:
    names: list[str] = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    ours = [name for name in names if name.split(".")[0] in OURS]
    return frozenset(target for name in ours if (target := _module_file(project, name)))


def _module_file(project: Path, name: str) -> Path | None:
    path = project.joinpath(*name.split("."))
    return next((file for file in (path / "__init__.py", path.with_suffix(".py")) if file.is_file()), None)


def seeds_hash(paths: Paths) -> str:
    return hash_of_files(paths.seeds.glob("*.csv"))


def deciding_seeds(paths: Paths) -> list[Path]:
    """All seeds but the names that people read: they decide no number and no verdict."""
    return [file for file in paths.seeds.glob("*.csv") if file.name != "label.csv"]


def specs_hash(paths: Paths) -> str:
    return hash_of_files(paths.specs.glob("*.yml"))


def reader_files(paths: Paths) -> list[Path]:
    """The geometry code: landing file -> cells. When it changes, raw cells are read again."""
    return [paths.package / "errors.py", *(paths.package / "ingest").rglob("*.py")]


def gate_files(paths: Paths) -> list[Path]:
    """What decides a verdict: the reader, what gives cells a meaning, the seeds, the rules and the gate itself."""
    models = paths.dbt_project / "models"
    return [
        *reader_files(paths),
        *deciding_seeds(paths),
        *(paths.code / "expectations").rglob("*.py"),
        *(paths.package / "defs" / f"gate.{ending}" for ending in ("py", "sql")),
        *(models / "staging").glob("*.sql"),
        *(models / "reading").glob("*.sql"),
        *(models / "edit").glob("*.sql"),
        *(models / "gate").glob("*.sql"),
        *(paths.dbt_project / "macros").glob("*.sql"),
        paths.dbt_project / "dbt_project.yml",
    ]


def rules_hash(paths: Paths) -> str:
    """What makes a verdict of the rows that the gate looks at."""
    defs = [paths.package / "defs" / f"gate.{ending}" for ending in ("py", "sql")]
    files = [*(paths.code / "expectations").rglob("*.py"), *defs]
    return hash_of_files(files, paths)[:12] + package_json()


def method_files(paths: Paths) -> list[Path]:
    """What decides a published number besides the data: all of the gate, SQL, seeds, the study and the methods."""
    models = (paths.dbt_project / "models").rglob("*.sql")
    return [
        *gate_files(paths),
        *(file for file in models if file.parent.name not in ("staging", "reading", "edit", "gate")),
        *(file for file in (paths.package / "study").rglob("*") if file.suffix in (".py", ".sql", ".yml")),
        *(paths.code / "python_models").rglob("*.py"),
    ]


def reader_hash(paths: Paths) -> str:
    return hash_of_files(reader_files(paths), paths)[:12]


def gate_hash(paths: Paths) -> str:
    """Part of a load's key: when it changes, the load is judged again."""
    return hash_of_files(gate_files(paths), paths)[:12]


def params_hash(paths: Paths) -> str:
    """Part of `method_version`: when it changes, numbers may change though the data do not."""
    return hash_of_files(method_files(paths), paths)[:12]


def presentation_hash(paths: Paths) -> str:
    """What decides how numbers are shown: pages, exports, words. A change of it makes a release of the same numbers."""
    files = hash_of_files([*page_files(paths), *(paths.dbt_project / "models").rglob("*.yml")], paths)
    return hashlib.sha256(f"{files}{outlines_hash()}".encode()).hexdigest()[:12]


def outlines_hash() -> str:
    """Of the map that NQPF_OUTLINES names; "" where none is named, its name where there is no such file."""
    file_name = os.environ.get("NQPF_OUTLINES", "")
    return sha256_of(Path(file_name)) if Path(file_name).is_file() else file_name


def page_files(paths: Paths) -> list[Path]:
    """What shows numbers and decides none, but for the words of dbt, which go through the marts."""
    parts = [paths.package / "publish", paths.project / "docs" / "formulas.md"]
    parts += [paths.project / name for name in ("LICENSE", "LICENSE-DATA.md", "CITATION.cff")]
    files = [file for part in parts for file in (part, *part.rglob("*"))]
    return [file for file in files if file.is_file() and file.suffix != ".pyc"]


def dbt_files(paths: Paths) -> list[Path]:
    """All that dbt reads of its project."""
    files = [file for file in paths.dbt_project.rglob("*") if file.suffix in (".sql", ".yml", ".csv", ".md")]
    return [file for file in files if file.is_file() and "target" not in file.relative_to(paths.dbt_project).parts]


def dbt_hash(paths: Paths) -> str:
    """What the page of tables and lineage shows."""
    return hash_of_files(dbt_files(paths), paths)[:12]


def project_version() -> str:
    return importlib.metadata.version("nqpf-warehouse")


def git_commit(paths: Paths) -> str:
    """Commit of the checkout, with '+changes' if tracked files differ; 'unknown' outside git.

    Where the project is installed it is unknown too: the repository around an environment is another one.
    """
    if not (paths.project / "dagster_project").is_dir():
        return "unknown"
    try:
        head = _git(paths, "rev-parse", "HEAD")
        dirty = _git(paths, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head + ("+changes" if dirty else "")


def _git(paths: Paths, *arguments: str) -> str:
    command = ["git", "-C", str(paths.project), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@cache
def package_json() -> str:
    return json.dumps({name: importlib.metadata.version(name) for name in PACKAGES})


def python_version() -> str:
    return platform.python_version()


def blas_name() -> str:
    """Name and version of the BLAS that numpy was built with."""
    config: Any = np.show_config(mode="dicts")
    blas = config.get("Build Dependencies", {}).get("blas", {})
    return f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip()
