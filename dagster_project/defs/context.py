"""What every mart is keyed by: the run context, the index specs, and the demo's truth."""

import datetime as dt
import hashlib

import dagster as dg
import pandas as pd
from xlsxwriter.utility import xl_col_to_name

from dagster_project.defs.asset_groups import POOL, group
from dagster_project.defs.raw import ACCEPTED_SQL
from dagster_project.defs.settings import current_settings
from dagster_project.ingest.sidecar import Landed
from dagster_project.paths import Paths
from dagster_project.publish.release.folder import next_release
from dagster_project.run.versions import (
    blas_name,
    git_commit,
    package_json,
    params_hash,
    project_version,
    python_version,
)
from dagster_project.store import Warehouse
from dagster_project.study.settings import DepthName, read_index_specs, spec_frame


def build_context_assets(paths: Paths, warehouse: Warehouse) -> list[dg.AssetsDefinition]:
    @dg.asset(
        key=["ops", "run_context"],
        deps=[["raw", "load"], ["raw", "series_load"]],
        pool=POOL,
        group_name=group("context"),
        kinds={"duckdb"},
        description="One row: data vintage (a named set of accepted files), method version, seed and versions.",
    )
    def run_context(context: dg.AssetExecutionContext, landed: dg.ResourceParam[Landed]) -> dg.MaterializeResult:
        with warehouse.held():
            frame = context_frame(paths, warehouse, context.run.run_id, is_synthetic=landed.is_synthetic)
            warehouse.replace_rows("ops.run_context", frame)
            warehouse.replace_rows("ops.run_log", frame, run_id=context.run.run_id)
        return dg.MaterializeResult(metadata={k: str(frame.iloc[0][k]) for k in ("data_vintage", "method_version")})

    @dg.asset(
        key=["ops", "index_spec"],
        pool=POOL,
        group_name=group("reference"),
        kinds={"duckdb"},
        description="One row per index and indicator, from specs/index.yml; is_left_out: not made at this depth.",
    )
    def index_spec() -> dg.MaterializeResult:
        codes = {spec.index_code for spec in current_settings(paths).indexes}
        frame = spec_frame(read_index_specs(paths.index_specs))
        frame["is_left_out"] = ~frame["index_code"].isin(codes)
        warehouse.replace_rows("ops.index_spec", frame)
        return dg.MaterializeResult(metadata={"rows": len(frame), "indexes": int(frame["index_code"].nunique())})

    @dg.asset(
        key=["raw", "county_weight"],
        pool=POOL,
        group_name=group("reference"),
        kinds={"duckdb"},
        description="One row per variable of counties: the share of the terms of specs/county.yml that it goes into.",
    )
    def county_weight() -> dg.MaterializeResult:
        weights = current_settings(paths).county.weights().items()
        warehouse.replace_rows("raw.county_weight", pd.DataFrame(weights, columns=["variable_code", "weight"]))
        return dg.MaterializeResult(metadata={"rows": len(weights)})

    @dg.asset(
        key=["ops", "synthetic_truth"],
        deps=[["landing", "series"]],
        pool=POOL,
        group_name=group("context"),
        kinds={"duckdb"},
        description="What the demo generator drew: latents, parameters, planted faults. Empty for real data.",
    )
    def synthetic_truth() -> dg.MaterializeResult:
        frame = truth_frame(paths)
        warehouse.replace_rows("ops.synthetic_truth", frame)
        return dg.MaterializeResult(metadata={"rows": len(frame)})

    return [run_context, index_spec, county_weight, synthetic_truth]


