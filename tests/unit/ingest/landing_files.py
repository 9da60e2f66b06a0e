"""Sidecars of small landing files."""

import hashlib
from pathlib import Path

import yaml

BASE = {"source": "yearbook", "layout": "wide", "data_year": 2019, "edition_year": 2020, "is_synthetic": True}
BASE |= {"producer": "test office", "title": "a test table", "licence": "none stated"}
BASE |= {"accessed": "2026-11-01", "maturity": "first_print"}


def write_sidecar_of(folder: Path, *names: str, name: str = "load.yml", **changes: object) -> Path:
    """A sidecar of these files of the folder, with a hash of zeros for a file that is not there; None removes a key."""
    files = [{"path": one, "sha256": _sha(folder / one)} for one in names]
    content = {key: value for key, value in {**BASE, "files": files, **changes}.items() if value is not None}
    path = folder / name
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return path


def _sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else "0" * 64
