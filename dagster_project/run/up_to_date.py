"""What changed since the last refresh that went through, by content, before anything is imported or opened.

The digest covers all that a refresh reads: landing files and sidecars, code, SQL, seeds, specs, templates, versions of
packages, and how much is drawn. Where only the presentation differs, the numbers of the build file are shown anew.
Whether a single step is up to date is decided in `defs/state.py`.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from dagster_project.files import sha256_of
from dagster_project.paths import Paths
from dagster_project.run.versions import outlines_hash, package_json, page_files, python_version

PACKAGES = ("dagster_project", "python_models", "expectations")
LEFT_OUT = {"__pycache__", "target", "logs", "resources", ".mypy_cache", ".ruff_cache"}
SETTINGS = ("NQPF_DEPTH",)


class Changed(StrEnum):
    """nothing: the published file is what a refresh would give. presentation: only pages, exports and words differ."""

    nothing = "nothing"
    presentation = "presentation"
    numbers = "numbers"


@dataclass(frozen=True)
class InputDigest:
    """sha256 of what decides a number (`numbers`), and of what only shows it (`presentation`)."""

    numbers: str
    presentation: str


def input_digest(paths: Paths, landed: Mapping[str, str]) -> InputDigest:
    """landed: path below the landing folder -> sha256 of files that are hashed already."""
    pages = page_files(paths)
    settings = [os.environ.get(name, "") for name in SETTINGS]
    digest_of = {paths.landing / name: digest for name, digest in landed.items()}
    numbers = _digest(_deciding(paths, set(pages)), digest_of)
    numbers.update(json.dumps([settings, package_json(), python_version()]).encode())
    presentation = _digest(((paths.name_of(file), file) for file in sorted(pages)), {})
    presentation.update(outlines_hash().encode())
    return InputDigest(numbers.hexdigest(), presentation.hexdigest())


def _digest(files: Iterable[tuple[str, Path]], digest_of: Mapping[Path, str]) -> Any:
    """Of names and contents."""
    digest = hashlib.sha256()
    for name, file in files:
        digest.update(f"{name}\0{digest_of.get(file) or sha256_of(file)}".encode())
    return digest


def _deciding(paths: Paths, pages: Collection[Path]) -> Iterator[tuple[str, Path]]:
    for root in dict.fromkeys((paths.landing, paths.sidecars)):
        yield from ((file.relative_to(root).as_posix(), file) for file in sorted(root.rglob("*")) if file.is_file())
    for root in (paths.dbt_project, *(paths.code / name for name in PACKAGES)):
        for file in sorted(root.rglob("*")):
            if file.is_file() and file not in pages and not LEFT_OUT & set(file.relative_to(root).parts):
                yield paths.name_of(file), file


def remember(paths: Paths, inputs: InputDigest, release: str) -> None:
    """Record what the refresh that just went through had read."""
    scratch = paths.inputs_file.with_suffix(".tmp")
    content = {
        "inputs": asdict(inputs),
        "release": release,
        "sidecars": str(paths.sidecars),
        "published": sha256_of(paths.published_file),
        "build": _size_and_time(paths.build_file),
    }
    scratch.write_text(json.dumps(content) + "\n", encoding="utf-8")
    scratch.replace(paths.inputs_file)


def what_changed(paths: Paths, inputs: InputDigest, release: str | None) -> Changed:
    """`numbers` unless the inputs, the current release and the published file are those of the last refresh.

    `presentation` also needs the build file as that refresh left it: not that of one that failed, or of a single step.
    """
    try:
        last = json.loads(paths.inputs_file.read_text(encoding="utf-8"))
        if not (
            release
            and last["inputs"]["numbers"] == inputs.numbers
            and last["release"] == release
            and paths.build_file.exists()
            and last["published"] == sha256_of(paths.published_file)
        ):
            return Changed.numbers
        if last["inputs"]["presentation"] == inputs.presentation:
            return Changed.nothing
        return Changed.presentation if last["build"] == _size_and_time(paths.build_file) else Changed.numbers
    except (OSError, ValueError, KeyError, TypeError):
        return Changed.numbers


def _size_and_time(file: Path) -> list[int]:
    """Bytes and time of the last write: the build file is too large to hash it for this."""
    state = file.stat()
    return [state.st_size, state.st_mtime_ns]
