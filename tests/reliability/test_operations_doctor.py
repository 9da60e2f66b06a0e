"""`nqpf doctor` names what is wrong, where, and what to do; it changes nothing, and `--fix` does only what is safe."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from house import House
from landing_tools import read_sidecar, write_sidecar
from rich.console import Console
from tiny import RELEASE, tiny_warehouse

from dagster_project.cli.care import show_diagnosis
from dagster_project.operations import check_surroundings
from dagster_project.operations.doctor import apply_fixes, diagnose
from dagster_project.operations.findings import Finding
from dagster_project.paths import Paths
from dagster_project.run.lock import refresh_lock

check_versions = check_surroundings.check_versions


@pytest.fixture(autouse=True)
def _locked_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is installed where the tests run is not the matter of most of them."""
    monkeypatch.setattr(check_surroundings, "check_versions", lambda: iter(()))


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return tiny_warehouse(tmp_path)


def fingerprint(root: Path) -> dict[str, str]:
    """Path -> sha256, or where a link leads."""
    return {
        path.relative_to(root).as_posix(): str(path.readlink())
        if path.is_symlink()
        else hashlib.sha256(path.read_bytes()).hexdigest()
        if path.is_file()
        else "folder"
        for path in root.rglob("*")
    }


def findings(paths: Paths) -> list[Finding]:
    """What the doctor says of this warehouse; it changes nothing."""
    before = fingerprint(paths.landing.parent)
    found = diagnose(paths).findings
    assert fingerprint(paths.landing.parent) == before
    return found


# ---- each fault alone ---------------------------------------------------------------------------------------


