"""`nqpf sidecar`: what a file tells of itself goes into its sidecar; what it cannot tell is left open."""

from pathlib import Path

import pytest
import yaml

from dagster_project.demo import generate_demo
from dagster_project.ingest.sidecar import check_files, check_set, find_sidecars
from dagster_project.inspect.frames import Asked
from dagster_project.inspect.sidecar_draft import Said, draft_sidecar

WHO = Said(producer="somebody", licence="none stated")


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    generate_demo(folder, cities=6, years=range(2012, 2013))
    return folder


@pytest.fixture
def landing(demo, tmp_path):
    """A landing folder with one yearbook and no sidecar."""
    file = tmp_path / "landing" / "yearbook" / "2012" / "synthetic_yearbook_2012.xlsx"
    file.parent.mkdir(parents=True)
    file.write_bytes((demo / "yearbook" / "2012" / file.name).read_bytes())
    return tmp_path / "landing"


def draft(landing: Path, said: Said = WHO, *, write: bool = True) -> int:
    files = sorted(landing.rglob("*.xlsx"))
    return draft_sidecar(files, Asked(files[0], source="yearbook"), landing, said, write=write)


def test_a_drafted_sidecar_is_one_that_a_refresh_takes_and_what_is_guessed_is_said(landing, capsys):
    """The file's own title has the year in brackets only; whoever reads the sidecar must know where it is from."""
    assert draft(landing) == 0
    err = capsys.readouterr().err
    assert "Guessed, please check: " in err
    assert "2012" in err
    (sidecar,) = find_sidecars(landing)
    assert (sidecar.source, sidecar.layout, sidecar.data_year, sidecar.is_synthetic) == ("yearbook", "wide", 2012, True)
    assert (sidecar.producer, sidecar.licence, sidecar.maturity) == ("somebody", "none stated", "first_print")
    assert "2012" in sidecar.title  # as printed
    assert check_files(sidecar, landing) == sidecar.vintage


def test_what_nobody_said_is_left_open_and_named(landing, capsys):
    assert draft(landing, Said(), write=False) == 1
    out, err = capsys.readouterr()
    content = yaml.safe_load(out)
    assert content["producer"] is content["licence"] is None
    assert "producer, licence" in err
    assert list(landing.rglob("*.yml")) == []


def test_a_second_edition_supersedes_the_first_and_stands_beside_it(landing):
    assert draft(landing) == 0
    (first,) = find_sidecars(landing)
    old = next(landing.rglob("*.xlsx"))
    new = old.with_name("a_second.xlsx")
    new.write_bytes(old.read_bytes() + b"\0")  # another hash, the same content
    assert draft_sidecar([new], Asked(new, source="yearbook"), landing, WHO, write=True) == 0
    chain = check_set(find_sidecars(landing))
    assert [sidecar.supersedes for sidecar in chain] == [None, first.vintage]


def test_a_file_outside_the_landing_folder_is_refused(landing, capsys):
    file = next(landing.rglob("*.xlsx"))
    elsewhere = landing.parent / "another"
    assert draft_sidecar([file], Asked(file, source="yearbook"), elsewhere, WHO, write=True) == 2
    assert "below the landing folder" in " ".join(capsys.readouterr().err.split())
