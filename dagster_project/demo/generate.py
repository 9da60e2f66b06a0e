"""One call writes the whole synthetic country: yearbooks, registers, sidecars, and the truth beside them."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from dagster_project.demo import country, faults, figures
from dagster_project.demo.books import Print, write_tables, write_wide
from dagster_project.demo.counties import YEARS as COUNTY_YEARS
from dagster_project.demo.counties import CountyBook, county_faults, draw_counties, write_county_tables
from dagster_project.demo.country import HORIZON, DemoTruth, Geography
from dagster_project.demo.printed import as_printed, read_rules
from dagster_project.demo.registers import LongFile, Relations, write_registers
from dagster_project.demo.slips import COLUMNS, plant_jumps, plant_slips, read_bands
from dagster_project.paths import demo_paths
from python_models._types import FloatArray
from python_models.simulation import SimulatedCountry, Truth

TABLE_YEARS = (2017, 2018)  # and every year from 2021: one workbook a table


def generate_demo(
    landing_root: Path,
    *,
    seed: int = country.DEFAULT_SEED,
    cities: Iterable[str] | int | None = None,
    years: Iterable[int] = range(2012, 2022),
    truth: Truth | None = None,
    is_damaged: bool = True,
    has_slips: bool = True,
    seeds: Path | None = None,
) -> DemoTruth:
    """Write the demo's landing files below `landing_root` and return what was planted.

    cities: ids of city.csv, a number of cities, or None for all; years: consecutive, inside HORIZON; truth:
    parameters (planted effects can be off); is_damaged: plant gaps and misprints, which correction.csv answers
    by the text of the default truth and seed only; has_slips: plant slips, which editing has to find, and true jumps;
    seeds: folder of the dbt seeds, whose roster, groups and contiguity shape the values. The same arguments and seeds
    give the same bytes. ValueError: unknown city, years with holes.
    """
    seeds = seeds or demo_paths().seeds
    geography, chosen_years = country.read_geography(seeds), country.check_years(years)
    city_ids = country.choose_cities(geography, cities)
    streams = [np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(12)]
    country_draw = country.draw_country(geography, truth or Truth(), streams[0])
    sides, bands = figures.standardised_sides(country_draw), read_bands(seeds)
    raw = figures.draw_raw(geography, sides, figures.draw_indicators(sides, streams[1]), streams[2])
    _plant_in_truth(geography, raw)
    jumps = plant_jumps(geography.roster, raw, bands, streams[7]) if has_slips else []
    base, robots = figures.draw_robots(sides, raw, streams[3])
    printed = as_printed(geography, raw, read_rules(seeds), streams[4])
    counties = draw_counties(seeds, printed, streams[10])
    outside = figures.draw_outside(sides, raw, streams[11])
    relations = _relations(geography, country_draw, raw, outside, seeds, streams[6], streams[9])
    planted_faults = faults.faults_of(city_ids, chosen_years, is_damaged=is_damaged)
    candidates = faults.draw_gaps(geography.roster, streams[5])
    parts = read_parts(seeds)
    gaps = (
        faults.keep_within_limits(candidates, city_ids, chosen_years, named=planted_faults, parts=parts)
        if is_damaged
        else []
    )
    revised, slips = raw["gdp_nom"].copy(), pd.DataFrame(columns=COLUMNS)
    if has_slips:
        fault_series = {(f.city_id, f.variable_code) for f in (*faults.FAULTS, *candidates)}
        slips = plant_slips(
            printed, relations.panels, revised, jumps=jumps, bands=bands, reserved=fault_series, rng=streams[8]
        )
    planted_faults += county_faults(counties, city_ids, chosen_years) if is_damaged else []
    source = Print(printed, geography, city_ids, chosen_years, faults.Damage([*planted_faults, *gaps]))
    for year in chosen_years:
        _write_yearbook(landing_root, source, year)
        if year in COUNTY_YEARS:
            _write_county_tables(landing_root, source, counties, year)
    long_files = write_registers(landing_root, source, raw, revised, base, robots, relations)
    _write_register_sidecars(landing_root, source, long_files)
    panels = {"raw": raw, "indicator": figures.true_indicators(parts, raw, base, robots)}
    result = _truth(country_draw, source, panels, slips)
    # csv files beside the sources; no sidecar, so they can never be loaded as data
    (landing_root / "truth").mkdir(parents=True, exist_ok=True)
    for name in ("latent", "parameters", "effects", "indicator", "faults", "slips", "synergy"):
        getattr(result, name).to_csv(landing_root / "truth" / f"{name}.csv", index=False, lineterminator="\n")
    return result


def _relations(
    geography: Geography,
    country: SimulatedCountry,
    raw: dict[str, FloatArray],
    outside: dict[str, FloatArray],
    seeds: Path,
    rng: np.random.Generator,
    lots: np.random.Generator,
) -> Relations:
    z = figures.standardised_relations(country)
    # yuan per US dollar in each year; the last known rate for years to come
    rates = pd.read_csv(seeds / "exchange_rate.csv").set_index("year")["cny_per_usd"].reindex(HORIZON).ffill()
    keywords = pd.read_csv(seeds / "keyword.csv", dtype=str)
    terms = [str(term) for term in keywords.loc[keywords["is_active"] == "true", "term"]]
    return Relations(
        panels=figures.draw_relations(z, raw, rates.to_numpy(dtype=float), rng),
        pilots=figures.draw_pilots(len(geography.roster), lots),
        sectors=figures.draw_sectors(z, raw, rng),
        prices=figures.draw_prices(z, rng),
        texts=figures.draw_reports(z, terms, rng),
        invested=figures.draw_investment(geography, z, raw, rng),
        outside=outside,
    )


def _plant_in_truth(geography: Geography, raw: dict[str, FloatArray]) -> None:
    """Zeros and breaks are true: they belong to the values, not to the damage of a file (in place)."""
    for fault in faults.FAULTS:
        if fault.kind in ("absent_row", "structural_zero"):
            raw[fault.variable_code][geography.roster.index(fault.city_id), HORIZON.index(fault.year)] = 0.0
        elif fault.kind == "series_break":
            later = raw[fault.variable_code][:, HORIZON.index(fault.year) :]
            later[:] = np.rint(later * (fault.factor or 1.0))


def read_parts(seeds: Path) -> pd.DataFrame:
    """indicator_part.csv with the multiplier of each indicator."""
    multiplier = pd.read_csv(seeds / "indicator.csv").set_index("indicator_code")["multiplier"]
    return pd.read_csv(seeds / "indicator_part.csv").join(multiplier, on="indicator_code")


def _write_yearbook(landing: Path, source: Print, year: int) -> None:
    folder = landing / "yearbook" / str(year)
    fields = _of_year("yearbook", "wide", year, f"yearbook of cities, data of {year}")
    fields |= {"maturity": "first_print", **_partial(source, fewest=len(source.cities))}
    if year in TABLE_YEARS or year >= 2021:
        files = write_tables(folder, source, year)
        write_sidecar(folder / "yearbook.yml", landing, files, fields | {"layout": "tables"})
    elif year in faults.years_of("revision_vintage"):
        first, last = (folder / f"synthetic_yearbook_{year}_v{edition}.xlsx" for edition in (1, 2))
        write_wide(first, source, year, faults.FIRST_VINTAGE)
        vintage = write_sidecar(folder / "yearbook_v1.yml", landing, [first], fields)
        write_wide(last, source, year)
        revised = fields | {"maturity": "revised", "supersedes": vintage}
        write_sidecar(folder / "yearbook_v2.yml", landing, [last], revised)
    else:
        path = folder / f"synthetic_yearbook_{year}.xlsx"
        write_wide(path, source, year)
        write_sidecar(folder / "yearbook.yml", landing, [path], fields)


def _write_county_tables(landing: Path, source: Print, counties: CountyBook, year: int) -> None:
    folder = landing / "county_tables" / str(year)
    n, files = write_county_tables(folder, source, counties, year)
    if files:
        fields = _of_year("county_tables", "tables", year, f"tables of county-level units, data of {year}")
        fields |= {"maturity": "first_print", "expected_cities": [n, n]}
        write_sidecar(folder / "county_tables.yml", landing, files, fields)


def _of_year(source: str, layout: str, year: int, title: str) -> dict[str, object]:
    about = {"source": source, "layout": layout, "data_year": year, "edition_year": year + 1}
    return {**about, "title": f"SYNTHETIC {title}"}


def _write_register_sidecars(landing: Path, source: Print, files: Iterable[LongFile]) -> None:
    for file in files:
        fields = {"source": file.source, "layout": "long", "keys": dict(file.keys), "title": f"SYNTHETIC {file.title}"}
        fields["maturity"] = "revised" if file.source == "gdp_revised" else "final"
        path = file.path(landing)
        write_sidecar(path.with_name(f"{file.source}.yml"), landing, [path], fields | _partial(source, fewest=1))


def _partial(source: Print, *, fewest: int) -> dict[str, object]:
    """A demo of fewer cities says so, or the gate would miss the others. A merged city prints a row of its own."""
    n = len(source.cities)
    return {} if n >= len(source.geography.roster) else {"expected_cities": [fewest, n + 1]}


def _truth(
    demo_country: SimulatedCountry, source: Print, planes: dict[str, dict[str, FloatArray]], slips: pd.DataFrame
) -> DemoTruth:
    geography = source.geography
    merged = {country.MERGED_CITY} if country.MERGED_INTO in source.cities else set()

    def cut(frame: pd.DataFrame) -> pd.DataFrame:
        keep = frame["city_id"].isin({*source.cities, *merged})
        keep &= frame["year"].isin(source.years) if "year" in frame else True
        return frame[keep].reset_index(drop=True)

    def long(panels: dict[str, FloatArray], name: str) -> pd.DataFrame:
        n, years = len(geography.roster), len(HORIZON)
        cells = pd.DataFrame({"city_id": np.repeat(geography.roster, years), "year": np.tile(HORIZON, n)})
        parts = [cells.assign(value=values.ravel()) for values in panels.values()]
        return cut(pd.concat(parts, keys=list(panels), names=[name]).reset_index(name))

    groups = {"core": geography.is_core, "east": geography.is_east, "cluster": geography.is_cluster}
    return DemoTruth(
        latent=cut(demo_country.to_frame(geography.roster, HORIZON)),
        parameters=demo_country.truth.to_frame(),
        effects=demo_country.effects(groups),
        indicator=long(planes["indicator"], "indicator_code"),
        faults=pd.DataFrame([asdict(fault) for fault in source.damage.faults]),
        slips=cut(slips),
        raw=long(planes["raw"], "variable_code"),
        synergy=cut(pd.DataFrame({"city_id": geography.roster, "synergy": demo_country.synergy})),
    )


ORIGIN = {
    "producer": "SYNTHETIC demo generator",
    "licence": "same as the project; the values are drawn from a random generator and describe no real city",
    "accessed": "2026-11-01",
    "is_synthetic": True,
}


def write_sidecar(path: Path, landing: Path, files: Sequence[Path], fields: Mapping[str, object]) -> str:
    """Write a sidecar for `files` and return the vintage of the load (12 hex digits)."""
    hashes = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
    entries = [
        {"path": file.relative_to(landing).as_posix(), "sha256": digest}
        for file, digest in zip(files, hashes, strict=True)
    ]
    head = {"source": fields["source"], "layout": fields["layout"], "files": entries}
    path.write_text(
        yaml.safe_dump({**head, **fields, **ORIGIN}, allow_unicode=True, sort_keys=False, width=110), encoding="utf-8"
    )
    if len(hashes) == 1:
        return hashes[0][:12]
    return hashlib.sha256("\n".join(sorted(hashes)).encode()).hexdigest()[:12]