def context_frame(paths: Paths, warehouse: Warehouse, run_id: str, *, is_synthetic: bool) -> pd.DataFrame:
    """The row that keys this build."""
    params, settings = params_hash(paths), current_settings(paths)
    depth = settings.depth
    suffix = "" if depth.name == DepthName.default else f".{depth.name}"
    release = next_release(paths.releases, dt.date.today(), is_synthetic=is_synthetic, candidates=paths.candidates)
    return pd.DataFrame(
        [
            {
                "run_id": run_id,
                "release": release,
                "data_vintage": data_vintage(warehouse),
                "method_version": f"{project_version()}+{params}{suffix}",
                "boundary_vintage": settings.study.boundary_vintage,
                "is_synthetic": is_synthetic,
                "params_hash": params,
                "seed": settings.seed,
                "started_at": pd.Timestamp.now("UTC").tz_localize(None),
                "git_commit": git_commit(paths),
                "python_version": python_version(),
                "package_json": package_json(),
                "blas": blas_name(),
                "depth": str(depth.name),
                "depth_json": depth.to_json(),
            }
        ]
    )


def data_vintage(warehouse: Warehouse) -> str:
    """Name of the accepted set of files: last statistical year and a letter, e.g. 2021A. Same set, same name."""
    accepted = warehouse.read_frame(ACCEPTED_SQL)
    content = accepted[["source", "data_year", "vintage"]].to_csv(index=False)
    digest = hashlib.sha256(content.encode()).hexdigest()[:16]
    vintage_table = warehouse.read_frame("select data_vintage, set_hash from ops.vintage")
    same = vintage_table[vintage_table["set_hash"] == digest]
    if not same.empty:
        return str(same.iloc[0]["data_vintage"])
    last_year = int(warehouse.read_value("select max(year) from reading.int_values_corrected where value is not null"))
    vintages = [name for name in vintage_table["data_vintage"] if str(name).startswith(str(last_year))]
    name = f"{last_year}{xl_col_to_name(len(vintages))}"
    row = pd.DataFrame(
        [
            {
                "data_vintage": name,
                "set_hash": digest,
                "created_at": pd.Timestamp.now("UTC").tz_localize(None),
                "cut_date": max(accepted["accessed"], default=""),
                "n_files": len(accepted),
                "notes": "",
            }
        ]
    )
    warehouse.replace_rows("ops.vintage", row, data_vintage=name)
    return name


TRUTH_COLUMNS = ["kind", "city_id", "year", "name", "value", "printed", "source", "slip_class", "event_id", "note"]


def truth_frame(paths: Paths) -> pd.DataFrame:
    """The truth folder of the demo in one long table of TRUTH_COLUMNS; empty where there is none."""
    frames = {
        file.stem: pd.read_csv(file, dtype={"city_id": "string"}) for file in (paths.landing / "truth").glob("*.csv")
    }
    cells, parts = ["city_id", "year"], [pd.DataFrame(columns=TRUTH_COLUMNS)]
    for file, kind in (("parameters", "parameter"), ("effects", "effect")):
        if file in frames:
            parts.append(frames[file].assign(kind=kind))
    for file, keys in (("latent", cells), ("synergy", ["city_id"])):
        if file in frames:
            parts.append(frames[file].melt(keys, var_name="name").assign(kind=file))
    if "indicator" in frames:
        parts.append(frames["indicator"].rename(columns={"indicator_code": "name"}).assign(kind="indicator"))
    if "slips" in frames:
        names = {"variable_code": "name", "true_value": "value", "printed_value": "printed"}
        parts.append(frames["slips"].rename(columns=names).assign(kind="slip"))
    if "faults" in frames:
        faults = frames["faults"].drop(columns=[*cells, "kind"]).astype("string")
        note = ["; ".join(f"{k}={v}" for k, v in row.items() if pd.notna(v)) for row in faults.to_dict("records")]
        parts.append(
            frames["faults"][[*cells, "kind"]].rename(columns={"kind": "name"}).assign(kind="fault", note=note)
        )
    frame = pd.concat(parts).reindex(columns=TRUTH_COLUMNS)
    texts = {column: "string" for column in TRUTH_COLUMNS if column not in ("year", "value", "printed")}
    return frame.astype({**texts, "year": "Int32", "value": "float64", "printed": "float64"}).reset_index(drop=True)
