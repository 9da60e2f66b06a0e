"""What DuckDB, SQLite and the system say about a broken place becomes one sentence with the way out."""

import shutil

import pytest

from dagster_project.operations import faults
from dagster_project.operations.database_file import damage_of
from dagster_project.operations.faults import sentence_of
from dagster_project.operations.preflight import check_surroundings, megabytes_needed
from dagster_project.paths import Paths


@pytest.fixture
def paths(tmp_path):
    return Paths(tmp_path / "warehouse", tmp_path / "landing", tmp_path / "landing")


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
    assert "is full (0 MB free)" in str(sentence_of("sqlite3.OperationalError: unable to open database file", paths))
    assert sentence_of("KeyError: 'score'", paths) is None


def test_fault_of_the_program_is_not_taken_for_one_of_the_surroundings(paths):
    assert sentence_of("KeyError: 'score'", paths) is None
    assert sentence_of("", paths) is None


def test_damaged_build_file_is_named_and_a_good_one_is_not_blamed(small_warehouse, tmp_path):
    paths = Paths(tmp_path / "warehouse", tmp_path / "landing", tmp_path / "landing")
    paths.build_file.parent.mkdir(parents=True)
    text = "Corrupt database file: computed checksum 1 does not match stored checksum 2"
    shutil.copyfile(small_warehouse.paths.build_file, paths.build_file)
    assert f"A file below {paths.published} is damaged" in str(sentence_of(text, paths))
    with paths.build_file.open("r+b") as stream:
        stream.truncate(paths.build_file.stat().st_size // 2)
    sentence = str(sentence_of(text, paths))
    assert f"The build file {paths.build_file} is damaged" in sentence
    assert f"`nqpf doctor --fix --warehouse {paths.warehouse}`" in sentence


@pytest.mark.parametrize("where", ["first block", "header", "last block", "empty"])
def test_damage_is_found_wherever_it_is(small_warehouse, tmp_path, where):
    file = tmp_path / "city.duckdb"
    shutil.copyfile(small_warehouse.paths.published_file, file)
    assert damage_of(file) is None
    size = file.stat().st_size
    with file.open("r+b") as stream:
        if where == "empty":
            stream.truncate(0)
        elif where == "last block":
            stream.truncate(size - 4096)
        else:
            at = {"first block": 12_288 + 100, "header": 4096 + 50}[where]
            stream.seek(at)
            flipped = bytes(byte ^ 255 for byte in stream.read(64))
            stream.seek(at)
            stream.write(flipped)
    assert damage_of(file)


def test_refresh_that_would_fill_the_disk_is_not_begun(small_warehouse, monkeypatch):
    paths = small_warehouse.paths
    check_surroundings(paths)
    need = megabytes_needed(paths)
    assert need > 2 * paths.published_file.stat().st_size / 1e6
    monkeypatch.setattr("dagster_project.operations.preflight.free_megabytes", lambda _folder: need - 1)
    with pytest.raises(Exception, match=r"is nearly full: .* a refresh needs about"):
        check_surroundings(paths)
