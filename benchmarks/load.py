"""Load: how seconds and memory of each stage grow with the number of units, up to a country of counties or of towns.

    python benchmarks/load.py                  all stages, all sizes: 2,850 units x 20 years, and 40,000 x 5
    python benchmarks/load.py index sdm        only these stages
    python benchmarks/load.py --small          the two smallest sizes of each stage: does it still run?
    python benchmarks/load.py --markdown       the tables of docs/scale.md

A synthetic country: units at random places in 31 provinces, each with a level and a trend of its own, 20
indicators that follow a latent score, the six nearest units as neighbours. Every measurement has a process of its own:
seconds are those of the processor (user and system), so that other work on the machine hardly counts; memory is the
peak of the process less that before the stage. BLAS has one thread. Tables of the warehouse are drawn at depth quick.
The exponent is the slope of log seconds (or log megabytes) on log units over the three largest sizes.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dagster_project.ingest.limits import Limits
    from dagster_project.ingest.sidecar import Sidecar
    from dagster_project.study.settings import Settings
    from python_models.panel import Panel

ROOT = Path(__file__).resolve().parents[1]
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
CPU_SECONDS, MEMORY_GB = 900, 12  # a stage that wants more is reported as such
COUNTIES, TOWNS = (356, 712, 1425, 2850), (5_000, 10_000, 20_000, 40_000)
INDICATORS = 20
SEED = 2026
type World = dict[str, Any]


# ---- the country ---------------------------------------------------------------------------------------------------


def country(n: int, t: int) -> World:
    """Labels, places and groups of n units; scores (N, T), all positive; 20 indicators (N, T, 20)."""
    import numpy as np

    rng = np.random.default_rng(SEED)
    points = np.column_stack([rng.uniform(80, 125, n), rng.uniform(22, 48, n)])
    province = rng.integers(0, 31, n)
    latent = rng.normal(0, 0.35, (n, 1)) + 0.02 * np.arange(t) + 0.06 * rng.standard_normal((n, t)).cumsum(axis=1)
    values = np.exp(
        latent[..., None] * rng.uniform(0.3, 1.0, INDICATORS) + 0.2 * rng.standard_normal((n, t, INDICATORS))
    )
    return {
        "ids": [f"U{number:06d}" for number in range(n)],
        "years": list(range(2001, 2001 + t)),
        "points": points,
        "province": province,
        "region": province % 4,
        "scores": np.exp(latent) / 10,
        "values": values,
    }


def frames_of(world: World) -> World:
    """The frames that the builders of tables read."""
    import numpy as np
    import pandas as pd
    from scipy.spatial import cKDTree

    ids, years, n, t = world["ids"], world["years"], len(world["ids"]), len(world["years"])
    scores = (
        pd.DataFrame({"city_id": np.repeat(ids, t), "year": years * n, "score": world["scores"].ravel()})
        .assign(basis="frozen", is_frozen=True, index_code="load", weight_scheme="flat")
        .assign(share_imputed_weight=0.0, in_base=True)
    )
    city = pd.DataFrame(
        {
            "city_id": ids,
            "city_code": ids,
            "province_code": [f"P{p:03d}" for p in world["province"]],
            "admin_tier": "county",
            "centroid_lon": world["points"][:, 0],
            "centroid_lat": world["points"][:, 1],
        }
    )
    groups = pd.concat(
        [
            pd.DataFrame({"city_id": ids, "scheme": "region", "group_code": [f"r{r}" for r in world["region"]]}),
            pd.DataFrame(
                {"city_id": ids, "scheme": "centre", "group_code": np.where(np.arange(n) % 8 == 0, "core", "rest")}
            ),
        ]
    ).assign(valid_from=np.nan, valid_to=np.nan)
    schemes = pd.DataFrame(
        {
            "scheme": ["region", "centre"],
            "role": ["region", "centre"],
            "sort_no": [1, 2],
            "centre_group": [None, "core"],
        }
    ).assign(is_main=True, is_split=True, is_partition=True, outside_group=None)
    near = cKDTree(world["points"]).query(world["points"], k=7)[1][:, 1:]
    pairs = np.unique(np.sort(np.column_stack([np.repeat(np.arange(n), 6), near.ravel()]), axis=1), axis=0)
    edges = pd.DataFrame({"city_id_a": np.array(ids)[pairs[:, 0]], "city_id_b": np.array(ids)[pairs[:, 1]]})
    people = pd.DataFrame(
        {"city_id": np.repeat(ids, t), "year": years * n, "population": 1e5 * world["scores"].ravel()}
    )
    mass = pd.DataFrame({"city_id": ids, "value": world["values"][:, 0, 0]})
    return {
        "scores": scores,
        "city": city,
        "other_scores": scores.iloc[:0],
        "groups": groups,
        "schemes": schemes,
        "neighbours": edges,
        "population": people,
        "mass": mass,
    }


def settings_of(step: str, **sizes: int) -> Settings:
    """The study's settings with these sizes for one analysis."""
    from dataclasses import replace

    from dagster_project.paths import demo_paths
    from dagster_project.study.settings import Depth, DepthName, read_settings

    made = read_settings(demo_paths().specs, DepthName.default)
    return replace(made, study=replace(made.study, seed=SEED), depth=Depth(DepthName.default, {step: sizes}))