def cut(file: Path) -> None:
    with file.open("r+b") as stream:
        stream.truncate(file.stat().st_size // 2)


def build_missing(paths: Paths) -> Path:
    paths.build_file.unlink()
    return paths.build_file


def build_truncated(paths: Paths) -> Path:
    cut(paths.build_file)
    return paths.build_file


def build_empty(paths: Paths) -> Path:
    paths.build_file.write_bytes(b"")
    return paths.build_file


def build_with_flipped_bytes(paths: Paths) -> Path:
    content = bytearray(paths.build_file.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 5000] = bytes(byte ^ 255 for byte in content[middle : middle + 5000])
    paths.build_file.write_bytes(content)
    return paths.build_file


def published_missing(paths: Paths) -> Path:
    paths.published_file.unlink()
    return paths.published_file


def published_truncated(paths: Paths) -> Path:
    cut(paths.published_file)
    return paths.published_file


def published_is_a_link_to_nowhere(paths: Paths) -> Path:
    paths.published_file.unlink()
    paths.published_file.symlink_to(paths.published / "gone.duckdb")
    return paths.published_file


def release_file_changed(paths: Paths) -> Path:
    cut(paths.releases / RELEASE / "city.duckdb")
    return paths.releases / RELEASE


def release_manifest_cut(paths: Paths) -> Path:
    cut(paths.releases / RELEASE / "manifest.json")
    return paths.releases / RELEASE


def old_release_half_there(paths: Paths) -> Path:
    (paths.releases / "2020.1.0-SYNTHETIC").mkdir()
    return paths.releases / "2020.1.0-SYNTHETIC"


def half_made_release(paths: Paths) -> Path:
    folder = paths.releases / ".2026.11.1-SYNTHETIC.tmp"
    (folder / "parquet").mkdir(parents=True)
    return folder


def half_made_snapshot(paths: Paths) -> Path:
    file = paths.fresh_file
    file.write_bytes(b"half")
    return file


def link_to_nowhere(paths: Paths) -> Path:
    (paths.reports / "latest").symlink_to(paths.reports / "gone")
    return paths.reports / "latest"


def killed_refresh(paths: Paths) -> Path:
    lock = paths.build_file.with_name("refresh.lock")
    lock.write_text("process 4711 since 2026-01-01 00:00:00", encoding="utf-8")
    return lock


def records_vanished(paths: Paths) -> Path:
    paths.dagster_home.rmdir()
    return paths.dagster_home


def records_damaged(paths: Paths) -> Path:
    file = paths.dagster_home / "history" / "runs.db"
    file.parent.mkdir()
    file.write_bytes(b"not a database" * 100)
    return file


def run_that_nobody_works_on(paths: Paths) -> Path:
    file = paths.dagster_home / "history" / "runs.db"
    file.parent.mkdir()
    with sqlite3.connect(file) as con:
        con.execute("create table runs (status text)")
        con.execute("insert into runs values ('STARTED'), ('SUCCESS')")
    con.close()
    return file


def landing_file_changed(paths: Paths) -> Path:
    (paths.landing / "registry.csv").write_text("city,year,value\n合肥市,2014,2\n", encoding="utf-8")
    return paths.landing / "registry.yml"


def landing_file_missing(paths: Paths) -> Path:
    (paths.landing / "registry.csv").unlink()
    return paths.landing / "registry.yml"


def sidecar_unreadable(paths: Paths) -> Path:
    (paths.landing / "registry.yml").write_text("source: [", encoding="utf-8")
    return paths.landing


def real_files_in_a_demo_warehouse(paths: Paths) -> Path:
    sidecar = paths.landing / "registry.yml"
    write_sidecar(sidecar, {**read_sidecar(sidecar), "is_synthetic": False})
    return paths.build_file.with_name("kind.txt")


def marker_says_real(paths: Paths) -> Path:
    sidecar = paths.landing / "registry.yml"
    write_sidecar(sidecar, {**read_sidecar(sidecar), "is_synthetic": False})
    marker = paths.build_file.with_name("kind.txt")
    marker.write_text("real\n", encoding="utf-8")
    return marker


def manifest_of_dbt_cut(paths: Paths) -> Path:
    file = paths.dbt_target / "manifest.json"
    file.parent.mkdir()
    file.write_text('{"nodes": {"a": {"b"', encoding="utf-8")
    return file


FAULTS: list[tuple[Callable[[Paths], Path], str, str]] = [
    (build_missing, "build file is missing", "rebuilt from the landing files"),
    (build_truncated, "build file is damaged", "`nqpf doctor --fix` sets it aside"),
    (build_empty, "build file is damaged", "`nqpf doctor --fix` sets it aside"),
    (build_with_flipped_bytes, "build file is damaged", "`nqpf doctor --fix` sets it aside"),
    (published_missing, "published file is missing", "`nqpf doctor --fix` copies it"),
    (published_truncated, "published file is damaged", "`nqpf doctor --fix` copies it"),
    (published_is_a_link_to_nowhere, "broken link", "`nqpf doctor --fix` copies it"),
    (release_file_changed, f"Release {RELEASE}: city.duckdb is damaged", f"nqpf release rebuild {RELEASE}"),
    (release_manifest_cut, "manifest.json cannot be read", "nqpf restore"),
    (old_release_half_there, "manifest.json and city.duckdb missing", "nqpf restore"),
    (half_made_release, "Left by a run that was killed", "removes it"),
    (half_made_snapshot, "Left by a run that was killed", "removes it"),
    (link_to_nowhere, "broken link", "delete the link"),
    (killed_refresh, "A refresh was killed (process 4711", "run `nqpf refresh`"),
    (records_vanished, "DAGSTER_HOME) has disappeared", "created again"),
    (records_damaged, "records are damaged", "move"),
    (run_that_nobody_works_on, "believes that 1 run is at work", "it closes them"),
    (landing_file_changed, "expected sha256", "restore the file"),
    (landing_file_missing, "is missing", "restore the file"),
    (sidecar_unreadable, "not readable YAML", "correct the sidecar"),
    (real_files_in_a_demo_warehouse, "holds synthetic data, the landing files are real", "never mixed"),
    (marker_says_real, "Published are synthetic data, the marker says real", "put there by hand"),
    (manifest_of_dbt_cut, "manifest was cut off", "written again"),
]


def test_healthy_warehouse_has_no_finding(paths: Paths) -> None:
    assert findings(paths) == []


@pytest.mark.parametrize(("break_it", "what", "do"), FAULTS, ids=[fault[0].__name__ for fault in FAULTS])
def test_fault_is_named_with_its_place_and_the_way_out(
    paths: Paths, break_it: Callable[[Paths], Path], what: str, do: str
) -> None:
    where = break_it(paths)
    found = findings(paths)
    named = [finding for finding in found if what in finding.what]
    assert len(named) == 1, found
    assert named[0].where == where
    assert do in named[0].do


# ---- --fix ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "break_it",
    [published_missing, published_truncated, published_is_a_link_to_nowhere, half_made_release, half_made_snapshot],
)
def test_fix_makes_the_warehouse_healthy(paths: Paths, break_it: Callable[[Paths], Path]) -> None:
    before = fingerprint(paths.landing.parent)
    break_it(paths)
    (sentence,) = apply_fixes(paths, findings(paths))
    assert str(paths.warehouse) in sentence
    assert findings(paths) == []
    assert fingerprint(paths.landing.parent) == {**before, "warehouse/build/refresh.lock": _empty_sha256()}


