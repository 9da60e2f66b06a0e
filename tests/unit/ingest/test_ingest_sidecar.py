"""Sidecars: parsing, hashes, and the rules for several loads."""

import hashlib
import os
from pathlib import Path

import pytest

from dagster_project.ingest import IngestError, check_files, check_set, find_sidecars, read_sidecar


def test_what_is_missing_is_named_and_errors_say_what_where_and_remedy(tmp_path):
    assert str(IngestError("It is broken.", "a.xlsx, row 3", "Mend it.")) == "It is broken [a.xlsx, row 3]. Mend it."
    assert str(IngestError("It is broken")) == "It is broken."
    with pytest.raises(IngestError, match="does not exist"):
        read_sidecar(tmp_path / "none.yml")
    with pytest.raises(IngestError, match="landing folder does not exist"):
        find_sidecars(tmp_path / "none")


def test_sidecar_is_read_with_its_defaults_and_a_long_one_with_keys_and_no_year(write_sidecar, sidecar_of):
    sidecar = read_sidecar(write_sidecar("a.csv", notes="seen"))
    assert (sidecar.source, sidecar.layout, sidecar.data_year, sidecar.edition_year) == ("yearbook", "wide", 2019, 2020)
    assert (sidecar.accessed, sidecar.supersedes, sidecar.sheet, sidecar.keys) == ("2026-11-01", None, None, ())
    assert sidecar.label == "yearbook 2019"
    keys = {"year": "年份", "city": "城市"}
    sidecar = sidecar_of("a.csv", layout="long", data_year=None, edition_year=None, keys=keys)
    assert sidecar.data_year == 0
    assert sidecar.keys == (("city", "城市"), ("year", "年份"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colour": "red"}, "Unknown key in the sidecar: colour"),
        ({"producer": None}, "Key missing in the sidecar: producer"),
        ({"layout": "broad"}, "layout is 'broad'"),
        ({"data_year": "2019"}, "data_year is '2019'"),
        ({"data_year": 19}, "data_year is 19"),
        ({"data_year": True}, "data_year is True"),
        ({"data_year": None, "edition_year": None}, "data_year is missing for layout wide"),
        ({"edition_year": 2018}, "edition_year 2018 does not fit data_year 2019"),
        ({"layout": "long"}, "keys.city is missing"),
        ({"layout": "long", "keys": {"city": "c", "town": "t"}}, "Unknown key column: town"),
        ({"layout": "long", "keys": {"city": "c"}, "data_year": None, "edition_year": None}, "Neither data_year nor"),
        ({"keys": {"city": "c"}}, "keys are given for layout wide"),
        ({"is_synthetic": "no"}, "is_synthetic is 'no'"),
        ({"maturity": "fresh"}, "maturity is 'fresh'"),
        ({"accessed": "1.11.2026"}, "accessed is '1.11.2026'"),
        ({"source": "Year Book"}, "source is 'Year Book'"),
        ({"supersedes": "xyz"}, "supersedes is 'xyz'"),
        ({"accepted_by": "me"}, "accepted_by and accepted_reason belong together"),
        ({"title": ["a"]}, "title is not a text"),
        ({"licence": {"a": 1}}, "licence is not a text"),
        ({"notes": "see <a href='x'>here</a>"}, "notes holds markup"),
        ({"producer": "<script>alert(1)</script>"}, "producer holds markup"),
        ({"layout": "long", "keys": {"city": ["c"]}}, "keys.city is not a text"),
        ({"layout": "long", "keys": {"city": "<b>c</b>"}}, "keys.city holds markup"),
        ({"files": [{"path": ["a.csv"], "sha256": "0" * 64}]}, "files.path is not a text"),
        ({"files": []}, "files is not a list"),
        ({"files": ["a.csv"]}, "A file entry is 'a.csv'"),
        ({"files": [{"path": "../a.csv", "sha256": "0" * 64}]}, "is not inside the landing folder"),
        ({"files": [{"path": "a" * 5000, "sha256": "0" * 64}]}, "A file path has 5,000 letters"),
        ({"expected_cities": [-3, 10]}, "expected_cities is"),
        ({"expected_cities": [20, 10]}, "expected_cities is"),
        ({"expected_cities": [1, 10**300]}, "expected_cities is"),
        ({"title": "x" * 1_100_000}, "more than 1,000,000 bytes"),
        ({"files": [{"path": "a.csv", "sha256": "12"}]}, "sha256 of a.csv is not 64 hex digits"),
        ({"files": [{"path": "a.csv", "sha256": "0" * 64}] * 2}, "The same file is listed twice"),
    ],
)
def test_wrong_sidecar_is_refused_by_name(write_sidecar, changes, message):
    path = write_sidecar("a.csv", **changes)
    with pytest.raises(IngestError, match=message) as caught:
        read_sidecar(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [("source: [", "not readable YAML"), ("- a", "not a list of"), ("a: 1\na: 2", "key given twice: a")],
)
def test_wrong_yaml_is_refused(tmp_path, text, message):
    (tmp_path / "x.yml").write_text(text)
    with pytest.raises(IngestError, match=message):
        read_sidecar(tmp_path / "x.yml")


