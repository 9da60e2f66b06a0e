"""A small clean load (12 cities, four variables, one sheet, data year 2019); each test breaks one thing."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from expectations import Baseline, ResultRow, validate

FILE, SHEET, YEAR = "yearbook_2019.xlsx", "Sheet1", 2019
CITIES = (
    "北京市", "天津市", "石家庄市", "唐山市", "秦皇岛市", "邯郸市",
    "邢台市", "保定市", "张家口市", "承德市", "沧州市", "廊坊市",
)  # fmt: skip
# code: (header path, printed unit, level, band)
VARIABLES = {
    "gdp_nom": ("2-10 地区生产总值 / 全市", "万元", 30_000_000.0, (100_000.0, 500_000_000.0)),
    "population_registered": ("2-1 人口数 / 全市", "万人", 5_000_000.0, (100_000.0, 40_000_000.0)),
    "wage_avg_nom": ("2-9 平均工资 / 全市", "元", 70_000.0, (10_000.0, 300_000.0)),
    "mobile_subscribers": ("2-15 移动电话 / 全市", "万户", 6_000_000.0, (10_000.0, 60_000_000.0)),
}

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
    """The three frames of a load that breaks no rule."""
    headers = [
        {
            "file": FILE, "sheet": SHEET, "col_no": number, "header_path": path,
            "header_key": path.replace(" ", ""), "header_unit": unit, "variable_code": code, "scope": "city",
            "is_known": True, "is_unit_known": True, "is_unit_consistent": True,
        }
        for number, (code, (path, unit, _, _)) in enumerate(VARIABLES.items(), start=2)
    ]  # fmt: skip
    places = [(year, number, city) for year in years for number, city in enumerate(CITIES)]
    rows = [
        {
            "file": FILE, "sheet": SHEET, "row_no": row_no, "cell": f"A{row_no}", "city_text": f" {city}",
            "year": year, "row_kind": "city", "city_id": f"CN{110000 + number}", "n_values": len(VARIABLES),
        }
        for row_no, (year, number, city) in enumerate(places, start=6)
    ]  # fmt: skip
    values = [
        {
            "city_id": f"CN{110000 + number}", "city_name": city, "year": year, "variable_code": code,
            "scope": "city", "value": level * (1 + number / 20), "text": f"{level * (1 + number / 20):.0f}",
            "is_number": True, "is_corrected": False, "file": FILE, "sheet": SHEET,
            "cell": f"{chr(66 + position)}{row_no}", "unit": unit, "band_low": band[0], "band_high": band[1],
            "value_last": level * (1 + number / 20) / (1.05 + number / 1000),
        }
        for row_no, (year, number, city) in enumerate(places, start=6)
        for position, (code, (_, unit, level, band)) in enumerate(VARIABLES.items())
    ]  # fmt: skip
    return {"headers": pd.DataFrame(headers), "rows": pd.DataFrame(rows), "values": pd.DataFrame(values)}


@pytest.fixture
def frames() -> dict[str, pd.DataFrame]:
    """The clean load of one year."""
    return clean_load()


@pytest.fixture
def make_frames() -> Callable[..., dict[str, pd.DataFrame]]:
    """The clean load of any years."""
    return clean_load


@pytest.fixture
def baseline() -> Baseline:
    """The baseline that the clean load of 2019 meets."""
    return BASELINE


@pytest.fixture
def judge(tmp_path: Path) -> Callable[..., dict[str, ResultRow]]:
    """Validate frames against the baseline (with changes) and return the failed rows by rule."""

    def run(frames: dict[str, pd.DataFrame], **changes: Any) -> dict[str, ResultRow]:
        rows = validate(frames, replace(BASELINE, **changes), docs_dir=tmp_path, name="small load")
        return {row.rule_id: row for row in rows if not row.passed}

    return run


@pytest.fixture
def at_cell() -> Callable[[dict[str, pd.DataFrame], str, str], pd.Series]:
    """Mask of the one cell of a city and variable (of every year)."""

    def mask(frames: dict[str, pd.DataFrame], city: str, variable: str) -> pd.Series:
        values = frames["values"]
        return (values["city_name"] == city) & (values["variable_code"] == variable)

    return mask
