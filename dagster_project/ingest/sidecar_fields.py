"""What a sidecar says, as a frozen dataclass, and the reader that checks it key by key."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

from dagster_project.errors import IngestError

LAYOUTS = ("wide", "tables", "long", "reference")  # reference: fetched to compare with, never landed
WAYS = ("http", "doi", "form", "buy")  # how a file can be had
MATURITIES = ("first_print", "final", "revised", "provisional")
KEY_ROLES = ("city", "code", "year", "province")
LONGEST_PATH, MOST_ROWS = 1_000, 1_000_000  # what a sidecar may name
REQUIRED = ("source", "layout", "files", "producer", "title", "licence", "accessed", "maturity", "is_synthetic")
OPTIONAL = (
    "data_year",
    "edition_year",
    "sheet",
    "keys",
    "supersedes",
    "expected_cities",
    "accepted_by",
    "accepted_reason",
    "notes",
    "is_optional",
    "obtain",
)
FIRST_YEAR, LAST_YEAR = 1949, 2100
MARKUP = re.compile(r"<[A-Za-z!/?]")
VINTAGE_LENGTH = 12


@dataclass(frozen=True)
class LandingFile:
    """One file of a load: path relative to the landing root and the sha256 (64 hex) it must have."""

    path: str
    sha256: str


@dataclass(frozen=True)
class Copy:
    """Where the bytes of the files were seen: a public repository, a commit of it, the file or folder there."""

    repository: str
    commit: str
    path: str


@dataclass(frozen=True)
class Obtain:
    """How the files of a load can be had. `urls`: landing path -> address of its bytes (http only)."""

    how: str
    words: str
    urls: tuple[tuple[str, str], ...] = ()
    copies: tuple[Copy, ...] = ()


@dataclass(frozen=True)
class Sidecar:
    """One load: a source, its files and where they come from. `data_year` is 0 for multi-year sources."""

    path: Path
    source: str
    layout: str
    files: tuple[LandingFile, ...]
    producer: str
    title: str
    licence: str
    accessed: str
    maturity: str
    is_synthetic: bool
    data_year: int = 0
    edition_year: int | None = None
    sheet: str | None = None
    keys: tuple[tuple[str, str], ...] = ()
    supersedes: str | None = None
    expected_cities: tuple[int, int] | None = None
    accepted_by: str | None = None
    accepted_reason: str | None = None
    notes: str | None = None
    is_optional: bool = False
    obtain: Obtain | None = None

    @property
    def vintage(self) -> str:
        """First 12 hex digits of the file's sha256; of the joined sorted digests of several files."""
        digests = sorted(file.sha256 for file in self.files)
        if len(digests) == 1:
            return digests[0][:VINTAGE_LENGTH]
        return hashlib.sha256("\n".join(digests).encode()).hexdigest()[:VINTAGE_LENGTH]

    @property
    def content_hash(self) -> str:
        """Changes when anything that the sidecar says changes: then the load is recorded again."""
        content = {key: value for key, value in self.__dict__.items() if key not in ("path", "obtain", "is_optional")}
        return hashlib.sha256(repr(sorted(content.items())).encode()).hexdigest()[:12]

    @property
    def label(self) -> str:
        """'source' or 'source 2019', for messages."""
        return f"{self.source} {self.data_year}" if self.data_year else self.source


