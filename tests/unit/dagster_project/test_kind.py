"""Demo and real data never share a warehouse: the mark, the published file and the loads each say what is there."""

import duckdb
import pytest

from dagster_project.paths import Paths
from dagster_project.run.kind import WrongKindError, check_kind
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
        con.execute(
            f"insert into raw.{table} (source, data_year, vintage, is_synthetic) values ('s', 1, 'v', ?)",
            [is_synthetic],
        )


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


def test_a_mark_does_not_outvote_what_is_published(paths):
    """A warehouse whose mark was copied from elsewhere: what readers see must not change its kind."""
    publish(paths, is_synthetic=False)
    paths.kind_file.parent.mkdir(parents=True, exist_ok=True)
    paths.kind_file.write_text("synthetic\n")
    with pytest.raises(WrongKindError):
        check_kind(paths, is_synthetic=True)


def test_a_new_build_file_without_loads_decides_nothing(paths):
    Warehouse(paths.build_file).prepare()
    check_kind(paths, is_synthetic=True)
