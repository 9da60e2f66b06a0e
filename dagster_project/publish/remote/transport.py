"""Bytes from a web server or a folder: only from there, not more than was said, and only if the hash is right."""

from __future__ import annotations

import hashlib
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urljoin, urlsplit

import requests

from dagster_project.errors import Refusal

RETRIES = 3
PAUSE = 0.5  # seconds before the second try, then twice as long
SECONDS = 30.0  # without an answer
BLOCK = 1 << 20
LONGEST_LIST = 64 << 20  # bytes of a manifest
MAX_REDIRECTS = 3


class Unreachable(Exception):
    """The place does not answer; what is in the cache may be used."""


class Missing(Exception):
    """The place answers that there is no such file."""


@dataclass
class Place:
    """Where releases lie. address: http(s)://..., or a folder. Counts what is asked and read."""

    address: str
    client: str
    seconds: float = SECONDS
    n_requests: int = 0
    n_bytes: int = 0
    session: requests.Session = field(default_factory=requests.Session)

    @property
    def is_web(self) -> bool:
        return re.match(r"https?://", self.address) is not None

    def where(self, path: str) -> str:
        return f"{self.address.rstrip('/')}/{quote(path)}" if self.is_web else str(Path(self.address) / path)

    def text(self, path: str) -> bytes:
        """A small file. Raises Missing, Unreachable, or Refusal."""
        parts, size = [], 0
        for block in self._retried(path, None):
            size += len(block)
            if size > LONGEST_LIST:
                raise Refusal(f"{self.where(path)} is longer than {LONGEST_LIST:,} bytes: it is no list of a release.")
            parts.append(block)
        return b"".join(parts)

    def file(self, path: str, sha256: str, n_bytes: int, target: Path) -> None:
        """A file of known hash and length, put under `target` in one rename when both are right.

        Raises Missing, Unreachable, or Refusal where other bytes come.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".open-", delete=False) as part:
            try:
                digest, size = hashlib.sha256(), 0
                for block in self._retried(path, n_bytes):
                    size += len(block)
                    if size > n_bytes:
                        break
                    digest.update(block)
                    part.write(block)
                if size != n_bytes or digest.hexdigest() != sha256:
                    raise Refusal(
                        f"{self.where(path)} gives other bytes than its manifest says ({min(size, n_bytes + 1):,} of"
                        f" {n_bytes:,} bytes read, sha256 expected {sha256[:16]}): it was changed or damaged. Nothing"
                        " of it was kept."
                    )
                part.close()
                Path(part.name).chmod(0o644)
                Path(part.name).replace(target)
            except OSError as error:
                raise Refusal(f"{target} cannot be written: {error.strerror}.") from error
            finally:
                with suppress(FileNotFoundError):
                    Path(part.name).unlink()

    def _retried(self, path: str, n_bytes: int | None) -> Iterator[bytes]:
        """All blocks; what a cut line has lost is read again from the start, before a block is given out."""
        if not self.is_web:
            yield from self._from_folder(path)
            return
        reason = ""
        for attempt in range(RETRIES):
            if attempt:
                time.sleep(PAUSE * 2 ** (attempt - 1))
            try:
                with tempfile.SpooledTemporaryFile(BLOCK * 8) as whole:
                    for block in self._from_web(path, n_bytes):
                        whole.write(block)
                    whole.seek(0)
                    while block := whole.read(BLOCK):
                        yield block
                return
            except requests.exceptions.RequestException as error:
                reason = f"{self.where(path)} cannot be read ({_plain(error)}), tried {attempt + 1} times"
        raise Unreachable(reason)

    def _from_folder(self, path: str) -> Iterator[bytes]:
        file = Path(self.address) / path
        self.n_requests += 1
        try:
            with file.open("rb") as stream:
                while block := stream.read(BLOCK):
                    self.n_bytes += len(block)
                    yield block
        except FileNotFoundError as error:
            if not Path(self.address).is_dir():
                raise Unreachable(f"There is no folder {self.address}") from error
            raise Missing(self.where(path)) from error
        except OSError as error:
            raise Unreachable(f"{file} cannot be read ({error.strerror})") from error

    def _from_web(self, path: str, n_bytes: int | None) -> Iterator[bytes]:
        address, limit = self.where(path), LONGEST_LIST if n_bytes is None else n_bytes
        for _ in range(MAX_REDIRECTS):
            self.n_requests += 1
            with self.session.get(
                address,
                stream=True,
                timeout=self.seconds,
                allow_redirects=False,
                headers={"User-Agent": self.client, "Accept-Encoding": "identity"},
            ) as answer:
                if answer.is_redirect:
                    address = self._same_host(address, answer.headers["Location"])
                    continue
                if answer.status_code in (404, 410):
                    raise Missing(address)
                if answer.status_code >= 500 or answer.status_code == 429:
                    raise requests.exceptions.ConnectionError(f"it answered {answer.status_code}")
                if answer.status_code != 200:
                    raise Refusal(f"{address} answered {answer.status_code}: it is not open to this reader.")
                yield from self._body(answer, address, limit)
                return
        raise Refusal(f"{address} redirects again and again.")

    def _body(self, answer: requests.Response, address: str, limit: int) -> Iterator[bytes]:
        """Stops behind `limit`, and where a server drips; requests sees where less comes than the head says."""
        size, end = 0, time.monotonic() + self.seconds + limit / 20_000
        for block in answer.iter_content(BLOCK):
            size += len(block)
            self.n_bytes += len(block)
            yield block
            if size > limit:
                return
            if time.monotonic() > end:
                raise requests.exceptions.Timeout(f"{address} sends less than 20 kB a second")

    def _same_host(self, address: str, location: str) -> str:
        target = urljoin(address, location)
        before, after = urlsplit(address), urlsplit(target)
        if (before.scheme, before.netloc) != (after.scheme, after.netloc) and not (
            before.hostname == after.hostname and after.scheme == "https"
        ):
            raise Refusal(
                f"{address} sends the reader on to {after.scheme}://{after.netloc}: if you trust that host, name it"
                " yourself."
            )
        return target


def cache_name(address: str) -> str:
    """A folder name for an address, the same for ever."""
    readable = re.sub(r"[^A-Za-z0-9]+", "-", address.split("://")[-1]).strip("-")[:40]
    return f"{readable}-{hashlib.sha256(address.rstrip('/').encode()).hexdigest()[:12]}"


def keep(file: Path, content: bytes) -> None:
    """Write in one rename."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=file.parent, prefix=".open-", delete=False) as part:
        part.write(content)
    Path(part.name).replace(file)


def _plain(error: Exception) -> str:
    if isinstance(error, requests.exceptions.Timeout):
        return "no answer in time"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the line was cut"
    text = str(error)
    return text if text.startswith("it answered") else type(error).__name__
