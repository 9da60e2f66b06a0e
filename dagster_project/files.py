"""Hashes of files: what was read, and whether it is still the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from dagster_project.paths import Paths


def sha256_of(file: Path) -> str:
    """sha256 (64 hex) of a file, read in blocks."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def hash_of_files(files: Iterable[Path], paths: Paths | None = None) -> str:
    """One hash over the names and contents of files, in order of the names: those in the project of `paths`, else bare.

    A checkout and an installed wheel of it have the same names, and so the same hashes.
    """
    digest = hashlib.sha256()
    for name, file in sorted((paths.name_of(file) if paths else file.name, file) for file in files):
        digest.update(name.encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()
