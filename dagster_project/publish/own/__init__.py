"""An index or a regression of one's own over a published file: nothing is refreshed, nothing of the project is touched.

    with open_reader(Path("city.duckdb")) as reader:
        own_index(reader, Path("index.yml")).scores
        own_model(reader, {"controls": ["parks"], "csv": "parks.csv"}).results.summary()

A specification is a mapping, or a YAML or TOML file of one. Own figures
come from a CSV by city and year, beside the published ones that are named by their codes.
"""

from dagster_project.publish.own.index import OwnIndex, own_index
from dagster_project.publish.own.model import OwnModel, own_model
from dagster_project.publish.own.values import open_reader

__all__ = ["OwnIndex", "OwnModel", "open_reader", "own_index", "own_model"]