# ---- stages: each gets n, t and gives what is measured -------------------------------------------------------------


def read_long_csv(n: int, t: int) -> Callable[[], object]:
    """Landing file -> cells and headers: a long csv of n x t rows and 20 columns (the work of the limited process)."""
    from dagster_project.ingest.load import frames_of_file

    folder = tempfile.TemporaryDirectory()
    path, sidecar, limits = landing_file(country(n, t), Path(folder.name))

    def run() -> object:
        assert len(frames_of_file(path, path.name, sidecar, limits)[0]) == (n * t + 1) * (INDICATORS + 2)
        return folder

    return run


def landing_file(world: World, folder: Path) -> tuple[Path, Sidecar, Limits]:
    """(path, sidecar, limits) of a long csv with all indicators of the country."""
    from dagster_project.ingest.limits import Limits
    from dagster_project.ingest.sidecar import LandingFile, Sidecar

    path = write_csv(world, folder)
    sidecar = Sidecar(
        path=path,
        source="load",
        layout="long",
        files=(LandingFile(path.name, "0" * 64),),
        producer="",
        title="",
        licence="",
        accessed="2026-11-01",
        maturity="final",
        is_synthetic=True,
        keys=(("city", "city"), ("year", "year")),
    )
    return path, sidecar, Limits.for_layout("long")


def write_csv(world: World, folder: Path) -> Path:
    import numpy as np
    import pandas as pd

    n, t, _ = world["values"].shape
    values = world["values"].reshape(-1, INDICATORS)
    frame = pd.DataFrame(values.round(4), columns=[f"V{number}" for number in range(INDICATORS)])
    frame.insert(0, "city", np.repeat(world["ids"], t))
    frame.insert(1, "year", np.tile(world["years"], n))
    path = folder / "long.csv"
    frame.to_csv(path, index=False)
    return path


def sql_of_reading(n: int, t: int) -> Callable[[], object]:
    """raw.cells -> values by unit, year and variable: the reading models of dbt in DuckDB, names matched to n units."""
    import pandas as pd

    sys.path.insert(0, str(ROOT / "tests" / "unit" / "ingest"))
    from reading import DBT, Reading

    from dagster_project.ingest.load import Load, frames_of_file

    world, folder = country(n, t), tempfile.TemporaryDirectory()
    path, sidecar, limits = landing_file(world, Path(folder.name))
    load = Load(*frames_of_file(path, path.name, sidecar, limits))
    reading = Reading()
    units = {"city_id": world["ids"], "level": "city"}
    known = {**units, "alias": world["ids"], "valid_from": None, "valid_to": None, "kind": "official", "source": None}
    for table, given in (("city", units), ("city_alias", known)):
        columns = reading.con.execute(f"describe {table}").fetchall()
        frame = pd.DataFrame(given, index=range(n)).reindex(columns=[column for column, *_ in columns])
        reading.con.register("incoming", frame)
        cast = ", ".join(f'"{column}"::{kind} as "{column}"' for column, kind, *_ in columns)
        reading.con.execute(f"create or replace table {table} as select {cast} from incoming")
    names = [f"v{number}" for number in range(INDICATORS)]
    header_map = pd.DataFrame(
        {
            "source": "load",
            "year_from": pd.array([None] * INDICATORS, dtype="Int64"),
            "year_to": pd.array([None] * INDICATORS, dtype="Int64"),
            "header_key": names,
            "variable_code": names,
            "scope": "city",
            "unit": "人",
            "reason": pd.array([None] * INDICATORS, dtype="str"),
        }
    )
    variable = pd.DataFrame({"variable_code": names, "unit": "persons", "kind": "stock"}).reindex(
        columns=pd.read_csv(DBT / "seeds" / "variable.csv").columns
    )

    def run() -> object:
        found = reading.read(load, header_map, variable)
        assert len(found) == n * t * INDICATORS
        return folder

    return run