class FieldReader:
    """Checks the raw mapping key by key; every complaint names file and key."""

    def __init__(self, raw: Mapping[str, Any], path: Path) -> None:
        self.raw, self.path = raw, path

    def sidecar(self) -> Sidecar:
        """The checked sidecar."""
        fields = {*REQUIRED, *OPTIONAL}
        unknown = sorted(str(key) for key in self.raw if key not in fields)
        if unknown:
            self.fail(f"Unknown key in the sidecar: {', '.join(unknown)}", f"Known keys: {', '.join(sorted(fields))}")
        missing = [key for key in REQUIRED if self.raw.get(key) is None]
        if missing:
            self.fail(f"Key missing in the sidecar: {', '.join(missing)}", "Add it; say 'none stated' if unknown")
        layout = self.choice("layout", LAYOUTS)
        data_year, edition_year, keys = self.year("data_year"), self.year("edition_year"), self.keys(layout)
        self.check_years(layout, data_year, edition_year, dict(keys))
        accepted = self.text("accepted_by"), self.text("accepted_reason")
        if (accepted[0] is None) != (accepted[1] is None):
            self.fail("accepted_by and accepted_reason belong together", "Give both or none")
        files = self.files()
        return Sidecar(
            path=self.path,
            layout=layout,
            files=files,
            keys=keys,
            source=self.match("source", r"[a-z][a-z0-9_]*", "lower-case letters, digits and _"),
            producer=str(self.text("producer")),
            title=str(self.text("title")),
            licence=str(self.text("licence")),
            accessed=self.day("accessed"),
            maturity=self.choice("maturity", MATURITIES),
            is_synthetic=self.flag("is_synthetic"),
            data_year=data_year or 0,
            edition_year=edition_year,
            sheet=self.text("sheet"),
            expected_cities=self.span("expected_cities"),
            accepted_by=accepted[0],
            accepted_reason=accepted[1],
            notes=self.text("notes"),
            is_optional=self.raw.get("is_optional") is not None and self.flag("is_optional"),
            obtain=self.obtain({file.path for file in files}),
            supersedes=self.match("supersedes", r"[0-9a-f]{12}", "12 hex digits in quotes")
            if self.raw.get("supersedes") is not None
            else None,
        )

    def fail(self, what: str, remedy: str) -> NoReturn:
        raise IngestError(what, str(self.path), remedy)

    def text(self, key: str) -> str | None:
        value = self.raw.get(key)
        if value is None:
            return None
        return self.plain(key, value)

    def plain(self, key: str, value: object) -> str:
        """One text without markup: what a list or a page holds is no name."""
        if isinstance(value, (dict, list)) or not str(value).strip():
            self.fail(f"{key} is not a text", "Write one line of text, or leave the key out if it is optional")
        if MARKUP.search(str(value)):
            self.fail(f"{key} holds markup", "Write it as plain text, without tags")
        return str(value).strip()

    def match(self, key: str, pattern: str, meaning: str) -> str:
        value = str(self.raw[key])
        if not re.fullmatch(pattern, value):
            self.fail(f"{key} is {value!r}", f"It must be {meaning}")
        return value

    def choice(self, key: str, choices: tuple[str, ...]) -> str:
        value = self.raw[key]
        if value not in choices:
            self.fail(f"{key} is {value!r}", f"It must be one of: {', '.join(choices)}")
        return str(value)

    def span(self, key: str) -> tuple[int, int] | None:
        """[fewest, most] city rows of a partial file; overrides the baseline of the source."""
        value = self.raw.get(key)
        if value is None:
            return None
        if (
            not isinstance(value, list)
            or len(value) != 2
            or not all(type(n) is int and 0 < n <= MOST_ROWS for n in value)
            or value[0] > value[1]
        ):
            self.fail(f"{key} is {value!r}", "Write two numbers, fewest and most city rows, such as [10, 14]")
        return int(value[0]), int(value[1])

    def flag(self, key: str) -> bool:
        value = self.raw[key]
        if not isinstance(value, bool):
            self.fail(f"{key} is {value!r}", "It must be true or false")
        return bool(value)

    def day(self, key: str) -> str:
        value = self.raw[key]
        try:
            return (value if isinstance(value, date) else date.fromisoformat(str(value))).isoformat()[:10]
        except ValueError:
            self.fail(f"{key} is {value!r}", "It must be a day such as 2026-11-01")

    def year(self, key: str) -> int | None:
        value = self.raw.get(key)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not FIRST_YEAR <= value <= LAST_YEAR:
            self.fail(f"{key} is {value!r}", f"It must be a year from {FIRST_YEAR} to {LAST_YEAR}")
        return int(value)

    def check_years(self, layout: str, data_year: int | None, edition: int | None, keys: dict[str, str]) -> None:
        if layout in ("wide", "tables") and data_year is None:
            self.fail(f"data_year is missing for layout {layout}", "Add the statistical year of the figures")
        if layout == "long" and data_year is None and "year" not in keys:
            self.fail("Neither data_year nor keys.year is given", "Say which column holds the year, or the one year")
        if edition is not None and (data_year is None or edition < data_year):
            self.fail(f"edition_year {edition} does not fit data_year {data_year}", "An edition follows its data year")

    def keys(self, layout: str) -> tuple[tuple[str, str], ...]:
        value = self.raw.get("keys")
        if layout != "long":
            if value is not None:
                self.fail(f"keys are given for layout {layout}", "Only layout long has key columns; remove them")
            return ()
        if not isinstance(value, dict) or "city" not in value:
            self.fail("keys.city is missing", "A long file needs at least keys: {city: <header of the city column>}")
        unknown = sorted(str(role) for role in value if role not in KEY_ROLES)
        if unknown:
            self.fail(f"Unknown key column: {', '.join(unknown)}", f"Known: {', '.join(KEY_ROLES)}")
        return tuple((role, self.plain(f"keys.{role}", value[role])) for role in KEY_ROLES if role in value)

    def files(self) -> tuple[LandingFile, ...]:
        value = self.raw["files"]
        if not isinstance(value, list) or not value:
            self.fail("files is not a list of {path, sha256}", "List at least one file")
        parts = tuple(self.file(item) for item in value)
        if len({file.path for file in parts}) < len(parts):
            self.fail("The same file is listed twice", "List every file once")
        return parts

    def file(self, item: object) -> LandingFile:
        if not isinstance(item, dict) or set(item) != {"path", "sha256"}:
            self.fail(f"A file entry is {item!r}", "Write {path: <relative path>, sha256: <64 hex digits>}")
        path, digest = self.plain("files.path", item["path"]), str(item["sha256"]).lower()
        pure = PurePosixPath(path)
        if pure.is_absolute() or ".." in pure.parts or "\\" in path or re.match(r"[A-Za-z]:", path):
            self.fail(f"The file path {path!r} is not inside the landing folder", "Write it relative, with /")
        if len(path) > LONGEST_PATH:
            self.fail(f"A file path has {len(path):,} letters", f"No file system takes more than {LONGEST_PATH:,}")
        if not re.fullmatch(r"[0-9a-f]{64}", digest):
            self.fail(f"sha256 of {path} is not 64 hex digits", "Write the sha256 of the file")
        return LandingFile(path, digest)

    def obtain(self, paths: set[str]) -> Obtain | None:
        """{how, words, urls: {path: address}, seen: [{path, repository, commit, path_there}]}."""
        value = self.raw.get("obtain")
        if value is None:
            return None
        if not isinstance(value, dict) or not {"how", "words"} <= set(value) <= {"how", "words", "urls", "seen"}:
            self.fail("obtain is not {how, words, urls, seen}", "Say how the file can be had, in words")
        if value["how"] not in WAYS:
            self.fail(f"obtain.how is {value['how']!r}", f"It must be one of: {', '.join(WAYS)}")
        urls = {str(path): str(url) for path, url in (value.get("urls") or {}).items()}
        if (value["how"] == "http") != (set(urls) == paths) or not set(urls) <= paths:
            self.fail("obtain.urls do not fit the files", "Give the address of each file where how is http, else none")
        for url in urls.values():
            if not re.fullmatch(r"https?://[^\s@]+", url):
                self.fail(
                    f"obtain.urls holds {url!r}", "Write an address that begins with https://, without a password"
                )
        copies = tuple(self.copy(item) for item in value.get("seen") or [])
        return Obtain(value["how"], self.plain("obtain.words", value["words"]), tuple(urls.items()), copies)

    def copy(self, item: object) -> Copy:
        keys = ("repository", "commit", "path")
        if not isinstance(item, dict) or set(item) != set(keys):
            self.fail(f"An entry of obtain.seen is {item!r}", f"Write {{{', '.join(keys)}}}")
        if not re.fullmatch(r"[0-9a-f]{40}", str(item["commit"])):
            self.fail(f"obtain.seen names commit {item['commit']!r}", "Write all 40 hex digits")
        return Copy(*(self.plain(f"obtain.seen.{key}", item[key]) for key in keys))
