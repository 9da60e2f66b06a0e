"""A backup holds everything that cannot be computed again, proves it by hashes, and comes back as it was."""

import json
import shutil

import pytest
from house import House, paths_below
from rich.console import Console
from tiny import RELEASE, tiny_warehouse

from dagster_project.cli.care import run_backup, run_restore
from dagster_project.operations.backup import BackupError, back_up, put_back, verify_backup
from dagster_project.operations.database_file import damage_of
from dagster_project.operations.doctor import diagnose
from dagster_project.paths import Paths
from dagster_project.publish.release.folder import file_hashes
from dagster_project.run.lock import refresh_lock

CONSOLE = Console(quiet=True)


@pytest.fixture
def paths(tmp_path):
    return tiny_warehouse(tmp_path / "one")


def content(paths):
    """Path -> sha256 of all that is kept."""
    kept = {**file_hashes(paths.warehouse), **{f"landing/{n}": h for n, h in file_hashes(paths.landing).items()}}
    return {name: digest for name, digest in kept.items() if not name.endswith("refresh.lock")}


def test_what_was_kept_comes_back_file_by_file(paths, tmp_path):
    before = content(paths)
    assert run_backup(paths, CONSOLE, tmp_path / "kept") == 0
    other = paths_below(tmp_path / "two")
    assert run_restore(other, CONSOLE, tmp_path / "kept", force=False) == 0
    assert content(other) == before
    assert {
        f"published/releases/{RELEASE}/city.duckdb",
        "build/city.duckdb",
        "build/kind.txt",
        "reports/last_run.json",
        "landing/registry.csv",
        "landing/registry.yml",
    } <= set(before)
    assert not (other.warehouse / ".restore.tmp").exists()


def test_half_made_and_computed_files_are_not_kept(paths, tmp_path):
    for name in ("published/.city.duckdb.tmp", f"published/releases/.{RELEASE}.tmp/x", "build/dbt/manifest.json"):
        file = paths.warehouse / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x", encoding="utf-8")
    files = back_up(paths, tmp_path / "kept")["files"]
    assert not [name for name in files if ".tmp" in name or "dbt" in name]


def test_real_landing_folder_gives_only_what_the_sidecars_name(paths, tmp_path):
    sidecars = tmp_path / "tracked"
    sidecars.mkdir()
    shutil.move(paths.landing / "registry.yml", sidecars)
    (paths.landing / "private.txt").write_text("not ours", encoding="utf-8")
    real = Paths(paths.warehouse, paths.landing, sidecars)
    files = back_up(real, tmp_path / "kept")["files"]
    assert {name for name in files if name.startswith(("landing", "sidecars"))} == {
        "landing/registry.csv",
        "sidecars/registry.yml",
    }


@pytest.mark.parametrize("what", ["a byte", "a file less", "a file more", "no list"])
def test_backup_that_is_not_whole_is_not_restored(paths, tmp_path, what):
    back_up(paths, tmp_path / "kept")
    victim = tmp_path / "kept" / "landing" / "registry.csv"
    if what == "a byte":
        victim.write_bytes(victim.read_bytes()[:-1] + b"0")
    elif what == "a file less":
        victim.unlink()
    elif what == "a file more":
        victim.with_name("more.csv").write_text("x", encoding="utf-8")
    else:
        (tmp_path / "kept" / "backup.json").unlink()
    other = paths_below(tmp_path / "two")
    with pytest.raises(BackupError, match=r"is incomplete|is not a backup"):
        put_back(other, tmp_path / "kept", force=False)
    assert not other.warehouse.exists()
    assert run_restore(other, CONSOLE, tmp_path / "kept", force=False) == 1


def test_warehouse_with_data_is_not_overwritten_without_force(paths, tmp_path):
    back_up(paths, tmp_path / "kept")
    other = tiny_warehouse(tmp_path / "two")
    (other.reports / "note.txt").write_text("mine", encoding="utf-8")
    before = content(other)
    assert run_restore(other, CONSOLE, tmp_path / "kept", force=False) == 1
    assert content(other) == before
    assert run_restore(other, CONSOLE, tmp_path / "kept", force=True) == 0
    (aside,) = other.warehouse.glob("reports.before_restore_*")
    assert (aside / "note.txt").read_text(encoding="utf-8") == "mine"  # nothing is deleted
    now = {name: digest for name, digest in content(other).items() if "before_restore" not in name}
    assert now == content(paths)


def test_folder_that_holds_something_or_lies_in_the_warehouse_takes_no_backup(paths, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("x", encoding="utf-8")
    for target in (tmp_path / "full", paths.warehouse / "kept"):
        with pytest.raises(BackupError, match="Name a folder"):
            back_up(paths, target)


def test_backup_gets_its_name_when_it_is_whole(paths, tmp_path, monkeypatch):
    def fails(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copy2", fails)
        assert run_backup(paths, CONSOLE, tmp_path / "kept") == 1
    assert not (tmp_path / "kept").exists()
    assert run_backup(paths, CONSOLE, tmp_path / "kept") == 0  # what the failed one left is no obstacle
    assert verify_backup(tmp_path / "kept")


def test_both_wait_for_a_running_refresh(paths, tmp_path):
    back_up(paths, tmp_path / "kept")
    with refresh_lock(paths):
        assert run_backup(paths, CONSOLE, tmp_path / "again") == 4
        assert run_restore(paths, CONSOLE, tmp_path / "kept", force=True) == 4


def test_restored_warehouse_is_healthy_and_answers(small_warehouse, tmp_path):
    copy = small_warehouse.copy(tmp_path / "one")  # a backup empties the write-ahead log into the build file
    listed = back_up(copy.paths, tmp_path / "kept")
    other = House(paths_below(tmp_path / "two"))
    put_back(other.paths, tmp_path / "kept", force=False)
    assert other.published_sha256 == small_warehouse.published_sha256
    assert damage_of(other.paths.build_file) is None
    scores = "select * from mart.mart_index_score order by all"
    assert other.published(scores).equals(small_warehouse.published(scores))
    assert [found for found in diagnose(other.paths).findings if found.where.is_relative_to(tmp_path)] == []
    on_disk = json.loads((tmp_path / "kept" / "backup.json").read_text(encoding="utf-8"))
    assert on_disk["files"] == listed["files"]
