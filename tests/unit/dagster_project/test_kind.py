"""What a warehouse holds: demo or real data and never both, and what has changed since the last refresh."""

import duckdb
import pytest

from dagster_project.paths import Paths
from dagster_project.run.kind import WrongKindError, check_kind
from dagster_project.run.up_to_date import Changed, input_digest, remember, what_changed
from dagster_project.run.versions import presentation_hash
from dagster_project.store import Warehouse


@pytest.fixture
def paths(tmp_path):
    return Paths(warehouse=tmp_path, landing=tmp_path / "landing", sidecars=tmp_path / "landing")


def publish(paths: Paths, *, is_synthetic: bool) -> None:
    paths.published.mkdir(parents=True)
    with duckdb.connect(str(paths.published_file)) as con:
        con.execute(f"create schema mart; create table mart.dim_vintage as select {is_synthetic} as is_synthetic")


def load(paths: Paths, table: str, *, is_synthetic: bool) -> None:
    warehouse = Warehouse(paths.build_file)
    warehouse.prepare()
    with warehouse.connect() as con:
        columns = "source, data_year, vintage, is_synthetic"
        con.execute(f"insert into raw.{table} ({columns}) values ('s', 1, 'v', ?)", [is_synthetic])


@pytest.mark.parametrize("is_synthetic", [True, False])
@pytest.mark.parametrize("there", ["nothing", "a release", "load", "series_load"])
def test_the_first_load_the_published_file_or_the_loads_mark_the_warehouse_for_ever(paths, there, is_synthetic):
    if there == "a release":
        publish(paths, is_synthetic=is_synthetic)
    elif there == "nothing":
        check_kind(paths, is_synthetic=is_synthetic)
    else:
        load(paths, there, is_synthetic=is_synthetic)
    with pytest.raises(WrongKindError, match="Nothing was read or published"):
        check_kind(paths, is_synthetic=not is_synthetic)
    assert paths.kind_file.exists() == (there == "nothing")
    check_kind(paths, is_synthetic=is_synthetic)
    assert paths.kind_file.exists()


def test_a_mark_does_not_outvote_what_is_published_and_a_build_file_without_loads_decides_nothing(paths):
    Warehouse(paths.build_file).prepare()
    check_kind(paths, is_synthetic=True)
    # A warehouse whose mark was copied from elsewhere: what readers see must not change its kind
    publish(paths, is_synthetic=False)
    paths.kind_file.parent.mkdir(parents=True, exist_ok=True)
    paths.kind_file.write_text("synthetic\n")
    with pytest.raises(WrongKindError):
        check_kind(paths, is_synthetic=True)


FILES = (
    *("dagster_project/publish/site/page.html", "dagster_project/study/gini.py", "python_models/gini.py"),
    *("expectations/run.py", "dbt/models/a.sql", "dbt/seeds/city.csv", "docs/formulas.md", "LICENSE"),
    *("landing/a.csv", "warehouse/build/city.duckdb", "warehouse/published/city.duckdb"),
)


@pytest.fixture
def landed(tmp_path):
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name, encoding="utf-8")
    paths = Paths(tmp_path / "warehouse", tmp_path / "landing", tmp_path / "landing", tmp_path)
    remember(paths, input_digest(paths, {}), "R1")
    return paths


def found(paths: Paths, release: str | None = "R1") -> Changed:
    return what_changed(paths, input_digest(paths, {}), release)


def test_the_same_files_are_nothing_new_unless_another_release_is_current(landed):
    assert found(landed) == Changed.nothing
    assert found(landed, "R0") == found(landed, None) == Changed.numbers


@pytest.mark.parametrize("name", FILES)
def test_each_file_counts_for_what_it_decides(landed, name):
    file = landed.project / name
    file.write_text("another text", encoding="utf-8")
    is_shown = name.startswith(("dagster_project/publish", "docs", "LICENSE"))
    is_build = name == "warehouse/build/city.duckdb"  # what it holds is asked only where it is shown anew
    assert found(landed) == (Changed.presentation if is_shown else Changed.nothing if is_build else Changed.numbers)


def test_outlines_that_the_environment_names_are_shown_anew(landed, monkeypatch):
    file, before = landed.project / "own.geojson", presentation_hash(landed)
    monkeypatch.setenv("NQPF_OUTLINES", str(file))
    shown = [presentation_hash(landed)]
    assert found(landed) == Changed.presentation  # and the map says that there is no such file
    for text in ("{}", "{ }"):
        file.write_text(text, encoding="utf-8")
        shown.append(presentation_hash(landed))
    assert len({before, *shown}) == 4


@pytest.mark.parametrize(
    "touch",
    [
        lambda landed: landed.build_file.write_text("a step ran alone", encoding="utf-8"),
        lambda landed: landed.build_file.unlink(),
        lambda landed: landed.inputs_file.write_text("{", encoding="utf-8"),
        lambda landed: landed.published_file.unlink(),
    ],
)
def test_pages_alone_are_made_only_over_what_that_refresh_left(landed, touch):
    (landed.project / FILES[0]).write_text("a new sentence", encoding="utf-8")
    assert found(landed) == Changed.presentation
    touch(landed)
    assert found(landed) == Changed.numbers
