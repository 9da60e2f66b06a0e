"""A release made again from its manifest, in a folder of its own: what is needed, what differs."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from dagster_project.errors import Refusal
from dagster_project.files import sha256_of
from dagster_project.ingest.sidecar import Sidecar, find_sidecars
from dagster_project.paths import Paths
from dagster_project.publish.release.content import full_name, table_contents
from dagster_project.publish.release.folder import MANIFEST
from dagster_project.published import open_read_only
from dagster_project.run.versions import PACKAGES, package_json, params_hash, python_version, seeds_hash, specs_hash
from dagster_project.store import Warehouse

Manifest = dict[str, Any]
Key = tuple[str, int, str]
WORDS = {"seeds": "seeds", "specs": "specs", "params": "seeds, SQL, specs or models"}


class RebuildError(Refusal):
    """Why a release cannot be made again here: one sentence a line."""


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a release folder. Raises RebuildError if there is none."""
    file = folder / MANIFEST
    if not file.is_file():
        raise RebuildError(f"Release {folder.name} has no {MANIFEST} in {folder}.")
    manifest: Manifest = json.loads(file.read_text(encoding="utf-8"))
    return manifest


def code_differences(manifest: Manifest, paths: Paths) -> list[str]:
    """Sentences: which part of the code that decides numbers is not that of the release. Empty: the same."""
    here = {"seeds": seeds_hash(paths), "specs": specs_hash(paths), "params": params_hash(paths)}
    differing = [name for name, value in here.items() if manifest["hashes"].get(name, value) != value]
    if not differing:
        return []
    commit = str(manifest["run"]["git_commit"])
    differences = [
        f"The {WORDS[name]} of this checkout are not those of release {manifest['release']}"
        f" ({str(manifest['hashes'][name])[:12]} there, {here[name][:12]} here)."
        for name in differing
    ]
    clean = commit.removesuffix("+changes")
    differences.append(
        f"It was built at commit {clean}: check that out (git worktree add ../rebuild {clean}) and run there."
    )
    if clean != commit:
        differences.append("Its checkout held uncommitted changes: without them it cannot be rebuilt.")
    return differences


def version_differences(manifest: Manifest) -> list[str]:
    """Sentences: packages and Python that are not those of the release. They need not change a number, but may."""
    here = {**json.loads(package_json()), "python": python_version()}
    there = {**manifest["packages"], "python": manifest["run"]["python_version"]}
    return [
        f"{name} is {here[name]} here and was {there[name]}."
        for name in (*PACKAGES, "python")
        if name in there and there[name] != here[name]
    ]


def input_differences(manifest: Manifest, paths: Paths) -> list[str]:
    """Sentences: landing files and sidecars of the release that are missing or are not the same."""
    differences, sidecar_keys = [], {key_of(sidecar) for sidecar in find_sidecars(paths.sidecars)}
    for load in manifest["inputs"]:
        label = f"{load['source']} {load['data_year'] or 'of several years'}, vintage {load['vintage']}"
        if (load["source"], load["data_year"], load["vintage"]) not in sidecar_keys:
            differences.append(f"{label}: no sidecar below {paths.sidecars} describes it.")
        for file in load["files"]:
            path = paths.landing / file["path"]
            if not path.is_file():
                differences.append(f"{label}: the landing file {path} is missing.")
            elif sha256_of(path) != file["sha256"]:
                differences.append(f"{label}: the landing file {path} is not the one of the release (another sha256).")
    return differences


def key_of(sidecar: Sidecar) -> Key:
    return sidecar.source, sidecar.data_year, sidecar.vintage


def lay_out(manifest: Manifest, paths: Paths, room: Path, earlier: str | None) -> Paths:
    """A warehouse folder below `room` with the landing files of the release and what the warehouse remembered then.

    earlier: the release that the bridge starts from, or None where there was none.
    """
    paths_then = Paths(room / "warehouse", room / "landing", room / "landing", paths.project)
    load_keys = {(load["source"], load["data_year"], load["vintage"]) for load in manifest["inputs"]}
    for sidecar in find_sidecars(paths.sidecars):
        if key_of(sidecar) in load_keys:
            sidecar_file = Path(sidecar.path)
            _copy(sidecar_file, paths_then.landing / sidecar_file.resolve().relative_to(paths.sidecars.resolve()))
            for file in sidecar.files:
                _copy(paths.landing / file.path, paths_then.landing / file.path)
    for truth in sorted((paths.landing / "truth").glob("*.csv")) if manifest["is_synthetic"] else []:
        _copy(truth, paths_then.landing / "truth" / truth.name)
    if earlier is not None:
        start, manifest_then = paths_then.releases / earlier, read_manifest(paths.releases / earlier)
        _copy(paths.releases / earlier / "city.duckdb", start / "city.duckdb")
        manifest_then.pop("withdrawn", None)  # if it was, then after this release had been built on it
        (start / MANIFEST).write_text(json.dumps(manifest_then), encoding="utf-8")
    _remember(manifest, Warehouse(paths_then.build_file))
    return paths_then


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _remember(manifest: Manifest, warehouse: Warehouse) -> None:
    """Names of vintages and the order of loads, both given out once in the life of a warehouse."""
    warehouse.prepare()
    vintages = pd.DataFrame(manifest.get("vintages", []))
    if len(vintages):
        vintages["created_at"] = pd.to_datetime(vintages["created_at"])
        warehouse.replace_rows("ops.vintage", vintages)
    loads = pd.DataFrame(manifest["inputs"])
    if "load_no" in loads:
        loads = loads[["source", "data_year", "vintage", "load_no"]]
        warehouse.replace_rows("raw.load", loads[loads["data_year"] > 0])
        warehouse.replace_rows("raw.series_load", loads[loads["data_year"] == 0])


def earlier_release(releases: Path, manifest: Manifest) -> str | None:
    """The release from which the bridge of this one starts: the last one before it with another data vintage.

    None if it is the first. Raises RebuildError if one is named in a manifest but is not there.
    """
    vintage, name = manifest["run"]["data_vintage"], manifest.get("previous")
    while name is not None:
        if not (releases / name / "city.duckdb").is_file():
            raise RebuildError(f"Release {name}, which the bridge of {manifest['release']} starts from, is not there.")
        before = read_manifest(releases / name)
        if before["run"]["data_vintage"] != vintage:
            return str(name)
        name = before.get("previous")
    return None


def contents_of(folder: Path, manifest: Manifest) -> dict[str, str]:
    """Content hash of each table: from the manifest, else (an older release) from its published file."""
    content_of = {name: facts.get("content") for name, facts in manifest["tables"].items()}
    if any(content_of.values()):
        return {name: content for name, content in content_of.items() if content}
    file = folder / "city.duckdb"
    if not file.is_file():
        raise RebuildError(f"Release {folder.name} has neither hashes of its tables nor a city.duckdb to compare with.")
    with open_read_only(file) as con:
        return table_contents(con)


def table_differences(there: Mapping[str, str], here: Mapping[str, str]) -> list[str]:
    """Sentences: tables that are missing, new or not equal."""
    differences = [
        f"{full_name(name)}: the rebuilt table has other rows."
        for name in sorted(there.keys() & here.keys())
        if there[name] != here[name]
    ]
    differences += [f"{full_name(name)}: not rebuilt." for name in sorted(there.keys() - here.keys())]
    return differences + [
        f"{full_name(name)}: the release does not have it." for name in sorted(here.keys() - there.keys())
    ]
