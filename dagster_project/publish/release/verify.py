"""Whether a release still is what its manifest says: every hash computed again."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagster_project.files import sha256_of
from dagster_project.publish.release.content import full_name, table_contents
from dagster_project.publish.release.folder import file_hashes, file_of, kinds_of
from dagster_project.publish.release.record import is_unbroken
from dagster_project.published import open_read_only


@dataclass(frozen=True)
class Verdict:
    """n_checked: hashes compared. problems: sentences on what differs; empty if nothing does."""

    n_checked: int
    problems: tuple[str, ...]


def verify_release(folder: Path, manifest: dict[str, Any], landing: Path | None = None) -> Verdict:
    """Files of the release folder, tables of its city.duckdb and, where `landing` is known, the files it was made of.

    A release of an older version lists the Parquet and CSV files alone: then those are checked.
    """
    digest_of = dict(manifest.get("files") or _exports(manifest))
    hashes = file_hashes(folder)
    problems = [f"{name} is missing." for name in digest_of if name not in hashes]
    problems += [
        f"{name} has another sha256 than in the manifest."
        for name, digest in digest_of.items()
        if hashes.get(name, digest) != digest
    ]
    problems += [] if is_unbroken(manifest) else ["The record of who examined and signed was changed."]
    if "files" in manifest:
        problems += [f"{name} is not in the manifest." for name in hashes if name not in digest_of]
    contents = {name: facts["content"] for name, facts in manifest["tables"].items() if facts.get("content")}
    if contents and "city.duckdb" in hashes:
        problems += _tables(folder / "city.duckdb", contents)
    inputs = _inputs(manifest) if landing is not None else {}
    for name, digest in inputs.items():
        path = (landing or Path()) / name
        if not path.is_file():
            problems.append(f"Landing file {path} is missing.")
        elif sha256_of(path) != digest:
            problems.append(f"Landing file {path} has another sha256 than in the manifest.")
    return Verdict(len(digest_of) + len(contents) + len(inputs), tuple(problems))


def verify_published(published: Path, folder: Path, name: str) -> tuple[str, ...]:
    """The file that analysts open is the city.duckdb of the newest release."""
    file = folder / "city.duckdb"
    if not published.is_file() or not file.is_file() or sha256_of(published) == sha256_of(file):
        return ()
    return (f"{published} is not the city.duckdb of {name}, the newest release.",)


def _tables(file: Path, contents: dict[str, str]) -> list[str]:
    with open_read_only(file) as con:
        actual = table_contents(con)
    problems = []
    for name, digest in contents.items():
        if name not in actual:
            problems.append(f"{full_name(name)} is not in {file.name}.")
        elif actual[name] != digest:
            problems.append(f"{full_name(name)} in {file.name} has other rows than the manifest says.")
    return problems


def _exports(manifest: dict[str, Any]) -> dict[str, str]:
    return {
        file_of(Path(), name, kind).as_posix(): facts[f"{kind}_sha256"]
        for name, facts in manifest["tables"].items()
        for kind in kinds_of(facts)
    }


def _inputs(manifest: dict[str, Any]) -> dict[str, str]:
    return {file["path"]: file["sha256"] for load in manifest["inputs"] for file in load["files"]}
