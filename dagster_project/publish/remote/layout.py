"""How a release lies on a web server: which file is where, what its manifest says, who vouches for it.

latest.json  channels.json                       the only two files that change
releases/<version>/manifest.json (.sig)          sha256, bytes, rows and columns of each table
                   tables/<schema>/<table>.parquet
                   city.duckdb  report/ ...      the release as it was published
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagster_project.errors import Refusal

LATEST, CHANNELS = "latest.json", "channels.json"
MANIFEST, SIGNATURE, PAGES = "manifest.json", "manifest.json.sig", "pages.json"
FORMAT = 1
TABLE = re.compile(r"(easy|mart|ops)\.[a-z][a-z0-9_]*")
SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Remote:
    """One file of a release: path below its folder, sha256 and length."""

    path: str
    sha256: str
    n_bytes: int


def folder_of(release: str) -> str:
    return f"releases/{release}"


def table_path(name: str) -> str:
    """easy.ranking -> tables/easy/ranking.parquet"""
    schema, table = name.split(".")
    return f"tables/{schema}/{table}.parquet"


def as_json(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, indent=1, ensure_ascii=False, default=str) + "\n").encode()


def parsed(content: bytes, place: str) -> dict[str, Any]:
    """A JSON object. Raises Refusal for anything else, such as the error page of a server."""
    try:
        value = json.loads(content.decode("utf-8"))
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise Refusal(
            f"{place} is no JSON object: the address holds no releases, or its server answered something else."
        )
    return value


def file_in(manifest: Mapping[str, Any], name: str, place: str) -> Remote:
    """A table (easy.ranking) or a file (city.duckdb) of a manifest. Raises Refusal for an entry that cannot be right.

    The path of a table follows from its name: no manifest can point to another folder.
    """
    is_table = TABLE.fullmatch(name) is not None
    entry = manifest["tables" if is_table else "files"].get(name, {})
    digest, n_bytes = entry.get("sha256"), entry.get("bytes")
    if not (isinstance(digest, str) and SHA256.fullmatch(digest) and isinstance(n_bytes, int) and n_bytes >= 0):
        raise Refusal(
            f"{place} states no sha256 and length of {name}: its manifest is not one of `nqpf release export`."
        )
    return Remote(table_path(name) if is_table else name, digest, n_bytes)


def sign(content: bytes, key_file: Path) -> bytes:
    """Detached Ed25519 signature, base64, of a manifest. Raises Refusal where the file holds no such private key."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(key_file.read_bytes(), password=None)
    except OSError as error:
        raise Refusal(f"{key_file} cannot be read: {error.strerror}.") from error
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise Refusal(
            f"{key_file} is no private Ed25519 key without a password (PEM): "
            "`openssl genpkey -algorithm ed25519 -out key.pem` makes one."
        )
    return base64.b64encode(key.sign(content)) + b"\n"


def is_signed_by(content: bytes, signature: bytes, public_key: bytes) -> bool:
    """Whether the signature over these bytes is that of the key (PEM). Raises Refusal where the key is none."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(public_key)
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise Refusal(
            "The key is no public Ed25519 key (PEM): `openssl pkey -in key.pem -pubout -out key.pub.pem` writes the one"
            " that belongs to a private key."
        )
    try:
        key.verify(base64.b64decode(signature.strip(), validate=True), content)
    except (InvalidSignature, binascii.Error):
        return False
    return True
