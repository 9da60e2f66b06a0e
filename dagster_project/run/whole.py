"""Has anything changed at all since the last refresh that went through? Answered by content, in a second.

The key covers everything that a refresh reads: landing files and sidecars, code, SQL, seeds, specs, templates, versions
of packages, and how much is drawn. Where it is the same, and what was published is still there, nothing needs to run.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from dagster_project.paths import Paths
from dagster_project.run.versions import package_json, python_version

CODE = ("dagster_project", "python_models", "expectations", "dbt")
LEFT_OUT = {"__pycache__", "target", "logs", ".mypy_cache", ".ruff_cache"}
SETTINGS = ("NQPF_DEPTH",)


def whole_key(paths: Paths) -> str:
    """64 hex digits."""
    digest = hashlib.sha256()
    for root, file in _files(paths):
        digest.update(f"{file.relative_to(root).as_posix()}\0".encode())
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    settings = [os.environ.get(name, "") for name in SETTINGS]
    digest.update(json.dumps([settings, package_json(), python_version()]).encode())
    return digest.hexdigest()


def _files(paths: Paths) -> Iterator[tuple[Path, Path]]:
    for root in dict.fromkeys((paths.landing, paths.sidecars)):
        yield from ((root, file) for file in sorted(root.rglob("*")) if file.is_file())
    for name in CODE:
        root = paths.project / name
        for file in sorted(root.rglob("*")):
            if file.is_file() and not LEFT_OUT & set(file.relative_to(root).parts):
                yield paths.project, file


def remember(paths: Paths, key: str, release: str) -> None:
    """The refresh that just went through, by one rename."""
    fresh = paths.whole_file.with_suffix(".tmp")
    content = {"key": key, "release": release, "published": _sha256(paths.published_file)}
    fresh.write_text(json.dumps(content) + "\n", encoding="utf-8")
    fresh.replace(paths.whole_file)


def is_current(paths: Paths, key: str, release: str | None) -> bool:
    """Nothing is left to do: the same key, the same release is current, and the published file is as it was."""
    try:
        known = json.loads(paths.whole_file.read_text(encoding="utf-8"))
        return bool(
            release
            and known["key"] == key
            and known["release"] == release
            and paths.build_file.exists()
            and known["published"] == _sha256(paths.published_file)
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
