"""The whole chain under load: landing files, reader, dbt, gate, methods, marts, published file, report.

    python benchmarks/chain.py                 356, 712, 1,425 and 2,850 units x 20 years
    python benchmarks/chain.py 60 120 240      other sizes
    python benchmarks/chain.py --years 10      other years
    python benchmarks/chain.py --no-report     without the pages, which are some for each unit
    python benchmarks/chain.py --counties 2850 the cities as they are, and as many counties: the second geography

The demo's own generator writes a country of that size: the cities of the shipped seeds and, beyond them, invented units
in a temporary copy of the dbt project (names, codes, groups, neighbours). With `--counties` it prints the county tables
of every year for as many provinces as hold so many units of county.csv. The refresh of `nqpf refresh --depth trial`
runs takes it from there, with its build file on disk. Writing the landing files is not measured.

Seconds of a step are those of the processor, of this process and of all that it starts (dbt, the reader); memory is the
peak of the largest of them, with all that it holds. Growth is the slope of
log seconds on log units over the three largest sizes.
"""

import argparse
import json
import math
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
COUNTIES = (356, 712, 1425, 2850)
FIRST_YEAR, YEARS = 2012, 20
SEED = 2026
NAME_SIGNS = (
    "安白宝北滨昌长常成春大德东恩丰福甘高古广海汉和河衡湖华怀黄惠吉济嘉江金晋景靖开康兰乐丽连临灵龙洛茂梅明南宁平"
)
WIDER = 30.0  # ranges of the gate, which know ten years
LARGEST_GB = 22


# ---- the country ---------------------------------------------------------------------------------------------------


def make_project(folder: Path, n: int) -> Path:
    """A project whose seeds know n units: its own copy of dbt/, the rest by link. Returns the project."""
    folder.mkdir(parents=True)
    for name in ("dagster_project", "python_models", "expectations"):
        (folder / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "dbt", folder / "dbt", ignore=shutil.ignore_patterns("target", "logs"))
    add_units(folder / "dbt" / "seeds", n)
    return folder


