"""`nqpf doctor` names what is wrong, where, and what to do; it changes nothing, and `--fix` does only what is safe."""

import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from house import said
from landing_tools import read_sidecar, write_sidecar
from rich.console import Console
from tiny import RELEASE, tiny_warehouse

from dagster_project.cli.care import show_diagnosis
from dagster_project.operations import check_surroundings, faults, preflight
from dagster_project.operations.database_file import damage_of
from dagster_project.operations.doctor import apply_fixes, diagnose
from dagster_project.operations.faults import sentence_of
from dagster_project.run.lock import refresh_lock

check_versions = check_surroundings.check_versions


@pytest.fixture(autouse=True)
def _locked_versions(monkeypatch):
    """Whatever is installed where the tests run is not the matter of most of them."""
    monkeypatch.setattr(check_surroundings, "check_versions", lambda: iter(()))


@pytest.fixture
def paths(tmp_path):
    return tiny_warehouse(tmp_path)


def fingerprint(root):
    """Path -> sha256, or where a link leads."""

    def of(path):
        if path.is_symlink():
            return str(path.readlink())
        return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"

    return {path.relative_to(root).as_posix(): of(path) for path in root.rglob("*")}


def findings(paths):
    """What the doctor says of this warehouse; it changes nothing."""
    before = fingerprint(paths.landing.parent)
    found = diagnose(paths).findings
    assert fingerprint(paths.landing.parent) == before
    return found


# ---- each fault alone ---------------------------------------------------------------------------------------


def cut(file):
    os.truncate(file, file.stat().st_size // 2)


def flip_bytes(file, first=None, n=5000):
    content = bytearray(file.read_bytes())
    first = len(content) // 2 if first is None else first
    content[first : first + n] = bytes(byte ^ 255 for byte in content[first : first + n])
    file.write_bytes(content)


def lead_nowhere(file):
    file.unlink(missing_ok=True)
    file.symlink_to(file.parent / "gone")


def write(content):
    def put(file):
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())

    return put


def leave_a_run(file):
    file.parent.mkdir()
    with sqlite3.connect(file) as con:
        con.execute("create table runs (status text)")
        con.execute("insert into runs values ('STARTED'), ('SUCCESS')")
    con.close()


def make_real(sidecar):
    write_sidecar(sidecar, {**read_sidecar(sidecar), "is_synthetic": False})


def make_real_and_say_so(sidecar):
    make_real(sidecar)
    (sidecar.parents[1] / KIND).write_text("real\n", encoding="utf-8")


class Fault(NamedTuple):
    """What is done to which file below the root, what the doctor says of which place, and the way out."""

    file: str
    damage: Callable
    what: str
    do: str
    where: str = ""

    def plant(self, paths):
        root = paths.landing.parent
        self.damage(root / self.file)
        return root / (self.where or self.file)


BUILD, PUBLISHED = "warehouse/build/city.duckdb", "warehouse/published/city.duckdb"
KIND = "warehouse/build/kind.txt"
RELEASES, RUNS = "warehouse/published/releases", "warehouse/dagster_home/history/runs.db"
FOLDER, SIDECAR, TABLE = f"{RELEASES}/{RELEASE}", "landing/registry.yml", "landing/registry.csv"
ASIDE, COPIED, RESTORED = "`nqpf doctor --fix` sets it aside", "`nqpf doctor --fix` copies it", "restore the file"
KILLED = "Left by a run that was killed"

