"""A small clean load (12 cities, four variables, one sheet, data year 2019); each test breaks one thing."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from expectations import Baseline, ResultRow, validate
from expectations.contract import FRAME_COLUMNS
from expectations.judged import judged_blocks

FILE, SHEET, YEAR = "yearbook_2019.xlsx", "Sheet1", 2019
CITIES = (
    *("北京市", "天津市", "石家庄市", "唐山市", "秦皇岛市", "邯郸市"),
    *("邢台市", "保定市", "张家口市", "承德市", "沧州市", "廊坊市"),
)
# what every row of a sound load says
PLACE = {"file": FILE, "sheet": SHEET}
SOUND_HEADER = {"variable_left_out": None, "is_known": True, "is_unit_known": True, "is_unit_consistent": True}
SOUND_VALUE = {"is_number": True, "is_corrected": False, "min_rho": None}
# code: (header path, printed unit, level, band)
VARIABLES = {
    "gdp_nom": ("2-10 地区生产总值 / 全市", "万元", 30_000_000.0, (100_000.0, 500_000_000.0)),
    "population_registered": ("2-1 人口数 / 全市", "万人", 5_000_000.0, (100_000.0, 40_000_000.0)),
    "wage_avg_nom": ("2-9 平均工资 / 全市", "元", 70_000.0, (10_000.0, 300_000.0)),
    "mobile_subscribers": ("2-15 移动电话 / 全市", "万户", 6_000_000.0, (10_000.0, 60_000_000.0)),
}

KINDS = {"gdp_nom": "flow", "population_registered": "stock", "wage_avg_nom": "rate", "mobile_subscribers": "stock"}
UNITS = pd.DataFrame(
    [
        ("万元", "yuan10k", 1.0),
        ("亿元", "yuan10k", 1e4),
        ("人", "persons", 1.0),
        ("万人", "persons", 1e4),
        ("元", "yuan", 1.0),
        ("%", "percent", 1.0),
    ],
    columns=["symbol", "canonical", "factor"],
)

BASELINE = Baseline(
    source="yearbook",
    data_year=YEAR,
    rows_min=11,
    rows_max=13,
    required_variables=("gdp_nom", "population_registered"),
    min_coverage=0.9,
    jump_limit_log=1.0,
)


def clean_load(years: tuple[int, ...] = (YEAR,)) -> dict[str, pd.DataFrame]:
    """The frames of a load that breaks no rule."""
    headers = [
        {
            **PLACE,
            "col_no": number,
            "header_path": path,
            "header_key": path.replace(" ", ""),
            "header_unit": unit,
            "unit": unit,
            "variable_code": code,
            "scope": "city",
            **SOUND_HEADER,
        }
        for number, (code, (path, unit, _, _)) in enumerate(VARIABLES.items(), start=2)
    ]
    places = [(year, number, city) for year in years for number, city in enumerate(CITIES)]
    rows = [
        {
            **PLACE,
            "row_no": row_no,
            "cell": f"A{row_no}",
            "city_text": f" {city}",
            "year": year,
            "row_kind": "city",
            "city_id": f"CN{110000 + number}",
            "n_values": len(VARIABLES),
        }
        for row_no, (year, number, city) in enumerate(places, start=6)
    ]
    values = [
        {
            "city_id": f"CN{110000 + number}",
            "city_name": city,
            "year": year,
            "variable_code": code,
            "scope": "city",
            "value": grown(level, number, year),
            "text": f"{grown(level, number, year):.0f}",
            **PLACE,
            "cell": f"{chr(66 + position)}{row_no}",
            "unit": unit,
            "band_low": band[0],
            "band_high": band[1],
            "kind": KINDS[code],
            "median_low": level / 5,
            "median_high": level * 5,
            **SOUND_VALUE,
            "province_id": "130000",
            "value_last": grown(level, number, year - 1),
            "year_last": year - 1,
        }
        for row_no, (year, number, city) in enumerate(places, start=6)
        for position, (code, (_, unit, level, band)) in enumerate(VARIABLES.items())
    ]
    frame = pd.DataFrame(values)
    return {
        "headers": pd.DataFrame(headers),
        "rows": pd.DataFrame(rows),
        "values": frame,
        "last": last_of(frame),
        **{name: pd.DataFrame(columns=FRAME_COLUMNS[name]) for name in ("totals", "across", "edits")},
        "identities": pd.DataFrame(columns=FRAME_COLUMNS["identities"]),
        "units": UNITS.copy(),
    }


def grown(level: float, number: int, year: int) -> float:
    """The figure of a city: larger cities come later in the list, and grow a little faster."""
    return level * (1 + number / 20) * (1.05 + number / 1000) ** (year - YEAR)


def last_of(values: pd.DataFrame) -> pd.DataFrame:
    """The last accepted figures that the values speak of."""
    return values[["city_id", "variable_code", "scope", "value_last", "year_last"]].drop_duplicates(
        ["city_id", "variable_code", "scope"], keep="last"
    )


@pytest.fixture
def frames():
    """The clean load of one year."""
    return clean_load()


@pytest.fixture
def make_frames():
    """The clean load of any years."""
    return clean_load


@pytest.fixture
def baseline():
    """The baseline that the clean load of 2019 meets."""
    return BASELINE


@pytest.fixture
def judge(tmp_path):
    """Validate frames against the baseline (with changes) and return the failed rows by rule."""

    def run(frames: dict[str, pd.DataFrame], **changes: Any) -> dict[str, ResultRow]:
        rows = validate(frames, replace(BASELINE, **changes), docs_dir=tmp_path, name="small load")
        return {row.rule_id: row for row in rows if not row.passed}

    return run


@pytest.fixture
def at_cell():
    """Mask of the one cell of a city and variable (of every year)."""

    def mask(frames: dict[str, pd.DataFrame], city: str, variable: str) -> pd.Series:
        values = frames["values"]
        return (values["city_name"] == city) & (values["variable_code"] == variable)

    return mask


N_CITIES = 120
# block: (median, spread between cities, usual median from, to, kind, unit)
BLOCKS = {
    "gdp_nom/city": (15e6, 0.9, 5e6, 45e6, "flow", "yuan10k"),
    "gdp_nom/district": (6e6, 1.0, 5e6, 45e6, "flow", "yuan10k"),
    "population_resident/city": (3.4e6, 0.6, 2e6, 7e6, "stock", "persons"),
    "population_resident/district": (1.2e6, 0.7, 2e6, 7e6, "stock", "persons"),
    "gdp_per_capita_nom/city": (44e3, 0.4, 15e3, 140e3, "rate", "yuan"),
    "fiscal_expenditure/city": (3e6, 0.6, 1e6, 9e6, "flow", "yuan10k"),
    "primary_share/city": (12.0, 0.0, 5.0, 25.0, "rate", "percent"),
    "secondary_share/city": (42.0, 0.0, 23.0, 90.0, "rate", "percent"),
    "tertiary_share/city": (46.0, 0.0, 20.0, 90.0, "rate", "percent"),
    "mobile_subscribers/city": (3.6e6, 0.6, 1e6, 9e6, "stock", "accounts"),
}
IDENTITIES = pd.DataFrame(
    [
        ("shares_sum_to_100", "primary_share + secondary_share + tertiary_share", "100", "city", 0.995, 1.005),
        ("gdp_per_head", "gdp_per_capita_nom * population_resident", "10000 * gdp_nom", "city district", 0.8, 1.2),
        ("district_gdp_is_part", "gdp_nom@district", "gdp_nom@city", None, None, 1.001),
        ("district_population_is_part", "population_resident@district", "population_resident@city", None, None, 1.001),
    ],
    columns=FRAME_COLUMNS["identities"],
)


def draw_country(seed: int = 1) -> dict[tuple[str, int], np.ndarray]:
    """Figures of two years, (block, year) -> city: sizes drawn at random, every identity met."""
    rng = np.random.default_rng(seed)
    people = 3.4e6 * np.exp(rng.normal(0, 0.6, N_CITIES))
    rich = 44e3 * np.exp(rng.normal(0, 0.4, N_CITIES))
    part = rng.uniform(0.3, 0.6, N_CITIES)
    primary, secondary = rng.uniform(3, 22, N_CITIES), rng.uniform(28, 55, N_CITIES)
    noise = {block: rng.normal(0, 0.1, N_CITIES) for block in BLOCKS}
    found = {}
    for year, growth in ((YEAR - 1, 1.0), (YEAR, 1.07)):
        drift, moved = rng.normal(0, 0.03, N_CITIES), rng.normal(0, 0.01, N_CITIES)
        gdp = people * rich / 1e4 * growth * np.exp(drift)
        first, second, here = primary + 10 * moved, secondary + 20 * drift, people * np.exp(moved)
        figures = {
            "gdp_nom/city": gdp,
            "gdp_nom/district": gdp * part * 1.2,
            "population_resident/city": here,
            "population_resident/district": here * part,
            "gdp_per_capita_nom/city": gdp / here * 1e4,
            "fiscal_expenditure/city": 0.2 * gdp * np.exp(noise["fiscal_expenditure/city"] + drift),
            "primary_share/city": first,
            "secondary_share/city": second,
            "tertiary_share/city": 100 - first - second,
            "mobile_subscribers/city": 1.05 * people * growth * np.exp(noise["mobile_subscribers/city"]),
        }
        found |= {(block, year): figure for block, figure in figures.items()}
    return found


def country_load(figures: dict[tuple[str, int], np.ndarray], *, has_past: bool = True) -> dict[str, pd.DataFrame]:
    """The frames of a load with one sheet; columns in the order of BLOCKS, cities in rows 6 to 125."""
    cities = [f"CN{500000 + n}" for n in range(N_CITIES)]
    headers, values, last = [], [], []
    for number, (block, (_, _, low, high, kind, unit)) in enumerate(BLOCKS.items(), start=2):
        variable, scope = block.split("/")
        symbol = {"yuan10k": "万元", "persons": "人", "yuan": "元", "percent": "%"}.get(unit, "户")
        path = f"表 {number} / {variable} / {scope}"
        headers.append(
            {
                **PLACE,
                "col_no": number,
                "header_path": path,
                "header_key": path.replace(" ", ""),
                "header_unit": None,
                "unit": symbol,
                "variable_code": variable,
                "scope": scope,
                **SOUND_HEADER,
            }
        )
        past = figures[block, YEAR - 1] if has_past else np.full(N_CITIES, np.nan)
        values += [
            {
                "city_id": city,
                "city_name": f"城{n}",
                "year": YEAR,
                "variable_code": variable,
                "scope": scope,
                "value": value,
                "text": f"{value:.6g}",
                **PLACE,
                "cell": f"{chr(64 + number)}{n + 6}",
                "unit": unit,
                "kind": kind,
                "band_low": low / 1e3,
                "band_high": high * 1e3,
                "median_low": low,
                "median_high": high,
                **SOUND_VALUE,
                "province_id": f"{n // 10}",
                "value_last": past[n],
                "year_last": YEAR - 1 if has_past else np.nan,
            }
            for n, (city, value) in enumerate(zip(cities, figures[block, YEAR], strict=True))
        ]
        last += [(city, variable, scope, old, YEAR - 1) for city, old in zip(cities, past, strict=True) if has_past]
    rows = [
        {
            **PLACE,
            "row_no": n + 6,
            "cell": f"A{n + 6}",
            "city_text": f"城{n}",
            "year": YEAR,
            "row_kind": "city",
            "city_id": city,
            "n_values": len(BLOCKS),
        }
        for n, city in enumerate(cities)
    ]
    return {
        "headers": pd.DataFrame(headers),
        "rows": pd.DataFrame(rows),
        "values": pd.DataFrame(values),
        "last": pd.DataFrame(last, columns=FRAME_COLUMNS["last"]),
        **{name: pd.DataFrame(columns=FRAME_COLUMNS[name]) for name in ("totals", "across", "edits")},
        "identities": IDENTITIES.copy(),
        "units": UNITS.copy(),
    }


@pytest.fixture
def figures():
    """Figures of 120 cities, (block, year) -> array; a test spoils one and loads them with `load_country`."""
    return draw_country()


@pytest.fixture
def load_country():
    """Figures -> frames of the load of 2019, with the year before as its past unless `has_past` is false."""
    return country_load


@pytest.fixture
def refused():
    """Frames -> block -> rule that refuses it."""

    def run(frames: dict[str, pd.DataFrame]) -> dict[str, str]:
        blocks = judged_blocks(frames, replace(BASELINE, rows_min=100, rows_max=130, required_variables=()))
        at_fault = blocks[blocks["fault"] != ""]
        return {
            block.rsplit("/", 1)[0]: fault for block, fault in zip(at_fault["block"], at_fault["fault"], strict=True)
        }

    return run