def add_units(seeds: Path, n: int) -> None:
    """Invented units until the roster of the demo has n: each takes province and groups of a city, nothing else."""
    import numpy as np
    import pandas as pd
    from scipy.spatial import cKDTree

    from dagster_project.demo.country import read_geography

    roster = read_geography(seeds).roster
    more, rng = n - len(roster), np.random.default_rng(SEED)
    if more <= 0:
        return
    tables = {
        name: pd.read_csv(seeds / f"{name}.csv", dtype=str, keep_default_na=False)
        for name in ("city", "city_alias", "city_group", "city_neighbour", "row_count")
    }
    city, aliases = tables["city"], set(tables["city_alias"]["alias"])
    models = city[city["city_id"].isin(roster) & (city["admin_tier"] == "prefecture_city")]
    parents = models.iloc[np.sort(rng.integers(0, len(models), more))]
    names = [a + b for a in NAME_SIGNS for b in NAME_SIGNS if not {a + b, a + b + "市"} & aliases][:more]
    numbers = parents.groupby("province_code").cumcount() + 8000  # four digits that no city has
    codes = (parents["province_code"].str[:2] + numbers.astype(str)).tolist()
    fresh = parents.assign(
        city_id=[f"CN{code}" for code in codes],
        city_code=codes,
        name_zh=[f"{name}市" for name in names],
        name_short_zh=names,
        name_en=[f"Unit {code}" for code in codes],
        centroid_lon=(parents["centroid_lon"].astype(float) + rng.normal(0, 0.8, more)).round(6).astype(str),
        centroid_lat=(parents["centroid_lat"].astype(float) + rng.normal(0, 0.6, more)).round(6).astype(str),
    )
    tables["city"] = pd.concat([city, fresh])
    kinds = {"official": "name_zh", "short": "name_short_zh", "english": "name_en", "code": "city_code"}
    tables["city_alias"] = pd.concat(
        [
            tables["city_alias"],
            *(
                pd.DataFrame({"alias": fresh[column], "city_id": fresh["city_id"], "kind": kind, "reason": "load"})
                for kind, column in kinds.items()
            ),
        ]
    ).fillna("")
    pairs = pd.DataFrame({"city_id": parents["city_id"].to_numpy(), "own": fresh["city_id"].to_numpy()})
    groups = pairs.merge(tables["city_group"], on="city_id").drop(columns="city_id").rename(columns={"own": "city_id"})
    tables["city_group"] = pd.concat([tables["city_group"], groups[tables["city_group"].columns]])
    cities = tables["city"][tables["city"]["city_id"].isin([*roster, *fresh["city_id"]])]
    points, ids = cities[["centroid_lon", "centroid_lat"]].astype(float).to_numpy(), cities["city_id"].to_numpy()
    new = np.isin(ids, fresh["city_id"])
    near = cKDTree(points).query(points[new], k=6)[1][:, 1:]
    edges = np.unique(np.sort(np.column_stack([np.repeat(ids[new], 5), ids[near].ravel()]).astype(str), axis=1), axis=0)
    tables["city_neighbour"] = pd.concat(
        [tables["city_neighbour"], pd.DataFrame(edges, columns=["city_id_a", "city_id_b"])]
    ).drop_duplicates()
    is_city = tables["row_count"]["level"] == "city"
    for column in ("rows_min", "rows_max"):
        scaled = (tables["row_count"].loc[is_city, column].astype(int) + more).where(
            tables["row_count"].loc[is_city, column].astype(int) > 1, 1
        )
        tables["row_count"].loc[is_city, column] = scaled.astype(str)
    for name, table in tables.items():
        table.to_csv(seeds / f"{name}.csv", index=False, lineterminator="\n")


def lengthen(seeds: Path, years: range) -> None:
    """Years beyond those that seeds and generator know: the last exchange rate, ranges and bounds for 20 years."""
    import pandas as pd

    import dagster_project.demo.country  # with it come all modules of the generator

    rates = pd.read_csv(seeds / "exchange_rate.csv", dtype=str)
    later = [year for year in years if str(year) not in set(rates["year"])]
    last = rates.iloc[-1].to_dict()
    more = pd.DataFrame([{**last, "year": str(year), "source": "load"} for year in later])
    pd.concat([rates, more]).to_csv(seeds / "exchange_rate.csv", index=False, lineterminator="\n")
    for name in ("variable", "county_band"):
        variables = pd.read_csv(seeds / f"{name}.csv", dtype=str, keep_default_na=False)
        for column in ("band_low", "median_low", "band_high", "median_high"):
            has_value = variables[column] != ""
            factor = 1 / WIDER if column.endswith("low") else WIDER
            wider = variables.loc[has_value, column].astype(float) * factor
            variables.loc[has_value, column] = wider.map("{:.10g}".format)
        variables.to_csv(seeds / f"{name}.csv", index=False, lineterminator="\n")
    rules = pd.read_csv(seeds / "edit_rule.csv", dtype=str, keep_default_na=False)
    is_bound = (rules["rule"] == "E2") & (rules["parameter"] == "high")
    rules.loc[is_bound, "value"] = (rules.loc[is_bound, "value"].astype(float) * WIDER).map("{:.10g}".format)
    rules.to_csv(seeds / "edit_rule.csv", index=False, lineterminator="\n")
    if len(years) <= len(dagster_project.demo.country.HORIZON):
        return
    for name, module in list(sys.modules.items()):
        if name.startswith("dagster_project.demo") and hasattr(module, "HORIZON"):
            setattr(module, "HORIZON", tuple(years))  # noqa: B010