FAULTS = {
    "build_missing": Fault(BUILD, Path.unlink, "build file is missing", "rebuilt from the landing files"),
    "build_truncated": Fault(BUILD, cut, "build file is damaged", ASIDE),
    "build_empty": Fault(BUILD, write(""), "build file is damaged", ASIDE),
    "build_with_flipped_bytes": Fault(BUILD, flip_bytes, "build file is damaged", ASIDE),
    "published_missing": Fault(PUBLISHED, Path.unlink, "published file is missing", COPIED),
    "published_truncated": Fault(PUBLISHED, cut, "published file is damaged", COPIED),
    "published_is_a_link_to_nowhere": Fault(PUBLISHED, lead_nowhere, "broken link", COPIED),
    "release_file_changed": Fault(
        f"{FOLDER}/city.duckdb",
        cut,
        f"Release {RELEASE}: city.duckdb is damaged",
        f"nqpf release rebuild {RELEASE}",
        FOLDER,
    ),
    "release_manifest_cut": Fault(
        f"{FOLDER}/manifest.json", cut, "manifest.json cannot be read", "nqpf restore", FOLDER
    ),
    "old_release_half_there": Fault(
        f"{RELEASES}/2020.1.0-SYNTHETIC", Path.mkdir, "manifest.json and city.duckdb missing", "nqpf restore"
    ),
    "half_made_release": Fault(f"{RELEASES}/.2026.11.1-SYNTHETIC.tmp", Path.mkdir, KILLED, "removes it"),
    "half_made_snapshot": Fault("warehouse/published/.city.duckdb.tmp", write(b"half"), KILLED, "removes it"),
    "link_to_nowhere": Fault("warehouse/reports/latest", lead_nowhere, "broken link", "delete the link"),
    "killed_refresh": Fault(
        "warehouse/build/refresh.lock",
        write("process 4711 since 2026-01-01 00:00:00"),
        "A refresh was killed (process 4711",
        "run `nqpf refresh`",
    ),
    "records_vanished": Fault("warehouse/dagster_home", Path.rmdir, "DAGSTER_HOME) has disappeared", "created again"),
    "records_damaged": Fault(RUNS, write("not a database" * 100), "records are damaged", "move"),
    "run_that_nobody_works_on": Fault(RUNS, leave_a_run, "believes that 1 run is at work", "it closes them"),
    "landing_file_changed": Fault(
        TABLE, write("city,year,value\n合肥市,2014,2\n"), "expected sha256", RESTORED, SIDECAR
    ),
    "landing_file_missing": Fault(TABLE, Path.unlink, "is missing", RESTORED, SIDECAR),
    "sidecar_unreadable": Fault(SIDECAR, write("source: ["), "not readable YAML", "correct the sidecar", "landing"),
    "real_files_in_a_demo_warehouse": Fault(
        SIDECAR, make_real, "holds synthetic data, the landing files are real", "never mixed", KIND
    ),
    "marker_says_real": Fault(
        SIDECAR, make_real_and_say_so, "Published are synthetic data, the marker says real", "put there by hand", KIND
    ),
    "manifest_of_dbt_cut": Fault(
        "warehouse/build/dbt/manifest.json", write('{"nodes": {"a": {"b"'), "manifest was cut off", "written again"
    ),
}


def test_healthy_warehouse_has_no_finding(paths):
    assert findings(paths) == []


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_fault_is_named_with_its_place_and_the_way_out(paths, fault):
    where = fault.plant(paths)
    found = findings(paths)
    named = [finding for finding in found if fault.what in finding.what]
    assert len(named) == 1, found
    assert named[0].where == where
    assert fault.do in named[0].do


# ---- --fix ----------------------------------------------------------------------------------------------------

LOCK = {"warehouse/build/refresh.lock": hashlib.sha256(b"").hexdigest()}  # a lock that nobody holds
SAFE = ("published_missing", "published_truncated", "published_is_a_link_to_nowhere", "half_made_release")
FOR_A_PERSON = ("landing_file_changed", "release_file_changed", "link_to_nowhere", "marker_says_real")


@pytest.mark.parametrize("name", [*SAFE, "half_made_snapshot"])
def test_fix_makes_the_warehouse_healthy(paths, name):
    before = fingerprint(paths.landing.parent)
    FAULTS[name].plant(paths)
    (sentence,) = apply_fixes(paths, findings(paths))
    assert str(paths.warehouse) in sentence
    assert findings(paths) == []
    assert fingerprint(paths.landing.parent) == before | LOCK


def test_fix_sets_a_damaged_build_file_aside_and_deletes_nothing(paths):
    FAULTS["build_truncated"].plant(paths)
    damaged = paths.build_file.read_bytes()
    apply_fixes(paths, findings(paths))
    (aside,) = paths.build_file.parent.glob("city.duckdb.damaged_*")
    assert aside.read_bytes() == damaged
    (left,) = findings(paths)
    assert "The build file is missing" in left.what


@pytest.mark.parametrize("name", FOR_A_PERSON)
def test_fix_leaves_alone_what_only_a_person_can_decide(paths, name):
    FAULTS[name].plant(paths)
    found, before = findings(paths), fingerprint(paths.landing.parent)
    assert apply_fixes(paths, found) == []
    assert fingerprint(paths.landing.parent) == before | LOCK


# ---- the surroundings -------------------------------------------------------------------------------------------


def test_running_refresh_is_no_fault(paths):
    FAULTS["half_made_release"].plant(paths)  # belongs to it
    with refresh_lock(paths):
        found = diagnose(paths)
    assert found.findings == []
    assert f"A refresh is running (process {os.getpid()}" in found.notes[0]


def test_package_outside_the_lock_is_named(tmp_path):
    (tmp_path / "requirements.lock").write_text(
        "duckdb==0.0.1 \\\n    --hash=sha256:00\npandas==0.0.2 ; python_version < '3.13'\nnot-installed==1.0\n",
        encoding="utf-8",
    )
    found = sorted(finding.what for finding in check_versions(tmp_path))
    assert [(what.split()[0], what.split()[-1]) for what in found] == [("duckdb", "0.0.1"), ("pandas", "0.0.2")]
    assert all(" the lock has " in what for what in found)


