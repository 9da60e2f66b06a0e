"""A run reads the landing folder once: each sidecar is parsed once, each file hashed once."""

import hashlib
from collections import Counter
from pathlib import Path

import pytest
from changed import science_up_by_a_tenth
from house import paths_below
from landing_tools import changed_copy, entry, supersede, write_sidecar

from dagster_project.ingest import IngestError, sidecar
from dagster_project.ingest.sidecar import read_landed


@pytest.fixture
def counts(monkeypatch):
    """How often each file was parsed as a sidecar, and hashed."""
    parsed, hashed = Counter(), Counter()
    parse, digest = sidecar.read_sidecar, hashlib.file_digest

    def count_parse(path):
        parsed[Path(path).name] += 1
        return parse(path)

    def count_digest(stream, *arguments):
        hashed[Path(stream.name)] += 1
        return digest(stream, *arguments)

    monkeypatch.setattr(sidecar, "read_sidecar", count_parse)
    monkeypatch.setattr(hashlib, "file_digest", count_digest)
    return parsed, hashed


@pytest.mark.slow
def test_a_refresh_parses_each_sidecar_once_and_hashes_each_file_once(house, counts):
    parsed, hashed = counts
    landing = house.paths.landing
    folder = landing / "yearbook" / "2014"
    file = changed_copy(folder / "synthetic_yearbook_2014.xlsx", "second_edition.xlsx", science_up_by_a_tenth)
    supersede(landing, folder / "yearbook.yml", file)
    house.must_refresh()
    assert parsed == Counter(path.name for path in landing.rglob("*.yml"))
    below = {path: n for path, n in hashed.items() if path.is_relative_to(landing)}
    assert below == {path: 1 for path in landing.rglob("*") if path.is_file()}


def test_a_file_that_is_missing_or_changed_stops_its_own_load_only(tmp_path):
    paths = paths_below(tmp_path)
    paths.landing.mkdir()
    files = [paths.landing / f"{year}.csv" for year in (2013, 2014, 2015)]
    for file in files:
        file.write_text(f"city,{file.stem}\n", encoding="utf-8")
        common = {"producer": "p", "title": "t", "licence": "none stated", "accessed": "2026-01-01"}
        what = {"source": "s", "layout": "wide", "data_year": int(file.stem), "files": [entry(paths.landing, file)]}
        write_sidecar(file.with_suffix(".yml"), {**what, **common, "maturity": "final", "is_synthetic": True})
    files[0].unlink()
    files[1].write_text("another text", encoding="utf-8")
    landed = read_landed(paths)
    for year, sentence in ((2013, "s 2013 is missing"), (2014, "s 2014 does not match its sidecar: expected sha256")):
        with pytest.raises(IngestError, match=sentence):
            landed.check(landed.yearly([year]))
    landed.check(landed.yearly([2015]))
    assert [s.data_year for s in landed.yearly()] == [2013, 2014, 2015]
    assert (landed.multi_year(), landed.is_synthetic) == ([], True)
