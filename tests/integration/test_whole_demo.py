"""The demo as `make refresh` writes it, with all its cities and counties: no file of it may be refused."""

from house import House, unchanged_environment

from dagster_project.defs.instance import prepare_instance
from dagster_project.demo import generate_demo
from dagster_project.paths import Paths
from dagster_project.store import Warehouse


def test_the_gate_accepts_every_file_of_the_whole_demo(tmp_path):
    paths = Paths(tmp_path / "warehouse", tmp_path / "landing", tmp_path / "landing")
    generate_demo(paths.landing)
    house = House(paths)
    with unchanged_environment():
        prepare_instance(paths)
        Warehouse(paths.build_file).prepare()
        assert house.run_job("ingest", years=range(2012, 2022))
    for table in ("load", "series_load"):
        loads = house.build(f"select source, data_year, is_accepted from raw.{table}")
        assert loads["is_accepted"].all(), loads
    assert len(house.build("from raw.load where source = 'county_tables'")) == 2
