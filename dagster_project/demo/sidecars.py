"""Writes the sidecar beside each synthetic load, with the real hashes of its files."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

PRODUCER = "SYNTHETIC demo generator"
LICENCE = "same as the project; the values are drawn from a random generator and describe no real city"
ACCESSED = "2026-11-01"


def write_sidecar(path: Path, landing: Path, files: Sequence[Path], fields: Mapping[str, object]) -> str:
    """Write a sidecar for `files` and return the vintage of the load (12 hex digits)."""
    hashes = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
    entries = [
        {"path": file.relative_to(landing).as_posix(), "sha256": digest}
        for file, digest in zip(files, hashes, strict=True)
    ]
    head = {"source": fields["source"], "layout": fields["layout"], "files": entries}
    tail = {"producer": PRODUCER, "licence": LICENCE, "accessed": ACCESSED, "is_synthetic": True}
    content = {**head, **fields, **tail}
    path.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=110), encoding="utf-8")
    if len(hashes) == 1:
        return hashes[0][:12]
    return hashlib.sha256("\n".join(sorted(hashes)).encode()).hexdigest()[:12]
