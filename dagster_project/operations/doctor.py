"""`nqpf doctor`: what is wrong with a warehouse that a person has to mend. Opens every file read-only.

What the next refresh sees or mends itself is not looked for: landing files, rights, space, leftovers of a killed run, a
missing build file.
"""

import json
import re
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

import duckdb

from dagster_project.errors import IngestError
from dagster_project.files import sha256_of
from dagster_project.ingest.sidecar import find_sidecars
from dagster_project.operations.faults import damage_of
from dagster_project.paths import PROJECT, Paths
from dagster_project.publish.release.folder import MANIFEST, latest_release, manifest_of
from dagster_project.publish.release.record import candidate_folders, state_of, waiting
from dagster_project.publish.release.verify import verify_release
from dagster_project.published import stray_log
from dagster_project.run.lock import holder

PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)
MOST_PROBLEMS = 5  # of one release
CURRENT_SQL = """
select source, data_year, vintage from (from raw.load union all by name from raw.series_load) where is_accepted
qualify row_number() over (partition by source, data_year order by load_no desc) = 1 order by all
"""


@dataclass(frozen=True)
class Finding:
    """One fault, its place, and the way out."""

    what: str
    where: Path
    do: str


@dataclass
class Diagnosis:
    """What was looked at (subject, place), what is wrong, and what was left out and why."""

    checked: list[tuple[str, Path]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, subject: str, place: Path, findings: Iterator[Finding]) -> None:
        self.checked.append((subject, place))
        self.findings += findings


def diagnose(paths: Paths) -> Diagnosis:
    """Look at one warehouse."""
    text, is_refreshing = holder(paths)
    left_out = "Not looked at: landing files; `nqpf release verify --landing FOLDER` does."
    diagnosis = Diagnosis(notes=[left_out])
    lock = PROJECT / "requirements.lock"
    if lock.exists():
        diagnosis.add("Python and packages", lock, check_versions(lock))
    if is_refreshing:
        diagnosis.notes.append(f"A refresh is running ({text}): the build file was not checked.")
    elif paths.build_file.exists():
        diagnosis.add("build file", paths.build_file, _check_build(paths.build_file))
        if folder := _sidecars_of_last_refresh(paths):
            diagnosis.add("sidecars", folder, _check_sidecars(folder, paths.build_file))
    for file in sorted(paths.dagster_home.rglob("*.db")):
        diagnosis.add("Dagster's history", file, _check_history(file, paths))
    newest = latest_release(paths.releases)
    for folder in sorted(paths.releases.glob("[!.]*")):
        if folder.is_dir():
            diagnosis.add("release", folder, _check_release(folder, is_newest=folder.name == newest))
    for folder in candidate_folders(paths):
        state = state_of(paths, folder.name, manifest_of(folder))
        if folder.name in waiting(paths):
            diagnosis.notes.append(f"{folder.name} waits for a signature: `nqpf release review`.")
        diagnosis.add("candidate", folder, _check_candidate(folder, is_published=state == "published"))
    if newest or paths.published_file.exists():
        diagnosis.add("published file", paths.published_file, _check_published(paths, newest))
    return diagnosis


def check_versions(lock: Path) -> Iterator[Finding]:
    """Python and packages are those of the lock file; a package that is not in it is not judged."""
    if not (3, 12) <= sys.version_info[:2] <= (3, 13):
        what = f"Python {sys.version.split()[0]} is outside 3.12 to 3.13"
        yield Finding(what, Path(sys.executable), "run `make clean setup` with PYTHON=python3.13")
    lock_versions: dict[str, set[str]] = {}
    for name, version in PINNED.findall(lock.read_text(encoding="utf-8")):
        lock_versions.setdefault(_normalised(name), set()).add(version)
    for package in metadata.distributions():
        name = _normalised(package.metadata["Name"] or "")
        if name in lock_versions and package.version not in lock_versions[name]:
            what = f"{name} {package.version} is installed, the lock has {' or '.join(sorted(lock_versions[name]))}"
            yield Finding(what, lock, "run `make setup` again, or `make lock` if the change is wanted")


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _check_build(file: Path) -> Iterator[Finding]:
    if damage := damage_of(file):
        do = (
            f"move it and, if it is there, {file.name}.wal away; then run `nqpf refresh`: it is made from landing files"
        )
        yield Finding(f"The build file is damaged: {damage[:200]}", file, do)


