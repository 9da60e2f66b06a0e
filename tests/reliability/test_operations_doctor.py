"""`nqpf doctor` names what is wrong, where, and what to do; it changes nothing."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import duckdb
import pandas as pd
import pytest
from house import said
from tiny import RELEASE, tiny_warehouse
from typer.testing import CliRunner

from dagster_project.cli.care import show_diagnosis
from dagster_project.cli.main import app
from dagster_project.ingest.sidecar import find_sidecars
from dagster_project.operations import faults, preflight
from dagster_project.operations.doctor import check_versions, diagnose
from dagster_project.operations.faults import damage_of, sentence_of
from dagster_project.run.lock import refresh_lock
from dagster_project.store import Warehouse


@pytest.fixture(autouse=True)
def _locked_versions(monkeypatch):
    """Whatever is installed where the tests run is not the matter of most of them."""
    monkeypatch.setattr("dagster_project.operations.doctor.check_versions", lambda _lock: iter(()))


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
RELEASES, RUNS = "warehouse/published/releases", "warehouse/dagster_home/history/runs.db"
FOLDER = f"{RELEASES}/{RELEASE}"
AWAY, COPIED, REBUILT = (
    "move it and, if it is there, city.duckdb.wal away",
    "over it",
    f"nqpf release rebuild {RELEASE}",
)

FAULTS = {
    "build_truncated": Fault(BUILD, cut, "build file is damaged", AWAY),
    "build_empty": Fault(BUILD, write(""), "build file is damaged", AWAY),
    "build_with_flipped_bytes": Fault(BUILD, flip_bytes, "build file is damaged", AWAY),
    "published_missing": Fault(PUBLISHED, Path.unlink, "published file is missing", COPIED),
    "published_truncated": Fault(PUBLISHED, cut, "published file is damaged", COPIED),
    "published_is_a_link_to_nowhere": Fault(PUBLISHED, lead_nowhere, "published file is missing", COPIED),
    "release_file_changed": Fault(
        f"{FOLDER}/city.duckdb", cut, f"Release {RELEASE}: city.duckdb is damaged", REBUILT, FOLDER
    ),
    "release_manifest_cut": Fault(f"{FOLDER}/manifest.json", cut, "manifest.json cannot be read", REBUILT, FOLDER),
    "old_release_half_there": Fault(
        f"{RELEASES}/2020.1.0-SYNTHETIC", Path.mkdir, "manifest.json and city.duckdb missing", "from a backup"
    ),
    "records_damaged": Fault(RUNS, write("not a database" * 100), "records are damaged", "move"),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_fault_is_named_with_its_place_and_the_way_out(paths, fault):
    where = fault.plant(paths)
    found = findings(paths)
    named = [finding for finding in found if fault.what in finding.what]
    assert len(named) == 1, found
    assert named[0].where == where
    assert fault.do in named[0].do


def test_a_load_in_use_whose_sidecar_was_taken_away_is_named(paths):
    (sidecar,) = find_sidecars(paths.sidecars)
    Warehouse(paths.build_file).prepare()
    with duckdb.connect(str(paths.build_file)) as con:
        load = {"source": sidecar.source, "data_year": sidecar.data_year, "vintage": sidecar.vintage}
        con.register("load", pd.DataFrame([{**load, "load_no": 1, "is_accepted": True}]))
        con.execute("insert into raw.series_load by name from load")
    paths.inputs_file.write_text(json.dumps({"sidecars": str(paths.sidecars)}), encoding="utf-8")
    assert findings(paths) == []
    sidecar.path.unlink()
    (finding,) = findings(paths)
    assert finding.what.startswith("registry of several years, vintage ")
    assert "put the sidecar back" in finding.do


def test_build_file_is_not_judged_while_a_refresh_writes_it(paths):
    FAULTS["build_truncated"].plant(paths)
    with refresh_lock(paths):
        diagnosis = diagnose(paths)
    assert diagnosis.findings == []
    assert any(f"A refresh is running (process {os.getpid()}" in note for note in diagnosis.notes)


def test_package_outside_the_lock_is_named(tmp_path):
    (tmp_path / "requirements.lock").write_text(
        "duckdb==0.0.1 \\\n    --hash=sha256:00\npandas==0.0.2 ; python_version < '3.13'\nnot-installed==1.0\n",
        encoding="utf-8",
    )
    found = sorted(finding.what for finding in check_versions(tmp_path / "requirements.lock"))
    assert [(what.split()[0], what.split()[-1]) for what in found] == [("duckdb", "0.0.1"), ("pandas", "0.0.2")]
    assert all(" the lock has " in what for what in found)


# ---- the command ------------------------------------------------------------------------------------------------


def test_command_shows_what_it_looks_at_each_finding_and_exits_with_one(paths):
    healthy = said(show_diagnosis, paths, as_json=False)
    assert healthy.exit_code == 0
    assert f"Healthy: {paths.warehouse}" in healthy.text
    assert all(str(place) in healthy.text for place in (paths.build_file, paths.published_file, paths.releases))
    FAULTS["published_missing"].plant(paths)
    FAULTS["build_truncated"].plant(paths)
    ill = said(show_diagnosis, paths, as_json=False)
    assert ill.exit_code == 1
    assert f"2 findings: {paths.warehouse}" in ill.text
    assert f"  where: {paths.published_file}" in ill.text


def test_command_looks_at_the_warehouse_that_the_environment_names(paths):
    FAULTS["published_missing"].plant(paths)
    outcome = CliRunner().invoke(app, ["doctor", "--json"], env={"NQPF_WAREHOUSE": str(paths.warehouse)})
    assert outcome.exit_code == 1
    content = json.loads(outcome.output)
    assert content["healthy"] is False
    assert [finding["where"] for finding in content["findings"]] == [str(paths.published_file)]
    assert {"subject": "build file", "where": str(paths.build_file)} in content["checked"]


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


@pytest.mark.parametrize("text", ["KeyError: 'score'", ""])
def test_fault_of_the_program_is_not_taken_for_one_of_the_surroundings(paths, text):
    assert sentence_of(text, paths) is None


def test_damaged_build_file_is_named_and_a_good_one_is_not_blamed(paths):
    text = "Corrupt database file: computed checksum 1 does not match stored checksum 2"
    assert f"A file below {paths.published} is damaged" in sentence_of(text, paths)
    cut(paths.build_file)
    sentence = sentence_of(text, paths)
    assert f"The build file {paths.build_file} is damaged" in sentence
    assert "the next `nqpf refresh` makes it from the landing files" in sentence


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
