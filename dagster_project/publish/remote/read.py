"""Read a release from a web server or a file share: only the tables that a query names, each held against its hash.

What was read lies in a cache under its sha256, and a query runs on the cache alone: nothing that the other side says is
run as SQL, and names of tables and columns are quoted. Without the network the cache answers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.errors import Refusal
from dagster_project.files import sha256_of
from dagster_project.publish.release.folder import NAME
from dagster_project.publish.remote import layout
from dagster_project.publish.remote.transport import Missing, Place, Unreachable, cache_name, keep
from dagster_project.published import SEARCHED, shut, sql_path, sql_text


@dataclass
class Opened:
    """A release that is read. notes: what a reader has to know of where it comes from."""

    place: Place
    cache: Path
    release: str
    manifest: Mapping[str, Any]
    channels: Mapping[str, Any]
    notes: list[str]

    @property
    def address(self) -> str:
        return self.place.where(layout.folder_of(self.release))

    def fetched(self, name: str) -> Path:
        """The file of a table (easy.ranking) or another file of the release in the cache, right by its hash."""
        remote = layout.file_in(self.manifest, name, self.address)
        file = self.cache / "files" / remote.sha256[:2] / remote.sha256
        if file.is_file() and file.stat().st_size == remote.n_bytes and sha256_of(file) == remote.sha256:
            return file
        try:
            self.place.file(f"{layout.folder_of(self.release)}/{remote.path}", remote.sha256, remote.n_bytes, file)
        except Unreachable as error:
            raise Refusal(f"{name} is not in the cache, and {error}.") from error
        except Missing as error:
            raise Refusal(f"{error} is not there, though the manifest names it: the copy is not whole.") from error
        return file


def open_release(place: Place, cache: Path, release: str | None, public_key: bytes | None) -> Opened:
    """Manifest of a release, checked. release: None is the current one.

    public_key: PEM; once given it is asked of that address for ever. Raises Refusal where what lies there is wrong.
    """
    room = cache / "places" / cache_name(place.address)
    memory = _memory(room)
    if release is not None and not NAME.fullmatch(release):
        raise Refusal(f"'{release}' is no name of a release: write it like 2026.12.0.")
    notes: list[str] = []
    channels = _channels(place, room, notes)
    name = release or _current(place, room, memory, channels, is_offline=bool(notes))
    withdrawn = {row["release"]: row["withdrawn"] for row in channels.get("releases", []) if "withdrawn" in row}
    if name in withdrawn:
        notes.append(f"Release {name} was withdrawn: {withdrawn[name]}.")
    text = _manifest(place, room, name, channels)
    manifest = layout.parsed(text, place.where(f"{layout.folder_of(name)}/{layout.MANIFEST}"))
    if manifest.get("format") != layout.FORMAT or manifest.get("release") != name:
        raise Refusal(
            f"{place.where(layout.folder_of(name))} holds a manifest of {manifest.get('release')} in format"
            f" {manifest.get('format')}; {name} in format {layout.FORMAT} was asked."
        )
    key = public_key or str(memory.get("key", "")).encode() or None
    _require_signature(place, room, name, text, key, notes)
    facts = {"address": place.address, "newest": _newer(memory.get("newest"), name if release is None else None)}
    keep(room / "place.json", layout.as_json({**facts, **({"key": key.decode()} if key else {})}))
    return Opened(place, cache, name, manifest, channels, notes)


def connect(opened: Opened, query: str, settings: Mapping[str, str | int]) -> duckdb.DuckDBPyConnection:
    """A database in memory with the tables that the query names, shut off from files and the network.

    Raises Refusal where a table is too long to be offered alone.
    """
    con = duckdb.connect(config={"temp_directory": str(opened.cache / "tmp")})
    for schema in SEARCHED:
        con.execute(f"create schema {schema}")
    for name in tables_of(con, query, list(opened.manifest["tables"])):
        facts = opened.manifest["tables"][name]
        if "sha256" not in facts:
            raise Refusal(
                f"{name} has {facts.get('rows') or 'many'} rows and stands in the whole file alone: ask with --whole."
            )
        file = opened.fetched(name)
        con.execute(f"create table {name} as from read_parquet('{sql_path(file)}')")
        con.execute(f"comment on table {name} is '{sql_text(str(facts.get('about', '')))}'")
    con.execute(f"set search_path = '{','.join(SEARCHED)}'")
    return shut(con, (), settings)


def tables_of(con: duckdb.DuckDBPyConnection, query: str, known: Sequence[str]) -> list[str]:
    """Those of the known tables that the statements of a query read, in the order of `known`.

    A name without schema is looked for in easy, mart, ops; a name that a `with` gives is no table inside of it.
    """
    full = {name for name in known if layout.TABLE.fullmatch(name)}
    names_read: set[str] = set()
    for statement in con.extract_statements(query):
        tree = json.loads(con.execute("select json_serialize_sql(?)", [statement.query]).fetchall()[0][0])
        if tree.get("error"):  # a PIVOT has no tree: every known name that stands in it
            words = set(re.findall(r"\w+(?:\.\w+)?", statement.query.lower()))
            names = [("", word) if "." not in word else tuple(word.split(".")) for word in words]
        else:
            names = list(_names(tree, frozenset()))
        for schema, table in names:
            places = [schema] if schema else list(SEARCHED)
            names_read |= set([f"{place}.{table}" for place in places if f"{place}.{table}" in full][:1])
    return [name for name in known if name in names_read]


def _names(node: Any, outer: frozenset[str]) -> Iterator[tuple[str, str]]:
    """(schema, table) of every table, without the names that a `with` around it gives."""
    if isinstance(node, list):
        for part in node:
            yield from _names(part, outer)
        return
    if not isinstance(node, dict):
        return
    rest = dict(node)
    for entry in (rest.pop("cte_map", None) or {}).get("map", []):
        name, value = entry["key"].lower(), entry["value"]
        is_recursive = value.get("query_node", {}).get("type") == "RECURSIVE_CTE_NODE"
        yield from _names(value, outer | {name} if is_recursive else outer)
        outer = outer | {name}
    schema, table = str(rest.get("schema_name") or "").lower(), str(rest.get("table_name") or "").strip('"').lower()
    is_table = rest.get("type") == "BASE_TABLE" or (rest.get("type") == "SHOW_REF" and not rest.get("query"))
    if is_table and table and (schema or table not in outer):
        yield schema, table
    for part in rest.values():
        yield from _names(part, outer)


def whole(opened: Opened) -> Path:
    """The whole release as a warehouse in the cache: every command reads it with --warehouse, or after `nqpf use`."""
    file = opened.fetched("city.duckdb")
    room = opened.cache / "places" / cache_name(opened.place.address) / opened.release
    published = room / "published" / "city.duckdb"
    if not (published.is_file() and published.samefile(file)):
        published.parent.mkdir(parents=True, exist_ok=True)
        published.unlink(missing_ok=True)
        published.hardlink_to(file)
    return room


def _memory(room: Path) -> dict[str, Any]:
    try:
        memory: dict[str, Any] = json.loads((room / "place.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return memory


def _channels(place: Place, room: Path, notes: list[str]) -> dict[str, Any]:
    """What the place lists; without the network, what it listed last."""
    kept = room / layout.CHANNELS
    try:
        text = place.text(layout.CHANNELS)
    except Missing as error:
        raise Refusal(f"{error} is not there: the address holds no releases of `nqpf release export --web`.") from error
    except Unreachable as error:
        if not kept.is_file():
            raise Refusal(f"{error}. Nothing of it is in the cache.") from error
        notes.append(f"{error}: read from the cache.")
        return layout.parsed(kept.read_bytes(), str(kept))
    channels = layout.parsed(text, place.where(layout.CHANNELS))
    rows = channels.get("releases")
    if not isinstance(rows, list) or not all(
        isinstance(row, dict) and NAME.fullmatch(str(row.get("release"))) for row in rows
    ):
        raise Refusal(
            f"{place.where(layout.CHANNELS)} lists no releases: it is not one of `nqpf release export --web`."
        )
    keep(kept, text)
    return channels


def _current(
    place: Place, room: Path, memory: Mapping[str, Any], channels: Mapping[str, Any], *, is_offline: bool
) -> str:
    """The release that latest.json names; never one before what was seen, unless that was taken back."""
    try:
        if is_offline:
            raise Unreachable
        latest = layout.parsed(place.text(layout.LATEST), place.where(layout.LATEST))
        keep(room / layout.LATEST, layout.as_json(latest))
    except (Missing, Unreachable) as error:
        if not (room / layout.LATEST).is_file():
            raise Refusal(f"{place.where(layout.LATEST)} is not there: name a release with --release.") from error
        latest = layout.parsed((room / layout.LATEST).read_bytes(), str(room / layout.LATEST))
    name, newest = str(latest.get("release")), str(memory.get("newest") or "")
    if not NAME.fullmatch(name):
        raise Refusal(f"{place.where(layout.LATEST)} names no release.")
    withdrawn = {row["release"] for row in channels.get("releases", []) if "withdrawn" in row}
    if newest and _newer(newest, name) != name and newest not in withdrawn:
        raise Refusal(
            f"{place.where(layout.LATEST)} names {name}, but {newest} was read from there before and is not withdrawn:"
            f" an old copy answers. --release {newest} reads that one, --release {name} the older."
        )
    return name


def _newer(one: str | None, other: str | None) -> str | None:
    names = [name for name in (one, other) if name]
    return max(names, key=lambda name: [int(part) for part in name.split("-")[0].split(".")], default=None)


def _manifest(place: Place, room: Path, name: str, channels: Mapping[str, Any]) -> bytes:
    """The bytes of the manifest: a version never changes, so that what is kept is right; held against the list."""
    kept, path = room / name / layout.MANIFEST, f"{layout.folder_of(name)}/{layout.MANIFEST}"
    listed = {row["release"]: row.get("manifest_sha256") for row in channels.get("releases", [])}
    if name not in listed and not kept.is_file():
        raise Refusal(f"{place.address} holds no release {name}; it holds {', '.join(listed) or 'none'}.")
    if not kept.is_file():
        try:
            keep(kept, place.text(path))
        except Missing as error:
            raise Refusal(f"{error} is not there, though {layout.CHANNELS} lists it: the copy is not whole.") from error
        except Unreachable as error:
            raise Refusal(f"Release {name} is not in the cache, and {error}.") from error
    if listed.get(name) is not None and sha256_of(kept) != listed[name]:
        text = kept.read_bytes()
        kept.unlink()  # what cannot be right is asked again the next time
        raise Refusal(
            f"{place.where(path)}: the manifest that was read ({len(text):,} bytes) is not the one that"
            f" {layout.CHANNELS} lists for {name}. A version never changes: one of the two was altered. Ask who keeps"
            " the place."
        )
    return kept.read_bytes()


def _require_signature(place: Place, room: Path, name: str, text: bytes, key: bytes | None, notes: list[str]) -> None:
    if key is None:
        notes.append("No key was given: that the release comes from who you think is not checked (--key FILE).")
        return
    kept, path = room / name / layout.SIGNATURE, f"{layout.folder_of(name)}/{layout.SIGNATURE}"
    try:
        signature = kept.read_bytes() if kept.is_file() else place.text(path)
    except Missing as error:
        raise Refusal(f"{name} carries no signature ({error}), and a key was given: nothing of it is read.") from error
    except Unreachable as error:
        raise Refusal(f"The signature of {name} is not in the cache, and {error}.") from error
    if not layout.is_signed_by(text, signature, key):
        kept.unlink(missing_ok=True)
        raise Refusal(
            f"The signature of {name} is not that of the key: nothing of it is read. Ask who keeps the place."
        )
    keep(kept, signature)
