"""What has changed since the last refresh that went through? Answered by content, in a second.

The key covers everything that a refresh reads: landing files and sidecars, code, SQL, seeds, specs, templates, versions
of packages, and how much is drawn. Where it is the same, and what was published is still there, nothing needs to run.
Where only pages and exports differ, the numbers of the build file are shown anew.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from dagster_project.paths import Paths
from dagster_project.run.versions import package_json, page_files, python_version

PACKAGES = ("dagster_project", "python_models", "expectations")
LEFT_OUT = {"__pycache__", "target", "logs", "resources", ".mypy_cache", ".ruff_cache"}
SETTINGS = ("NQPF_DEPTH",)


class Changed(StrEnum):
    """nothing: what was published is what a refresh would give. pages: only how its numbers are shown."""

    nothing = "nothing"
    pages = "pages"
    numbers = "numbers"


@dataclass(frozen=True)
class WholeKey:
    """64 hex digits each. numbers: over all that decides one; pages: over what only shows them."""

    numbers: str
    pages: str


def whole_key(paths: Paths) -> WholeKey:
    pages = page_files(paths)
    settings = [os.environ.get(name, "") for name in SETTINGS]
    numbers = _digest(_deciding(paths, set(pages)))
    numbers.update(json.dumps([settings, package_json(), python_version()]).encode())
    return WholeKey(numbers.hexdigest(), _digest((paths.name_of(file), file) for file in sorted(pages)).hexdigest())


def _digest(files: Iterable[tuple[str, Path]]) -> Any:
    """Of names and contents."""
    digest = hashlib.sha256()
    for name, file in files:
        digest.update(f"{name}\0".encode())
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest


def _deciding(paths: Paths, pages: Collection[Path]) -> Iterator[tuple[str, Path]]:
    for root in dict.fromkeys((paths.landing, paths.sidecars)):
        yield from ((file.relative_to(root).as_posix(), file) for file in sorted(root.rglob("*")) if file.is_file())
    for root in (paths.dbt_project, *(paths.code / name for name in PACKAGES)):
        for file in sorted(root.rglob("*")):
            if file.is_file() and file not in pages and not LEFT_OUT & set(file.relative_to(root).parts):
                yield paths.name_of(file), file


def remember(paths: Paths, key: WholeKey, release: str) -> None:
    """The refresh that just went through, by one rename."""
    fresh = paths.whole_file.with_suffix(".tmp")
    content = {
        "key": asdict(key),
        "release": release,
        "published": _sha256(paths.published_file),
        "build": _state_of(paths.build_file),
    }
    fresh.write_text(json.dumps(content) + "\n", encoding="utf-8")
    fresh.replace(paths.whole_file)


def what_changed(paths: Paths, key: WholeKey, release: str | None) -> Changed:
    """nothing or pages only if the same release is current, and the published file is as it was; pages only if nobody
    wrote into the build file either (a refresh that failed, a step that was run alone)."""
    try:
        known = json.loads(paths.whole_file.read_text(encoding="utf-8"))
        if not (
            release
            and known["key"]["numbers"] == key.numbers
            and known["release"] == release
            and paths.build_file.exists()
            and known["published"] == _sha256(paths.published_file)
        ):
            return Changed.numbers
        if known["key"]["pages"] == key.pages:
            return Changed.nothing
        return Changed.pages if known["build"] == _state_of(paths.build_file) else Changed.numbers
    except (OSError, ValueError, KeyError, TypeError):
        return Changed.numbers


def _state_of(file: Path) -> list[int]:
    """Bytes and time of the last write: the build file is too large to read it for this."""
    state = file.stat()
    return [state.st_size, state.st_mtime_ns]


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
