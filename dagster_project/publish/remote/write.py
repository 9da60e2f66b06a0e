"""Lay a release out for a web server or a file share: a version is written once and never changes."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dagster_project.errors import Refusal
from dagster_project.files import sha256_of
from dagster_project.paths import Paths
from dagster_project.publish.citation import Cited, citation
from dagster_project.publish.release.folder import (
    file_of,
    folder_of,
    is_withdrawn,
    kinds_of,
    latest_release,
    manifest_of,
    releases_in_order,
    withdrawn_releases,
)
from dagster_project.publish.release.record import last_entry, signature
from dagster_project.publish.remote import layout
from dagster_project.published import SEARCHED, open_read_only

NO_LICENCE = "none stated"
LEFT_OUT = ("parquet/", "csv/", "manifest.json")  # the tables lie in tables/; the manifest is another one


def export_web(
    paths: Paths, target: Path, release: str | None, key: Path | None, *, is_inside: bool
) -> tuple[str, bool]:
    """Write one release below `target`; returns its name, and whether it was written (else it was there, the same).

    is_inside: figures of sources that state no licence may go with it, since only the own house reads the place.
    Raises Refusal where the version lies there with other content: nothing is changed then.
    """
    name = release or latest_release(paths.releases)
    folder = folder_of(paths, name) if name else None
    if name is None or folder is None or folder.parent != paths.releases:
        raise Refusal(f"There is no release {name or 'here'}: see `nqpf release list`.")
    place = target / layout.folder_of(name)
    if is_withdrawn(folder):
        if not place.is_dir():
            raise Refusal(f"{name} was withdrawn: it is not offered any more.")
        _point(paths, target)  # what readers have stays; the list says that it was taken back
        return name, False
    ours = manifest_of(folder)
    sources = sorted({load["source"] for load in ours["inputs"] if load.get("licence", NO_LICENCE) == NO_LICENCE})
    if sources and not is_inside:
        raise Refusal(
            f"{len(sources)} sources of {name} state no licence ({', '.join(sources[:5])}): their figures may not be"
            " offered to the public. --inside says that only the own house reads the place."
        )
    files = _files(folder, ours)
    content = _manifest(folder, ours, files)
    text = layout.as_json(content)
    mark = layout.sign(text, key) if key else None
    is_new = not place.exists()
    if is_new:
        _write(place, folder, files, text, _pages(ours, files))
    else:
        _require_same(place, content, text)
    if mark is not None:
        _replace(place / layout.SIGNATURE, mark)
    _point(paths, target)
    return name, is_new


def _files(folder: Path, ours: Mapping[str, Any]) -> dict[str, str]:
    """Path below the version -> path below the release folder."""
    tables = {
        layout.table_path(_full(name)): file_of(Path(), name, "parquet").as_posix()
        for name, facts in ours["tables"].items()
        if "parquet" in kinds_of(facts)
    }
    others = {name: name for name in ours["files"] if not name.startswith(LEFT_OUT)}
    return {**tables, **others}


def _full(name: str) -> str:
    return name if "." in name else f"mart.{name}"


def _manifest(folder: Path, ours: Mapping[str, Any], files: Mapping[str, str]) -> dict[str, Any]:
    run = ours["run"]
    columns: dict[str, dict[str, str]] = {}
    with open_read_only(folder / "city.duckdb") as con:
        query = f"""select schema_name || '.' || table_name, column_name, data_type
            from duckdb_columns() where not internal and schema_name in {SEARCHED} order by table_oid, column_index"""
        for table, column, kind in con.execute(query).fetchall():
            columns.setdefault(table, {})[column] = kind
        abouts = dict(
            con.execute(
                "select schema_name || '.' || table_name, comment from duckdb_tables() union all "
                "select schema_name || '.' || view_name, comment from duckdb_views() where not internal"
            ).fetchall()
        )
    tables: dict[str, Any] = {}
    for short, facts in sorted(ours["tables"].items()):
        name = _full(short)
        path = layout.table_path(name)
        there = (
            {"sha256": facts["parquet_sha256"], "bytes": (folder / files[path]).stat().st_size} if path in files else {}
        )
        tables[name] = {
            "rows": facts.get("rows"),
            **there,
            "about": abouts.get(name) or "",
            "columns": columns.get(name, {}),
        }
    others = {
        name: {"sha256": ours["files"][name], "bytes": (folder / name).stat().st_size}
        for name, source in sorted(files.items())
        if name == source and name != layout.PAGES and not name.startswith("docs/")
    }
    pages = _pages(ours, files)
    others[layout.PAGES] = {"sha256": hashlib.sha256(pages).hexdigest(), "bytes": len(pages)}
    cited = Cited(
        ours["release"],
        run["data_vintage"],
        run["method_version"],
        int(str(run["started_at"])[:4]),
        bool(ours["is_synthetic"]),
        sha256=str(ours["files"]["city.duckdb"]),
        signed=signature(ours),
    )
    return {
        "format": layout.FORMAT,
        "release": ours["release"],
        "is_synthetic": bool(ours["is_synthetic"]),
        "data_vintage": run["data_vintage"],
        "method_version": run["method_version"],
        "built": str(run["started_at"])[:19],
        "signed": signature(ours),
        "cite": {form: citation(cited, form) for form in ("text", "bibtex", "gbt7714")},
        "tables": tables,
        "files": others,
    }


def _pages(ours: Mapping[str, Any], files: Mapping[str, str]) -> bytes:
    """The hash of each page of the report: many, and nobody who asks a table reads them."""
    return layout.as_json({name: ours["files"][name] for name in sorted(files) if name.startswith("docs/")})


def _write(place: Path, folder: Path, files: Mapping[str, str], text: bytes, pages: bytes) -> None:
    """All into a folder beside, then one rename: a killed export leaves no half version."""
    fresh = place.with_name(f".{place.name}.tmp")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        for name, source in files.items():
            file = fresh / name
            file.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / source, file)
        (fresh / layout.PAGES).write_bytes(pages)
        (fresh / layout.MANIFEST).write_bytes(text)
        fresh.replace(place)
    except OSError as error:
        shutil.rmtree(fresh, ignore_errors=True)
        raise Refusal(f"{place} cannot be written: {error.strerror}. Nothing was changed there.") from error


def _require_same(place: Path, content: Mapping[str, Any], text: bytes) -> None:
    """A version that lies there is the one that would be written, byte by byte."""
    manifest = place / layout.MANIFEST
    differing = [layout.MANIFEST] if not manifest.is_file() or manifest.read_bytes() != text else []
    for part in ("tables", "files"):
        for name, facts in content[part].items():
            if "sha256" in facts:
                file = place / (layout.table_path(name) if part == "tables" else name)
                if not file.is_file() or sha256_of(file) != facts["sha256"]:
                    differing.append(file.relative_to(place).as_posix())
    if differing:
        more = f" and {len(differing) - 3} more" if len(differing) > 3 else ""
        raise Refusal(
            f"{place} holds this version with other content ({', '.join(differing[:3])}{more}). A version never"
            " changes: nothing was written. Take that folder away if it is damaged, or publish a new release."
        )


def _point(paths: Paths, target: Path) -> None:
    """latest.json and channels.json say what of the place is current: of the versions that lie there."""
    withdrawn = {row["release"]: row for row in withdrawn_releases(paths.releases)}
    here = [
        name for name in (*withdrawn, *releases_in_order(paths.releases)) if (target / layout.folder_of(name)).is_dir()
    ]
    rows = []
    for name in here:
        manifest = manifest_of(paths.releases / name)
        digest = sha256_of(target / layout.folder_of(name) / layout.MANIFEST)
        row = {"release": name, "built": str(manifest["run"]["started_at"])[:19], "manifest_sha256": digest}
        rows.append({**row, **({"withdrawn": withdrawn[name]["why"]} if name in withdrawn else {})})
    current = [row["release"] for row in rows if "withdrawn" not in row]
    signed = [name for name in current if last_entry(manifest_of(paths.releases / name), "published").get("by")]
    channels = {"latest": current[-1] if current else None, "signed": signed[-1] if signed else None}
    moment = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    before = _read(target / layout.CHANNELS)
    if (before.get("channels"), before.get("releases")) != (channels, rows):
        _replace(target / layout.CHANNELS, layout.as_json({"at": moment, "channels": channels, "releases": rows}))
    if current and _read(target / layout.LATEST).get("release") != current[-1]:
        digest = next(row["manifest_sha256"] for row in rows if row["release"] == current[-1])
        latest = {"at": moment, "release": current[-1], "manifest_sha256": digest}
        _replace(target / layout.LATEST, layout.as_json(latest))


def _read(file: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content


def _replace(file: Path, content: bytes) -> None:
    fresh = file.with_name(f".{file.name}.tmp")
    try:
        fresh.write_bytes(content)
        with fresh.open("rb") as stream:
            os.fsync(stream.fileno())
        fresh.replace(file)
    except OSError as error:
        raise Refusal(f"{file} cannot be written: {error.strerror}.") from error