def panel_from_rows(n: int, t: int) -> Callable[[], object]:
    """Long rows -> labelled panel (N, T, 20)."""
    from python_models.panel import Panel

    long = panel_of(country(n, t)).to_long().sample(frac=1, random_state=1)
    return lambda: Panel.from_long(long)


def panel_of(world: World) -> Panel:
    from python_models.panel import Panel

    names = tuple(f"v{number:02d}" for number in range(INDICATORS))
    return Panel(world["values"], tuple(world["ids"]), tuple(world["years"]), names)


def index(n: int, t: int) -> Callable[[], object]:
    """Panel -> entropy-weighted index with bounds, weights, contributions of every cell."""
    from python_models import CompositeIndex

    panel = panel_of(country(n, t))
    levels = {name: f"d{at % 4}" for at, name in enumerate(panel.names)}
    window = (panel.years[0], panel.years[-1])
    return lambda: CompositeIndex(panel, dict.fromkeys(panel.names, 1), window=window, levels=levels).fit()


def audit(n: int, t: int) -> Callable[[], object]:
    """Audit of an index on two levels, skewed and with imputed cells: 10,000 draws in two processes."""
    import numpy as np

    from python_models import CompositeIndex
    from python_models.measurement import audit

    panel = panel_of(country(n, t))
    one = CompositeIndex(
        panel,
        dict.fromkeys(panel.names, 1),
        {name: (f"t{k % 10}", f"d{k % 2}") for k, name in enumerate(panel.names)},
        winsor=dict.fromkeys(panel.names, True),
        imputed=np.random.default_rng(SEED).random(panel.values.shape) < 0.05,
    )
    return lambda: audit(one, draws=10_000, seed=1, n_jobs=2)


def inequality(n: int, t: int) -> Callable[[], object]:
    """Gini, Dagum by four regions and by provinces, Theil nested: every year, no draws."""
    from python_models.inequality import dagum, gini, theil_nested

    world = country(n, t)
    years, province, region = world["scores"].T, world["province"], world["region"]
    return lambda: [(gini(y), dagum(y, region), dagum(y, province), theil_nested(y, region, province)) for y in years]


def disparity(n: int, t: int) -> Callable[[], object]:
    """All disparity tables of the warehouse: bootstrap of every measure, group and year."""
    from dagster_project.study import disparity

    frames, settings = frames_of(country(n, t)), settings_of("disparity", bootstrap=199, trend=199)
    return lambda: disparity.build(frames, settings)


def markov(n: int, t: int) -> Callable[[], object]:
    """All Markov tables of the warehouse."""
    from dagster_project.study import markov

    frames = frames_of(country(n, t))
    settings = settings_of("markov", resamples=99, permutations=199, long_lag=99)
    return lambda: markov.build(frames, settings)


def convergence(n: int, t: int) -> Callable[[], object]:
    """All tables of densities, stochastic kernels, beta convergence and clubs."""
    from dagster_project.study import convergence

    frames, settings = frames_of(country(n, t)), settings_of("convergence", bootstrap=49, draws=50)
    return lambda: convergence.build(frames, settings)