def print_counties(seeds: Path, n: int, years: range) -> None:
    """Every year has county tables, of the provinces in code order that hold at least n units at the end.

    A city that the demo does not draw has the figures of one that it does, for its units alone.
    """
    import numpy as np
    import pandas as pd

    from dagster_project.demo import counties, generate

    units = pd.read_csv(seeds / "county.csv", dtype=str, keep_default_na=False)
    units_by_province = units[units["valid_to"] == ""].groupby("province_code").size().cumsum()
    provinces = tuple(units_by_province.index[units_by_province.shift(fill_value=0) < n].astype(str))
    draw, printed_units = counties.draw_counties, counties.printed_units

    def draw_all(seeds: Path, printed: Any, rng: np.random.Generator) -> counties.CountyBook:
        # of thousands of units whose figures move together some would look like each other: here each has its own move
        n, drift = len(units), 0.02 * rng.standard_normal((2, len(units), len(years))).cumsum(2)
        people = 0.5 * rng.standard_normal((n, 1)) + drift[0]
        of_kind = {"people": people, "money": people + 0.35 * rng.standard_normal((n, 1)) + drift[1]}
        shares, changes = {}, pd.read_csv(seeds / "county_change.csv", dtype=str, keep_default_na=False)
        for name, (_, _, kind) in counties.SHARED.items():
            shares[name] = np.exp(of_kind[kind] + 0.04 * rng.standard_normal((n, len(years))))
            counties._inherit(shares[name], units, changes)
        book = draw(seeds, printed, rng)
        others = tuple(sorted(set(units["parent_city_id"]) - set(book.rows)))
        pattern = np.arange(len(others)) % len(book.rows)
        sound = {name: np.concatenate([figures, figures[pattern]]) for name, figures in book.sound.items()}
        return counties.CountyBook(book.units, shares, sound, (*book.rows, *others))

    for module, name, value in (
        (generate, "draw_counties", draw_all),
        (counties, "printed_units", lambda book, _cities, year: printed_units(book, book.rows, year)),
        (counties, "WHOLE_PROVINCES", provinces),
        (counties, "CITIES_ALONE", ()),
        (counties, "YEARS", tuple(years)),
        (generate, "COUNTY_YEARS", tuple(years)),
    ):
        setattr(module, name, value)


def answer_faults(seeds: Path, faults: Any) -> None:
    """Correction rows for the slips as they were drawn here: other years and units, other printed texts."""
    import pandas as pd

    from dagster_project.demo.books import correction_rows

    corrections = pd.read_csv(seeds / "correction.csv", dtype=str, keep_default_na=False)
    others = corrections[~corrections["reason"].str.startswith("demo (SYNTHETIC)")]
    rows = pd.concat([others, correction_rows(faults)])
    rows.to_csv(seeds / "correction.csv", index=False, lineterminator="\n")


# ---- measuring -----------------------------------------------------------------------------------------------------


class Meter:
    """Processor seconds and peak memory between two marks, over this process and all that it started."""

    def __init__(self, heard: Callable[[list[dict[str, Any]]], object] = lambda _marks: None) -> None:
        self.marks: list[dict[str, Any]] = []
        self._heard = heard  # told of all marks after each: what is known of a run that does not end
        self._live: dict[int, float] = {}
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._peak_of_others = 0.0
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        self._begin()

    def mark(self, step: str) -> None:
        """What was used since the last mark belongs to `step`."""
        self._look()
        seconds, wall = self._seconds(), time.monotonic()
        self.marks.append(
            {
                "step": step,
                "seconds": seconds - self._before,
                "wall": wall - self._wall,
                "mb": max(own_peak_mb(), self._peak_of_others),
            }
        )
        self._heard(self.marks)
        self._begin()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _begin(self) -> None:
        Path("/proc/self/clear_refs").write_text("5")  # the peak so far is forgotten
        self._peak_of_others = 0.0
        self._before, self._wall = self._seconds(), time.monotonic()

    def _seconds(self) -> float:
        """Ended children are in the second figure, those that still run in the third."""
        with self._lock:
            usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
            return sum(r.ru_utime + r.ru_stime for r in usages) + sum(self._live.values())

    def _watch(self) -> None:
        while not self._stop.wait(0.2):
            self._look()

    def _look(self) -> None:
        live, peak = {}, 0.0
        for pid in descendants(os.getpid()):
            try:
                seconds, mb = seconds_of(pid), peak_mb_of(pid)
            except (OSError, ValueError, IndexError):  # it ended meanwhile
                continue
            live[pid], peak = seconds, max(peak, mb)
        with self._lock:
            self._live, self._peak_of_others = live, max(self._peak_of_others, peak)