MAKERS = {"folder": Path.mkdir, "loop": lambda path: path.symlink_to(path), "pipe": os.mkfifo}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_what_only_bears_the_name_of_a_sidecar_is_refused_at_once(tmp_path, make):
    make(tmp_path / "z.yml")
    with pytest.raises(IngestError, match="no regular file"):
        find_sidecars(tmp_path)


def test_sidecars_are_found_in_order_of_path(tmp_path, write_sidecar):
    (tmp_path / "b").mkdir()
    write_sidecar("a.csv", name="z.yml")
    write_sidecar("a.csv", name="b/a.yml")
    assert [item.path.name for item in find_sidecars(tmp_path)] == ["a.yml", "z.yml"]


def test_vintage_is_the_head_of_the_hash(tmp_path, sidecar_of):
    (tmp_path / "a.csv").write_text("a")
    (tmp_path / "b.csv").write_text("b")
    one, two = (hashlib.sha256(text).hexdigest() for text in (b"a", b"b"))
    assert check_files(sidecar_of("a.csv"), tmp_path) == one[:12]
    both = hashlib.sha256("\n".join(sorted([one, two])).encode()).hexdigest()[:12]
    for names in (("a.csv", "b.csv"), ("b.csv", "a.csv")):
        assert check_files(sidecar_of(*names), tmp_path) == both


def test_missing_or_changed_file_is_refused(tmp_path, sidecar_of):
    with pytest.raises(IngestError, match=r"The file of yearbook 2019 is missing \[.*gone.csv\]"):
        check_files(sidecar_of("gone.csv"), tmp_path)
    (tmp_path / "a.csv").write_text("a")
    sidecar = sidecar_of("a.csv")
    (tmp_path / "a.csv").write_text("b")
    with pytest.raises(IngestError) as caught:
        check_files(sidecar, tmp_path)
    for digest in (hashlib.sha256(b"a").hexdigest(), hashlib.sha256(b"b").hexdigest()):
        assert digest in str(caught.value)


def _load(sidecar_of, name, **changes):
    files = [{"path": f"{name}.csv", "sha256": hashlib.sha256(name.encode()).hexdigest()}]
    return sidecar_of(name=f"{name}.yml", **{"files": files, **changes})


def test_two_loads_of_one_year_need_supersedes_and_real_and_synthetic_do_not_mix(sidecar_of):
    first, second = _load(sidecar_of, "first"), _load(sidecar_of, "second")
    with pytest.raises(IngestError, match=r"2 loads of yearbook 2019 .*first.yml and .*second.yml"):
        check_set([first, second])
    with pytest.raises(IngestError, match=r"Synthetic and real loads are mixed \[.*a.yml and .*b.yml\]"):
        check_set([_load(sidecar_of, "a"), _load(sidecar_of, "b", data_year=2018, is_synthetic=False)])


def test_superseding_loads_come_in_order_and_a_replaced_load_may_be_gone(sidecar_of):
    one = _load(sidecar_of, "one")
    two = _load(sidecar_of, "two", supersedes=one.vintage)
    three = _load(sidecar_of, "three", supersedes=two.vintage)
    older = _load(sidecar_of, "older", data_year=2018)
    assert check_set([three, one, older, two]) == [older, one, two, three]
    later = _load(sidecar_of, "later", supersedes="0" * 12)
    assert check_set([later]) == [later]


def test_circles_and_forks_are_refused(sidecar_of):
    vintage = {name: hashlib.sha256(name.encode()).hexdigest()[:12] for name in "ab"}
    circle = [_load(sidecar_of, "a", supersedes=vintage["b"]), _load(sidecar_of, "b", supersedes=vintage["a"])]
    with pytest.raises(IngestError, match="one chain"):
        check_set(circle)
    root = _load(sidecar_of, "r")
    fork = [_load(sidecar_of, name, supersedes=root.vintage) for name in ("x", "y")]
    with pytest.raises(IngestError, match="one chain"):
        check_set([root, *fork])