def test_disk_that_is_nearly_full_is_named(paths, monkeypatch):
    monkeypatch.setattr(check_surroundings, "free_megabytes", lambda _folder: 1.0)
    (finding,) = check_surroundings.check_disk(paths)
    assert "1 MB free, a refresh needs about" in finding.what
    assert "nqpf release prune" in finding.do


def test_folder_without_the_right_to_write_is_named(paths, monkeypatch):
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != paths.published and real(path, mode))
    assert [finding.where for finding in check_surroundings.check_rights(paths)] == [paths.published]


# ---- the command ------------------------------------------------------------------------------------------------


def test_command_prints_each_finding_and_exits_with_one(paths):
    healthy = said(show_diagnosis, paths, fix=False, as_json=False)
    assert healthy.exit_code == 0
    assert f"Healthy: {paths.warehouse}" in healthy.text
    FAULTS["published_missing"].plant(paths)
    FAULTS["landing_file_changed"].plant(paths)
    ill = said(show_diagnosis, paths, fix=False, as_json=False)
    assert ill.exit_code == 1
    assert f"2 findings: {paths.warehouse}" in ill.text
    assert f"  where: {paths.published_file}" in ill.text


def test_command_speaks_json(paths, capsys):
    FAULTS["published_missing"].plant(paths)
    assert show_diagnosis(paths, Console(), fix=True, as_json=True) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["healthy"] is True
    assert said["done"] == [f"Published {RELEASE} again: {paths.published_file}."]


def test_refreshed_warehouse_is_healthy(small_warehouse):
    assert diagnose(small_warehouse.paths).findings == []


# ---- what DuckDB, SQLite and the system say about a broken place becomes one sentence ----------------------


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("OSError: [Errno 28] No space left on device", ["is full", "nqpf release prune", "nqpf refresh"]),
        ("OperationalError: (sqlite3.OperationalError) database or disk is full", ["is full"]),
        ("OSError: [Errno 27] File too large: 'x.parquet'", ["is full"]),
        ("OSError: [Errno 30] Read-only file system: '/x'", ["cannot be written", "--warehouse"]),
        ("sqlite3.OperationalError: attempt to write a readonly database", ["cannot be written"]),
        ("sqlite3.OperationalError: unable to open database file", ["Dagster's records", "Run `nqpf refresh` again"]),
    ],
)
def test_fault_of_the_surroundings_is_one_sentence(paths, text, says):
    sentence = sentence_of(text, paths)
    assert sentence is not None
    assert all(part in sentence for part in says), sentence


def test_full_disk_is_the_reason_when_sqlite_names_none(paths, monkeypatch):
    monkeypatch.setattr(faults, "free_megabytes", lambda _folder: 0.2)
    assert "is full (0 MB free)" in sentence_of("sqlite3.OperationalError: unable to open database file", paths)
    assert sentence_of("KeyError: 'score'", paths) is None


@pytest.mark.parametrize("text", ["KeyError: 'score'", ""])
def test_fault_of_the_program_is_not_taken_for_one_of_the_surroundings(paths, text):
    assert sentence_of(text, paths) is None


def test_damaged_build_file_is_named_and_a_good_one_is_not_blamed(paths):
    text = "Corrupt database file: computed checksum 1 does not match stored checksum 2"
    assert f"A file below {paths.published} is damaged" in sentence_of(text, paths)
    cut(paths.build_file)
    sentence = sentence_of(text, paths)
    assert f"The build file {paths.build_file} is damaged" in sentence
    assert f"`nqpf doctor --fix --warehouse {paths.warehouse}`" in sentence


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: flip_bytes(file, 12_288 + 100, 64),
        lambda file: flip_bytes(file, 4096 + 50, 64),
        lambda file: os.truncate(file, file.stat().st_size - 4096),
        lambda file: os.truncate(file, 0),
    ],
    ids=["first block", "header", "last block", "empty"],
)
def test_damage_is_found_wherever_it_is(small_warehouse, tmp_path, damage):
    file = tmp_path / "city.duckdb"
    shutil.copyfile(small_warehouse.paths.published_file, file)
    file.chmod(0o644)
    assert damage_of(file) is None
    damage(file)
    assert damage_of(file)


def test_refresh_that_would_fill_the_disk_is_not_begun(small_warehouse, monkeypatch):
    paths = small_warehouse.paths
    preflight.check_surroundings(paths)
    need = preflight.megabytes_needed(paths)
    assert need > 2 * paths.published_file.stat().st_size / 1e6
    monkeypatch.setattr(preflight, "free_megabytes", lambda _folder: need - 1)
    with pytest.raises(Exception, match=r"is nearly full: .* a refresh needs about"):
        preflight.check_surroundings(paths)