def descendants(pid: int) -> list[int]:
    below: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(child) for child in task.read_text().split()]
        except OSError:
            continue
        for child in children:
            below += [child, *descendants(child)]
    return below


def seconds_of(pid: int) -> float:
    """Of a live process and of those of its own children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(value) for value in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def peak_mb_of(pid: int) -> float:
    return int(Path(f"/proc/{pid}/status").read_text().partition("VmHWM:")[2].split()[0]) / 1024


def own_peak_mb() -> float:
    return peak_mb_of(os.getpid())


def write_answer(folder: Path, answer: dict[str, Any]) -> None:
    (folder / "answer.json").write_text(json.dumps(answer))


def measure(n: int, n_years: int, folder: Path, *, has_report: bool, are_counties: bool) -> dict[str, Any]:
    """One refresh of n units: its steps, the size of what it left, and why it failed if it did."""
    from dagster_project.cli import refresh
    from dagster_project.cli.runner import RunLog
    from dagster_project.defs import publish
    from dagster_project.defs.settings import export_depth
    from dagster_project.demo.generate import generate_demo
    from dagster_project.ingest.sidecar import read_landed
    from dagster_project.paths import Paths
    from dagster_project.run.up_to_date import Changed

    n_cities = 0 if are_counties else n  # 0: the roster of the demo
    project, years = make_project(folder / "project", n_cities), range(FIRST_YEAR, FIRST_YEAR + n_years)
    paths = Paths(folder / "warehouse", folder / "landing", folder / "landing", project)
    lengthen(paths.seeds, years)
    if are_counties:
        print_counties(paths.seeds, n, years)
    truth = generate_demo(
        paths.landing, cities=n_cities if 0 < n_cities <= 290 else None, years=years, seeds=paths.seeds
    )
    answer_faults(paths.seeds, truth.faults)
    export_depth("trial")
    about: dict[str, Any] = {"n": n, "years": n_years, "failure": "it did not end"}
    meter = Meter(lambda marks: write_answer(folder, {**about, "steps": marks}))
    record = RunLog(heard=lambda step: meter.mark(step.words))
    if not has_report:
        setattr(publish, "write_report", lambda *_, **__: None)  # noqa: B010
    log, landed = paths.logs / "load.log", read_landed(paths)
    how: dict[str, Any] = {"year": None, "changed": Changed.numbers, "is_quiet": True, "as_candidate": False}
    failure = refresh._run(paths, log, record, landed, **how)
    meter.stop()
    sizes = {
        "landing_mb": size_mb(paths.landing),
        "build_mb": size_mb(paths.build_file),
        "published_mb": size_mb(paths.published_file),
        "report_mb": sum(map(size_mb, paths.releases.glob("*/docs"))),
    }
    message = failure.sentences[0][:300] if failure else None
    return {**about, "steps": meter.marks, "failure": message, **sizes}


def size_mb(path: Path) -> float:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file()) / 2**20


# ---- telling -------------------------------------------------------------------------------------------------------


def child(n: int, n_years: int, keep: Path | None, options: list[str]) -> dict[str, Any] | str:
    """One size in a process of its own, in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="nqpf_load_") as temporary:
        folder = (keep or Path(temporary)) / str(n)
        folder.mkdir(parents=True, exist_ok=True)
        answer = folder / "answer.json"
        command = [sys.executable, __file__, "--measure", str(n), "--years", str(n_years), "--folder", str(folder)]
        command += options
        process = subprocess.run(
            command,
            env={**os.environ, **THREADS, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=limit,
        )
        if answer.exists():
            result: dict[str, Any] = json.loads(answer.read_text())
            return result
        return (process.stderr.strip().splitlines()[-1:] or [f"ended by signal {-process.returncode}"])[0]


def limit() -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (LARGEST_GB << 30, LARGEST_GB << 30))