def test_fix_sets_a_damaged_build_file_aside_and_deletes_nothing(paths: Paths) -> None:
    build_truncated(paths)
    damaged = paths.build_file.read_bytes()
    apply_fixes(paths, findings(paths))
    (aside,) = paths.build_file.parent.glob("city.duckdb.damaged_*")
    assert aside.read_bytes() == damaged
    (left,) = findings(paths)
    assert "The build file is missing" in left.what


@pytest.mark.parametrize("break_it", [landing_file_changed, release_file_changed, link_to_nowhere, marker_says_real])
def test_fix_leaves_alone_what_only_a_person_can_decide(paths: Paths, break_it: Callable[[Paths], Path]) -> None:
    break_it(paths)
    found = findings(paths)
    before = fingerprint(paths.landing.parent)
    assert apply_fixes(paths, found) == []
    assert {**before, "warehouse/build/refresh.lock": _empty_sha256()} == fingerprint(paths.landing.parent)


def _empty_sha256() -> str:
    return hashlib.sha256(b"").hexdigest()


# ---- the surroundings -------------------------------------------------------------------------------------------


def test_running_refresh_is_no_fault(paths: Paths) -> None:
    half_made_release(paths)  # belongs to it
    with refresh_lock(paths):
        found = diagnose(paths)
    assert found.findings == []
    assert f"A refresh is running (process {os.getpid()}" in found.notes[0]


def test_package_outside_the_lock_is_named(tmp_path: Path) -> None:
    (tmp_path / "requirements.lock").write_text(
        "duckdb==0.0.1 \\\n    --hash=sha256:00\npandas==0.0.2 ; python_version < '3.13'\nnot-installed==1.0\n",
        encoding="utf-8",
    )
    found = [finding.what for finding in check_versions(tmp_path)]
    assert len(found) == 2
    assert any(what.startswith("duckdb ") and what.endswith("the lock has 0.0.1") for what in found)
    assert any(what.startswith("pandas ") and what.endswith("the lock has 0.0.2") for what in found)


def test_disk_that_is_nearly_full_is_named(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_surroundings, "free_megabytes", lambda _folder: 1.0)
    (finding,) = check_surroundings.check_disk(paths)
    assert "1 MB free, a refresh needs about" in finding.what
    assert "nqpf release prune" in finding.do


def test_folder_without_the_right_to_write_is_named(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != paths.published and real(path, mode))
    assert [finding.where for finding in check_surroundings.check_rights(paths)] == [paths.published]


# ---- the command ------------------------------------------------------------------------------------------------


def test_command_prints_each_finding_and_exits_with_one(paths: Paths) -> None:
    console = Console(record=True, width=4000, quiet=False, file=open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
    assert show_diagnosis(paths, console, fix=False, as_json=False) == 0
    published_missing(paths)
    landing_file_changed(paths)
    assert show_diagnosis(paths, console, fix=False, as_json=False) == 1
    text = console.export_text()
    assert f"Healthy: {paths.warehouse}" in text
    assert f"2 findings: {paths.warehouse}" in text
    assert f"  where: {paths.published_file}" in text


def test_command_speaks_json(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    published_missing(paths)
    assert show_diagnosis(paths, Console(), fix=True, as_json=True) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["healthy"] is True
    assert said["done"] == [f"Published {RELEASE} again: {paths.published_file}."]


def test_refreshed_warehouse_is_healthy(small_warehouse: House) -> None:
    assert diagnose(small_warehouse.paths).findings == []
