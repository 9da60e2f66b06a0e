"""The record of a release in its manifest: candidate, examined, published, rejected, withdrawn; who, when, the hash.

Entries are only appended: each holds the hash of those before it, so that `nqpf release verify` sees a changed one.
"""

import datetime as dt
import hashlib
import html
import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dagster_project.files import sha256_of
from dagster_project.paths import Paths
from dagster_project.publish.locale import catalogue, languages, msg
from dagster_project.publish.release.folder import MANIFEST, file_hashes, known_releases, latest_release, manifest_of

Manifest = Mapping[str, Any]
Entry = dict[str, Any]
SIGNED = msg("Examined by {examined}, signed by {by} on {day}.")
SIGNED_ALONE = msg("Signed by {by} on {day}.")
STATES = {
    "candidate": msg("Candidate {name}: not published, it waits for a signature."),
    "rejected": msg("Candidate {name} was rejected on {day}: {why}"),
    "withdrawn": msg("Release {name} was withdrawn on {day}: {why}"),
}
BANNER = (  # the pages of the report take no style but that of their sheet
    '<div class="banner" data-{kind} role="alert" style="background:#b00020;color:#fff;padding:.6em 1em;'
    'font-weight:600">{text}</div>'
)


def moment() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def with_entry(manifest: Manifest, step: str, **facts: Any) -> dict[str, Any]:
    """The manifest with one more entry; facts that are empty are left out."""
    record = list(manifest.get("record", []))
    fields = {name: value for name, value in facts.items() if value not in (None, "", [])}
    return {**manifest, "record": [*record, {"step": step, "at": moment(), **fields, "before": _hash(record)}]}


def is_unbroken(manifest: Manifest) -> bool:
    """Whether no entry was changed, taken out or put in."""
    record = manifest.get("record", [])
    return all(entry.get("before") == _hash(record[:k]) for k, entry in enumerate(record))


def _hash(record: list[Entry]) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]


def last_entry(manifest: Manifest, step: str) -> Entry:
    """The last entry of a step; empty if there is none."""
    return next((entry for entry in reversed(manifest.get("record", [])) if entry["step"] == step), {})


def seal_of(folder: Path) -> str:
    """One hash over a whole release: its manifest lists the hash of every other file."""
    return sha256_of(folder / MANIFEST)


def seal(folder: Path, manifest: Manifest) -> None:
    """Put the manifest in place, with the hashes of the files as they are now, in one rename."""
    fresh = folder.with_name(f".{folder.name}.manifest.tmp")  # outside: it is no part of the release
    content = {**manifest, "files": file_hashes(folder)}
    fresh.write_text(json.dumps(content, indent=2, ensure_ascii=False, default=str) + "\n", encoding="utf-8")
    fresh.replace(folder / MANIFEST)


def sweep(room: Path) -> None:
    """Half-made folders and files of killed runs go."""
    for left in room.glob(".*.tmp"):
        if left.is_dir():
            shutil.rmtree(left)
        else:
            left.unlink()


# ---- candidates


def waiting(paths: Paths) -> list[str]:
    """Candidates that may be promoted, oldest first: neither rejected, nor published, nor overtaken by a release."""
    current = latest_release(paths.releases)
    manifests = {folder.name: manifest_of(folder) for folder in candidate_folders(paths)}
    return [
        name
        for name, manifest in manifests.items()
        if manifest.get("previous") == current and state_of(paths, name, manifest) == "candidate"
    ]


def candidate_folders(paths: Paths) -> list[Path]:
    """Oldest first; the folder that a killed promote left behind is none."""
    folders = [one.parent for one in paths.candidates.glob(f"[!.]*/{MANIFEST}")]
    return sorted(folders, key=lambda folder: [int(n) for n in folder.name.split("-")[0].split(".")])


def state_of(paths: Paths, name: str, manifest: Manifest) -> str:
    """candidate, rejected, published or withdrawn."""
    if "withdrawn" in manifest:
        return "withdrawn"
    if (paths.releases / name / MANIFEST).is_file():
        return "published"
    return "rejected" if last_entry(manifest, "rejected") else "candidate"


def list_of_releases(paths: Paths) -> list[dict[str, str]]:
    """Releases and candidates with their state and who signed, the last built first."""
    rows = []
    for folder in (*candidate_folders(paths), *(paths.releases / row["release"] for row in known_releases(paths))):
        manifest = manifest_of(folder)
        run, state = manifest["run"], state_of(paths, folder.name, manifest)
        if folder.parent == paths.candidates and state in ("published", "withdrawn"):
            continue  # what a killed promote left behind
        if state == "candidate" and folder.name not in waiting(paths):
            state = "overtaken"
        rows.append(
            {
                "release": folder.name,
                "state": state,
                "signed by": last_entry(manifest, "published").get("by", ""),
                "data_vintage": run["data_vintage"],
                "method_version": run["method_version"],
                "built": str(run["started_at"])[:19],
                "why": last_entry(manifest, "rejected").get("why", "") or manifest.get("withdrawn", {}).get("why", ""),
            }
        )
    return sorted(rows, key=lambda row: (row["built"], row["release"]), reverse=True)


# ---- what readers are told


def signature(manifest: Manifest, language: str = "en") -> str:
    """Examined by, signed by, when; empty for a release that was published without a signature."""
    last, by = last_entry(manifest, "published"), last_entry(manifest, "examined")
    if "by" not in last:
        return ""
    role = f" ({last['role']})" if "role" in last else ""
    values = {"by": f"{last['by']}{role}", "day": last["at"][:10], "examined": ", ".join(by.get("by", []))}
    return catalogue(language).say(SIGNED if by else SIGNED_ALONE, **values)


def with_state(page: str, manifest: Manifest) -> str:
    """A page that says what its release is: a banner on a candidate or on what was taken back, else the signature in
    its foot."""
    language = next(iter(re.findall(r'data-language="(\w+)"', page)), "en")
    words = catalogue(language if language in languages() else "en")
    page = re.sub(r"<div [^>]*data-candidate.*?</div>", "", page, count=1)
    entry = {"name": str(manifest["release"]), "step": "", **(manifest.get("record") or [{}])[-1]}
    if entry["step"] in STATES:
        kind, text = entry["step"], words.say(STATES[entry["step"]], **{**entry, "day": entry["at"][:10]})
        banner = BANNER.format(kind=kind, text=html.escape(text))
        return page if f"data-{kind}" in page else re.sub(r"<body[^>]*>", lambda body: body[0] + banner, page, count=1)
    foot = html.escape(signature(manifest, words.language))
    return page.replace("</footer>", f'<p class="signed">{foot}</p>\n</footer>', 1) if foot else page


def say_on_pages(folder: Path, manifest: Manifest) -> None:
    """Every page of the folder, put in place as a new file: the old one may be shared with another folder."""
    for page in folder.rglob("*.html"):
        before = page.read_text(encoding="utf-8")
        after = with_state(before, manifest)
        if after != before:
            put(page, after)


def put(file: Path, text: str) -> None:
    """As a new file, in one rename."""
    fresh = file.with_name(f".{file.name}.tmp")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(file)
