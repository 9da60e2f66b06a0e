"""Sidecars: the YAML file beside every landing file that says what it is.

Reads sidecars, checks those of a folder against each other, and compares files with their hashes. Opens no workbook.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dagster_project.errors import IngestError
from dagster_project.files import sha256_of
from dagster_project.ingest.sidecar_fields import FieldReader, LandingFile, Sidecar
from dagster_project.paths import Paths

__all__ = [
    "Landed",
    "LandingFile",
    "Sidecar",
    "check_files",
    "check_set",
    "find_sidecars",
    "landed_sidecars",
    "read_landed",
    "read_sidecar",
]


MAX_BYTES = 1_000_000  # of a sidecar: it lists files and says who made them


class _StrictLoader(yaml.CSafeLoader):
    """Safe YAML that refuses the same key twice (plain YAML keeps the last one silently)."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [key.value for key, _ in node.value]
        twice = sorted({str(name) for name in names if names.count(name) > 1})
        if twice:
            raise yaml.YAMLError(f"key given twice: {', '.join(twice)}")
        return super().construct_mapping(node, deep=deep)


def read_sidecar(path: Path | str) -> Sidecar:
    """Parse and check one sidecar; IngestError names the key that is wrong."""
    path = Path(path)
    _check_regular(path)
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), Loader=_StrictLoader)
    except FileNotFoundError:
        raise IngestError("The sidecar does not exist", str(path), "Check the path") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        detail = " ".join(str(error).split())
        raise IngestError(f"The sidecar is not readable YAML ({detail})", str(path), "Correct the file") from None
    if not isinstance(raw, dict):
        raise IngestError("The sidecar is not a list of 'key: value' lines", str(path), "Correct the file")
    return FieldReader(raw, path).sidecar()


def _check_regular(path: Path) -> None:
    """A folder, a pipe that nobody writes or a link to itself may bear the name; a sidecar is a short regular file."""
    if (path.exists() or path.is_symlink()) and not path.is_file():
        raise IngestError("The sidecar is no regular file", str(path), "Remove it or give it another name")
    if path.exists() and path.stat().st_size > MAX_BYTES:
        raise IngestError(f"The sidecar has more than {MAX_BYTES:,} bytes", str(path), "Shorten its texts")


def find_sidecars(folder: Path | str) -> list[Sidecar]:
    """All sidecars (*.yml) below a folder, sorted by path."""
    folder = Path(folder)
    if not folder.is_dir():
        raise IngestError("The landing folder does not exist", str(folder), "Create it or name another one")
    return [read_sidecar(path) for path in sorted(folder.rglob("*.yml"))]


@dataclass(frozen=True)
class Landed:
    """The landing folder as one run sees it, read once at its start (`read_landed`).

    sidecars: in loading order. digests: path below `root` -> sha256 of every file that a sidecar names and that exists.
    """

    root: Path
    sidecars: tuple[Sidecar, ...]
    digests: Mapping[str, str]

    @property
    def is_synthetic(self) -> bool:
        return self.sidecars[0].is_synthetic

    def yearly(self, years: Collection[int] | None = None) -> list[Sidecar]:
        """Loads of one statistical year each; of all years, or of those given."""
        return [s for s in self.sidecars if s.data_year and (years is None or s.data_year in years)]

    def multi_year(self) -> list[Sidecar]:
        """Loads whose file has a column of years."""
        return [s for s in self.sidecars if not s.data_year]

    def check(self, sidecars: Iterable[Sidecar]) -> None:
        """IngestError if a file of these loads is missing or is not what its sidecar says."""
        for sidecar in sidecars:
            _check_digests(sidecar, self.root, self.digests)


def read_landed(paths: Paths) -> Landed:
    """Parse every sidecar and hash every file it names."""
    sidecars = landed_sidecars(paths)
    return Landed(paths.landing, tuple(sidecars), _digests(sidecars, paths.landing))


def landed_sidecars(paths: Paths) -> list[Sidecar]:
    """The sidecars of what is landed, in loading order, without optional ones whose files are not there.

    An empty folder is an error.
    """
    described = [item for item in find_sidecars(paths.sidecars) if item.layout != "reference"]
    sidecars = check_set(
        item
        for item in described
        if not item.is_optional or any((paths.landing / file.path).exists() for file in item.files)
    )
    if not sidecars:
        raise IngestError("There is no sidecar (*.yml)", str(paths.sidecars), "Write one for each file to load")
    return sidecars


def check_files(sidecar: Sidecar, landing_root: Path | str) -> str:
    """Hash the files of one sidecar and compare them with what it says; returns the vintage."""
    root = Path(landing_root)
    _check_digests(sidecar, root, _digests([sidecar], root))
    return sidecar.vintage


def _digests(sidecars: Iterable[Sidecar], root: Path) -> dict[str, str]:
    names = dict.fromkeys(file.path for sidecar in sidecars for file in sidecar.files)
    return {name: sha256_of(root / name) for name in names if (root / name).is_file()}


def _check_digests(sidecar: Sidecar, root: Path, digests: Mapping[str, str]) -> None:
    for file in sidecar.files:
        digest = digests.get(file.path)
        if digest is None:
            where = str(root / file.path)
            raise IngestError(f"The file of {sidecar.label} is missing", where, "Put it there or correct the path")
        if digest != file.sha256:
            raise IngestError(
                f"The file of {sidecar.label} does not match its sidecar: "
                f"expected sha256 {file.sha256}, found {digest}",
                f"{file.path} in {sidecar.path}",
                "Restore the file; for a new version write a new sidecar with 'supersedes'",
            )


def check_set(sidecars: Iterable[Sidecar]) -> list[Sidecar]:
    """The sidecars in loading order: by source and year, a replaced vintage before the one that replaces it.

    IngestError when one source and year has two loads that do not form one chain of `supersedes`, or when
    synthetic and real loads are mixed.
    """
    every = list(sidecars)
    synthetic = [item for item in every if item.is_synthetic]
    if synthetic and len(synthetic) < len(every):
        real = next(item for item in every if not item.is_synthetic)
        raise IngestError(
            "Synthetic and real loads are mixed", f"{synthetic[0].path} and {real.path}", "Keep them in two warehouses"
        )
    groups: dict[tuple[str, int], list[Sidecar]] = {}
    for item in every:
        groups.setdefault((item.source, item.data_year), []).append(item)
    return [item for key in sorted(groups) for item in _chain(groups[key])]


def _chain(group: list[Sidecar]) -> list[Sidecar]:
    """One source and year, oldest vintage first."""
    by_vintage = {item.vintage: item for item in group}
    follower = {item.supersedes: item for item in group if item.supersedes in by_vintage}
    roots = [item for item in group if item.supersedes not in by_vintage]
    chain = roots[:1]
    while chain and chain[-1].vintage in follower and len(chain) <= len(group):
        chain.append(follower[chain[-1].vintage])
    if len(chain) == len(group) == len(by_vintage):
        return chain
    raise IngestError(
        f"{len(group)} loads of {group[0].label} do not form one chain",
        " and ".join(str(item.path) for item in group),
        "Give the newer one 'supersedes: <vintage of the older one>', or remove one",
    )