def space(n: int, t: int) -> Callable[[], object]:
    """Six nearest units; Moran's I and local maps with 999 permutations, every year."""
    from python_models.space import build_weights, lisa, moran

    world = country(n, t)

    def run() -> object:
        graph = build_weights("knn", k=6, points=world["points"])
        return [(moran(y, graph, permutations=999), lisa(y, graph, permutations=999)) for y in world["scores"].T]

    return run


def space_tables(n: int, t: int) -> Callable[[], object]:
    """All space tables of the warehouse: 21 weight matrices (14 of them dense), maps, ellipses, gravity network."""
    from dagster_project.study import space

    frames, settings = frames_of(country(n, t)), settings_of("space", permutations=999, resamples=199)
    return lambda: space.build(frames, settings)


def firms(n: int, t: int) -> Callable[[], object]:
    """Micro-data: a Parquet file of n x t thousand firms -> sums by city and year, DuckDB with one thread and 1 GB."""
    import duckdb

    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name) / "firms.parquet"
    con = duckdb.connect(config={"threads": 1, "memory_limit": "1GB", "temp_directory": folder.name})
    con.execute(f"""
        copy (
            select (random() * 2850)::integer as city, 2001 + (random() * 20)::integer as year, uuid()::varchar as firm,
                random() * 1e6 as capital, (random() * 99)::integer as industry
            from range({n * t * 1000})
        ) to '{path}' (format parquet)
    """)

    def run() -> object:
        con.execute(f"""
            select city, year, count(*), count(distinct industry), sum(capital), median(capital)
            from '{path}' group by all
        """).fetchall()
        return folder

    return run


def sdm_dense(n: int, t: int) -> Callable[[], object]:
    """The same model on inverse distance without cut-off: a dense W."""
    return sdm(n, t, kind="invd")


def sdm(n: int, t: int, *, kind: str = "knn") -> Callable[[], object]:
    """Spatial Durbin model with effects of units and years on six nearest units: fit, errors, delta-method effects."""
    import numpy as np
    import pandas as pd

    from python_models.regression import SpatialPanel
    from python_models.regression.logdet import forget
    from python_models.space import build_weights, to_sparse

    world = country(n, t)
    weights = to_sparse(build_weights(kind, k=6, points=world["points"]))
    labels = pd.MultiIndex.from_product([np.arange(n), world["years"]], names=["city", "year"])
    x = np.log(world["values"][..., :3])
    y = np.log(world["scores"]) + 0.3 * (weights @ np.log(world["scores"])) + 0.1 * (weights @ x[..., 0])
    left = pd.Series(y.ravel(), index=labels, name="y")
    right = pd.DataFrame(x.reshape(-1, 3), index=labels, columns=["x1", "x2", "x3"])

    def run() -> object:
        forget()
        fit = SpatialPanel(left, right, (weights, np.arange(n))).fit(cov="info")
        assert fit.effects("delta").to_frame()["se"].notna().all()
        return fit

    return run


# stage: what is measured, sizes x 20 years, sizes x 5 years
STAGES: dict[str, tuple[Callable[[int, int], Callable[[], object]], tuple[int, ...], tuple[int, ...]]] = {
    "read": (read_long_csv, COUNTIES, TOWNS),
    "sql": (sql_of_reading, COUNTIES, TOWNS),
    "panel": (panel_from_rows, COUNTIES, TOWNS),
    "index": (index, COUNTIES, TOWNS),
    "audit": (audit, COUNTIES, ()),
    "inequality": (inequality, COUNTIES, TOWNS),
    "disparity": (disparity, COUNTIES, TOWNS),
    "markov": (markov, COUNTIES, ()),
    "convergence": (convergence, COUNTIES, ()),
    "space": (space, COUNTIES, TOWNS),
    "space_tables": (space_tables, (89, 178, 356), ()),
    "sdm": (sdm, COUNTIES, TOWNS),
    "sdm_dense": (sdm_dense, COUNTIES, ()),
    "firms": (firms, (50, 100, 200, 400), ()),
}


# ---- measuring -----------------------------------------------------------------------------------------------------


