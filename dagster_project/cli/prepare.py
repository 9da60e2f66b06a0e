"""Last step of `make setup`: parse the dbt project and write Dagster's instance file for the demo warehouse."""

from dagster_project.defs.instance import prepare_instance
from dagster_project.paths import demo_paths, export_to_environment
from dagster_project.run.dbt import parse
from dagster_project.store import Warehouse

if __name__ == "__main__":
    paths = demo_paths()
    export_to_environment(paths)
    Warehouse(paths.build_file).prepare()
    parse(paths)
    prepare_instance(paths)