def slope(sizes: list[int], values: list[float]) -> float:
    """Of the line through log value on log size, over the three largest sizes."""
    x, y = [math.log(s) for s in sizes[-3:]], [math.log(max(v, 1e-9)) for v in values[-3:]]
    mx, my = sum(x) / len(x), sum(y) / len(y)
    return sum((a - mx) * (b - my) for a, b in zip(x, y, strict=True)) / sum((a - mx) ** 2 for a in x)


def totals(result: dict[str, Any]) -> dict[str, tuple[float, float]]:
    """step -> (seconds, MB); a step that Dagster cut in two counts once."""
    sums: dict[str, tuple[float, float]] = {}
    for mark in result["steps"]:
        seconds, mb = sums.get(mark["step"], (0.0, 0.0))
        sums[mark["step"]] = seconds + mark["seconds"], max(mb, mark["mb"])
    return sums


def table(results: list[dict[str, Any]]) -> str:
    """One line a step: seconds and megabytes at each size, then how both grow."""
    sizes, by_size = [int(str(r["n"])) for r in results], [totals(r) for r in results]
    lines = [
        "| step | " + " | ".join(f"{n:,}" for n in sizes) + " | growth in time | in memory |",
        "|---" * (len(sizes) + 3) + "|",
    ]
    for step in dict.fromkeys(name for steps in by_size for name in steps):
        cells = [f"{f[step][0]:.1f} s, {f[step][1]:,.0f} MB" if step in f else "" for f in by_size]
        have = [(n, f[step]) for n, f in zip(sizes, by_size, strict=True) if step in f]
        growth = ["", ""]
        if len(have) > 1:
            growth = [f"{slope([n for n, _ in have], [cost[at] for _, cost in have]):.2f}" for at in (0, 1)]
        lines.append(f"| {step} | " + " | ".join([*cells, *growth]) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="*", type=int, help="numbers of units")
    parser.add_argument("--years", type=int, default=YEARS)
    parser.add_argument("--no-report", action="store_true")
    parser.add_argument("--counties", action="store_true", help="the sizes are numbers of counties beside the cities")
    parser.add_argument("--keep", type=Path, help="folder that keeps the warehouses")
    parser.add_argument("--measure", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        folder, has_report = arguments.folder, not arguments.no_report
        answer = measure(
            arguments.measure, arguments.years, folder, has_report=has_report, are_counties=arguments.counties
        )
        write_answer(folder, answer)
        return
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    print(f"{os.cpu_count()} cores, {memory:.0f} GB, Python {platform.python_version()}, {arguments.years} years\n")
    results = []
    options = [f"--{name.replace('_', '-')}" for name in ("no_report", "counties") if getattr(arguments, name)]
    for n in arguments.sizes or COUNTIES:
        result = child(n, arguments.years, arguments.keep, options)
        if isinstance(result, str):
            print(f"{n:,} units: {result}", flush=True)
            continue
        results.append(result)
        parts = ", ".join(f"{key} {result[key]:,.0f}" for key in result if key.endswith("_mb"))
        print(f"{n:,} units: {parts}{'; failed: ' + str(result['failure']) if result['failure'] else ''}", flush=True)
    print("\n" + table(results))


if __name__ == "__main__":
    main()