def measure(stage: str, n: int, t: int) -> dict[str, float]:
    """Processor seconds, wall seconds and megabytes of one stage, in this process (and the one that reads files)."""
    run = STAGES[stage][0](n, t)
    import gc

    gc.collect()
    before_mb, before = now_mb(), cpu()
    started = time.perf_counter()
    kept = run()
    result = {"seconds": cpu() - before, "wall": time.perf_counter() - started, "mb": peak_mb() - before_mb}
    del kept
    return result


def cpu() -> float:
    return sum(time_of.ru_utime + time_of.ru_stime for time_of in map(resource.getrusage, (0, -1)))


def now_mb() -> float:
    """Resident memory now; the peak so far is forgotten. Linux only, as is the rest of the measuring."""
    Path("/proc/self/clear_refs").write_text("5")
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def peak_mb() -> float:
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) / 1024


def limit() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_GB << 30, MEMORY_GB << 30))


def child(stage: str, n: int, t: int) -> dict[str, float] | str:
    command = [sys.executable, __file__, "--measure", stage, str(n), str(t)]
    done = subprocess.run(
        command,
        env={**os.environ, **THREADS, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=limit,
    )
    if done.returncode == 0:
        found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return found
    if done.returncode < 0:
        return f"more than {CPU_SECONDS} s"
    last = done.stderr.strip().splitlines()[-1:] or ["no reason"]
    return f"more than {MEMORY_GB} GB" if "MemoryError" in last[0] or "allocate" in last[0] else last[0][:120]


def exponent(sizes: list[int], values: list[float]) -> float:
    """Slope of the line through log value on log size, over the three largest sizes."""
    x = [math.log(size) for size in sizes[-3:]]
    y = [math.log(max(value, 1e-9)) for value in values[-3:]]
    mx, my = sum(x) / len(x), sum(y) / len(y)
    return sum((a - mx) * (b - my) for a, b in zip(x, y, strict=True)) / sum((a - mx) ** 2 for a in x)


def grow(stage: str, sizes: tuple[int, ...], t: int, *, markdown: bool) -> None:
    """One line a size, then how it grows."""
    found: list[tuple[int, dict[str, float]]] = []
    note = ""
    for n in sizes:
        result = child(stage, n, t)
        if isinstance(result, str):
            note = f"{n:,} units: {result}"
            break
        found.append((n, result))
        if not markdown:
            time_and_memory = f"{result['seconds']:10.2f} s{result['wall']:10.2f} s wall{result['mb']:10.0f} MB"
            print(f"{stage:14s}{n:>8,} x {t:<3d}{time_and_memory}", flush=True)
    growth = ""
    if len(found) > 2:
        ns = [n for n, _ in found]
        slopes = [exponent(ns, [result[what] for _, result in found]) for what in ("seconds", "mb")]
        growth = " | ".join(f"n^{slope:.2f}" for slope in slopes)
    if markdown:
        cells = " | ".join(f"{r['seconds']:.2f} s, {r['mb']:,.0f} MB" for _, r in found)
        blanks = " |" * (len(sizes) - len(found))
        print(f"| {stage} | {cells}{blanks} | {growth or ' | '} | {note} |", flush=True)
    else:
        print(f"{'':14s}grows as {growth.replace(' | ', ' in seconds, ') or '-'} {note}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stages", nargs="*", help="; ".join(f"{k}: {make.__doc__}" for k, (make, *_) in STAGES.items()))
    parser.add_argument("--small", action="store_true", help="the two smallest sizes only")
    parser.add_argument("--markdown", action="store_true", help="rows of the tables of docs/scale.md")
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        stage, n, t = arguments.measure
        print(json.dumps(measure(stage, int(n), int(t))))
        return
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    print(f"{os.cpu_count()} cores, {memory:.0f} GB, Python {platform.python_version()}, load of the machine {load}\n")
    for years, at in ((20, 0), (5, 1)):
        for stage in arguments.stages or STAGES:
            sizes = STAGES[stage][1:][at]
            if sizes:
                grow(stage, sizes[:2] if arguments.small else sizes, years, markdown=arguments.markdown)


if __name__ == "__main__":
    main()
