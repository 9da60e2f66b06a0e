"""Get the files that sidecars name: download what is open, find by hash what lies elsewhere, say how to get the rest.

Not here: what a file says (ingest) and whether it becomes current (the gate). A refresh never calls this module.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from dagster_project.files import sha256_of
from dagster_project.ingest.limits import Limits
from dagster_project.ingest.sidecar import LandingFile, Sidecar

NO_LICENCE = "none stated"
RETRIES = 3
SECONDS = 60  # without an answer
BLOCK = 1 << 20


@dataclass(frozen=True)
class Wanted:
    """One landing file. `state`: there, missing, or differs (a file of that name with other bytes)."""

    sidecar: Sidecar
    file: LandingFile
    state: str
    note: str = ""


def list_files(sidecars: Sequence[Sidecar], landing: Path) -> list[Wanted]:
    """Every file that the sidecars name, each once, with its state in the landing folder."""
    rows: dict[str, Wanted] = {}
    for sidecar in sidecars:
        for file in sidecar.files:
            path = landing / file.path
            state = "missing" if not path.is_file() else "there" if sha256_of(path) == file.sha256 else "differs"
            rows.setdefault(file.path, Wanted(sidecar, file, state))
    return list(rows.values())


def is_open(sidecar: Sidecar) -> bool:
    """Whether its files may be downloaded: it gives addresses, and a licence is stated."""
    return sidecar.obtain is not None and sidecar.obtain.how == "http" and sidecar.licence != NO_LICENCE


def download(item: Wanted, landing: Path, client: str) -> str:
    """Download one open file: to a temporary file, hashed, then moved. Returns "", or why it was not possible."""
    import pooch
    import requests

    address = dict(item.sidecar.obtain.urls)[item.file.path] if item.sidecar.obtain else ""
    store = pooch.create(
        path=landing,
        base_url="",
        registry={item.file.path: f"sha256:{item.file.sha256}"},
        urls={item.file.path: address},
        retry_if_failed=RETRIES,
    )
    pooch.get_logger().setLevel("WARNING")
    try:
        store.fetch(item.file.path, downloader=pooch.HTTPDownloader(headers={"User-Agent": client}, timeout=SECONDS))
    except requests.exceptions.HTTPError as error:
        return f"{address} answered {error.response.status_code if error.response is not None else 'with an error'}"
    except requests.exceptions.RequestException as error:
        return f"{address} cannot be reached ({type(error).__name__})"
    except ValueError:  # what pooch raises where the hash differs
        return f"{address} gives other bytes than sha256 {item.file.sha256}"
    except OSError as error:
        return f"{landing / item.file.path} cannot be written ({error.strerror})"
    return ""


def collect(items: Sequence[Wanted], folder: Path, landing: Path, say: Callable[[str], None]) -> dict[str, str]:
    """Copy files whose bytes lie below `folder`, under whatever name, also inside zip archives.

    Returns landing path -> where it was found. What cannot be read is said and passed over.
    """
    missing: dict[str, list[str]] = {}
    for item in items:
        missing.setdefault(item.file.sha256, []).append(item.file.path)
    sources: dict[str, str] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        for name, entry in _contents(path, say):
            if not missing:
                return sources
            try:
                with entry as stream:
                    for target in missing.pop(_digest(stream), []):
                        stream.seek(0)
                        _copy(stream, landing / target)
                        sources[target] = name
            except (zipfile.BadZipFile, zlib.error, EOFError) as error:
                say(f"Passed over: {name} cannot be unpacked ({error}).")
    return sources


def _contents(path: Path, say: Callable[[str], None]) -> Iterator[tuple[str, IO[bytes]]]:
    """The file itself, then the members of a zip archive (workbooks are archives too: their parts match nothing)."""
    try:
        yield str(path), path.open("rb")
        if path.suffix.lower() == ".zip":
            yield from _members(path, say)
    except (OSError, zipfile.BadZipFile) as error:
        say(f"Passed over: {path} cannot be read ({error}).")


def _members(path: Path, say: Callable[[str], None]) -> Iterator[tuple[str, IO[bytes]]]:
    limit = Limits().unpacked_bytes
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.is_dir():
                continue
            if info.file_size > limit:
                say(f"Passed over: {path}!{info.filename} unpacks to more than {limit:,} bytes.")
                continue
            try:
                yield f"{path}!{info.filename}", archive.open(info)
            except (RuntimeError, NotImplementedError) as error:  # encrypted, or an unknown compression
                say(f"Passed over: {path}!{info.filename} ({error}).")


def _digest(stream: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while block := stream.read(BLOCK):
        digest.update(block)
    return digest.hexdigest()


def _copy(stream: IO[bytes], target: Path) -> None:
    """Write beside the target, then rename: a killed copy leaves no half file under a landing name."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".fetch-", delete=False) as part:
        try:
            shutil.copyfileobj(stream, part, BLOCK)
            part.close()
            Path(part.name).chmod(0o644)
            Path(part.name).replace(target)
        finally:
            with suppress(FileNotFoundError):
                Path(part.name).unlink()