def _sidecars_of_last_refresh(paths: Paths) -> Path | None:
    try:
        folder = Path(json.loads(paths.inputs_file.read_text(encoding="utf-8"))["sidecars"])
    except (OSError, ValueError, LookupError):
        return None
    return folder if folder.is_dir() else None


def _check_sidecars(folder: Path, build_file: Path) -> Iterator[Finding]:
    """Each load in use still has its sidecar."""
    try:
        with_sidecar = {(one.source, one.data_year, one.vintage) for one in find_sidecars(folder)}
        with duckdb.connect(str(build_file), read_only=True) as con:
            loads = con.execute(CURRENT_SQL).fetchall()
    except (IngestError, duckdb.Error):  # the next refresh says what is wrong with a sidecar, and see above
        return
    for source, year, vintage in loads:
        if (source, year, vintage) not in with_sidecar:
            what = f"{source} {year or 'of several years'}, vintage {vintage}, is in use and no sidecar describes it"
            do = "put the sidecar back; or, to be rid of the load, move the build file away and run `nqpf refresh`"
            yield Finding(what, folder, do)


def _check_history(file: Path, paths: Paths) -> Iterator[Finding]:
    try:
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as con:
            answer = str(con.execute("pragma quick_check").fetchone()[0])
        con.close()
    except sqlite3.Error as error:
        answer = str(error)
    if answer != "ok":
        do = f"stop `nqpf ui`, move {paths.dagster_home} away, run `nqpf refresh`; only the history of runs is lost"
        yield Finding(f"Dagster's records are damaged: {answer}", file, do)


def _check_release(folder: Path, *, is_newest: bool) -> Iterator[Finding]:
    """The newest one by every hash of its manifest; of the others that they are there (`nqpf release verify NAME`)."""
    do = f"copy it back from a backup, or rebuild it: `nqpf release rebuild {folder.name} --into FOLDER`"
    missing = [name for name in (MANIFEST, "city.duckdb") if not (folder / name).is_file()]
    if missing:
        yield Finding(f"Release {folder.name} is incomplete: {' and '.join(missing)} missing", folder, do)
    elif is_newest:
        for problem in _problems_of_release(folder)[:MOST_PROBLEMS]:
            yield Finding(f"Release {folder.name}: {problem}", folder, do)


def _check_candidate(folder: Path, *, is_published: bool) -> Iterator[Finding]:
    """It is what was built; nothing is left of one that was promoted."""
    if is_published:
        do = f"finish it: `nqpf release promote {folder.name} --by NAME`"
        yield Finding(f"The promotion of {folder.name} was stopped before its end", folder, do)
    elif problems := _problems_of_release(folder):
        do = "`nqpf release reject` it, and build it again: `nqpf refresh --candidate`"
        yield Finding(f"Candidate {folder.name}: {problems[0]}", folder, do)


def _problems_of_release(folder: Path) -> list[str]:
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return [f"{MANIFEST} cannot be read ({error})."]
    if damage := damage_of(folder / "city.duckdb"):
        return [f"city.duckdb is damaged: {damage[:160]}"]
    return list(verify_release(folder, manifest).problems)


def _check_published(paths: Paths, newest: str | None) -> Iterator[Finding]:
    """The file that analysts open is there, whole, and that of the newest release."""
    file, log = paths.published_file, stray_log(paths.published_file)
    release_file = paths.releases / str(newest) / "city.duckdb"
    do = f"copy {release_file} over it, or run `nqpf refresh`"
    if log.exists():
        what = "Another program wrote into the published file, and whoever reads it reads that too"
        yield Finding(
            what,
            log,
            f"close that program (open the file read-only there), then delete {log.name}, or run `nqpf refresh`",
        )
    elif not file.exists():
        yield Finding("The published file is missing", file, do)
    elif damage := damage_of(file):
        yield Finding(f"The published file is damaged: {damage[:200]}", file, do)
    elif release_file.exists() and sha256_of(release_file) != sha256_of(file):
        yield Finding(f"The published file is not the one of the newest release {newest}", file, do)
