"""A small published file with made-up figures, its tables created from the contracts of the marts (YAML)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
import yaml

ROOT = Path(__file__).parents[3]
CONTRACTS = sorted((ROOT / "dbt" / "models" / "marts").glob("*/_*.yml"))
BASE_MAP = ROOT / "dagster_project" / "publish" / "site" / "assets" / "city_boundaries.json"
INDICATORS = {"n1_hestud": "new", "n2_mobile": "new", "q1_scishare": "quality", "q2_gdppc": "quality"}
BASIS = "frozen_2012_2021"
DROPPED = 2  # cities at the end of the list; the first of them is a core city


@pytest.fixture(scope="session")
def build_published() -> Callable[..., Path]:
    return build


def build(
    path: Path,
    *,
    n_cities: int = 24,
    years: tuple[int, ...] = (2012, 2013, 2014, 2015),
    index_code: str = "nqpf_yearbook",
    is_synthetic: bool = True,
    name: str | None = None,
) -> Path:
    """Write the file. `name`: English and Chinese name of the highest city, to try out hostile text."""
    fill = _Filler(n_cities, years, index_code, is_synthetic, name)
    with duckdb.connect(str(path)) as con:
        con.execute("create schema mart; create schema ops")
        for table, columns in contracts().items():
            con.execute(f"create table mart.{table} ({', '.join(f'{n} {t}' for n, t in columns.items())})")
            for row in fill.rows(table):
                known = {"data_vintage": "2015A", "method_version": "test", "boundary_vintage": 2021} | row
                used = [c for c in columns if c in known]
                marks = ", ".join("?" for _ in used)
                con.execute(f"insert into mart.{table} ({', '.join(used)}) values ({marks})", [known[c] for c in used])
    return path


def contracts() -> dict[str, dict[str, str]]:
    """table -> column -> type, as the YAML says."""
    models = [m for file in CONTRACTS for m in yaml.safe_load(file.read_text(encoding="utf-8"))["models"]]
    return {m["name"]: {c["name"]: c["data_type"] for c in m["columns"]} for m in models}


class _Filler:
    def __init__(self, n: int, years: tuple[int, ...], index: str, is_synthetic: bool, name: str | None) -> None:
        shapes = json.loads(BASE_MAP.read_text(encoding="utf-8"))["features"]
        known = [s["properties"] for s in shapes if s["properties"]["kind"] == "city"][:n]
        self.cities = [(c["city_id"], c["name_en"], c["name_zh"]) for c in known]
        if name:
            self.cities[0] = (self.cities[0][0], name, name)
        self.years, self.index, self.is_synthetic, self.name = years, index, is_synthetic, name
        rng = np.random.default_rng(20211231)
        start, growth = np.sort(rng.uniform(10, 60, n))[::-1], rng.uniform(1, 3, n)
        self.score = {  # city, year -> points; the first city is the highest in every year
            (c[0], y): float(start[k] + growth[k] * (y - years[0]) + (20 if k == 0 else 0))
            for k, c in enumerate(self.cities)
            for y in years
        }

    def rows(self, table: str) -> list[dict[str, Any]]:
        make = getattr(self, f"_{table}", None)
        return make() if make else []

    @property
    def sample(self) -> list[tuple[str, str, str]]:
        return self.cities[:-DROPPED]

    def _dim_vintage(self) -> list[dict[str, Any]]:
        return [{"cut_date": "2026-01-01", "n_files": 1, "is_synthetic": self.is_synthetic, "notes": ""}]

    def _dim_city(self) -> list[dict[str, Any]]:
        return [
            {
                "city_id": i,
                "name_en": en,
                "name_zh": zh,
                "province_en": "Province",
                "in_sample": (i, en, zh) in self.sample,
            }
            for i, en, zh in self.cities
        ]

    def _dim_indicator(self) -> list[dict[str, Any]]:
        return [
            {
                "index_code": self.index,
                "indicator_code": code,
                "dimension": d,
                "tier": code[:2].upper(),
                "direction": 1,
                "name_en": f"name of {code}",
                "name_zh": "指标",
                "unit": "percent",
            }
            for code, d in INDICATORS.items()
        ]

    def _dim_group_membership(self) -> list[dict[str, Any]]:
        schemes = {
            "east_vs_cw": ("east", "central_west"),
            "cluster": ("cluster", "non_cluster"),
            "core": ("core", "periphery"),
        }
        return [
            {
                "city_id": city[0],
                "scheme": scheme,
                "valid_from": 0,
                "group_code": codes[k % 2],
                "group_name_en": f"Group {codes[k % 2]}",
                "group_name_zh": "组",
            }
            for scheme, codes in schemes.items()
            for k, city in enumerate(self.cities)
        ]

    def _mart_index_score(self) -> list[dict[str, Any]]:
        rows = []
        for year in (*self.years, self.years[-1] + 1):
            order = sorted(self.sample, key=lambda c: -self.score.get((c[0], year), 0))
            for rank, city in enumerate(order, start=1):
                score = self.score.get((city[0], year))
                for part, scheme in (
                    ("", "entropy_flat"),
                    ("_new", "entropy_flat"),
                    ("_quality", "entropy_flat"),
                    ("", "equal"),
                ):
                    rows.append(
                        {
                            "basis": BASIS,
                            "index_code": self.index + part,
                            "spec_code": self.index,
                            "weight_scheme": scheme,
                            "city_id": city[0],
                            "year": year,
                            "score": None if score is None else score / 100,
                            "score_100": score,
                            "rank_year": None if score is None else rank,
                            "share_imputed_weight": 0.25,
                        }
                    )
        return rows

    def _mart_index_weight(self) -> list[dict[str, Any]]:
        return [
            {
                "basis": BASIS,
                "index_code": self.index,
                "weight_scheme": "entropy_flat",
                "indicator_code": code,
                "dimension": d,
                "entropy": 0.9,
                "redundancy": 0.1,
                "weight": (k + 1) / 10,
                "dimension_weight": 0.5,
                "flag": "",
                "skewness": 1.0 + k / 10,
            }
            for k, (code, d) in enumerate(INDICATORS.items())
        ]

    def _mart_index_bounds(self) -> list[dict[str, Any]]:
        return [
            {
                "basis": BASIS,
                "index_code": self.index,
                "indicator_code": "n1_hestud",
                "window_start": 2012,
                "window_end": 2021,
            }
        ]

    def _mart_index_contribution(self) -> list[dict[str, Any]]:
        return [
            {
                "basis": BASIS,
                "index_code": self.index,
                "weight_scheme": "entropy_flat",
                "city_id": self.cities[0][0],
                "year": self.years[-1],
                "indicator_code": code,
                "weight": 0.25,
                "z": 0.5,
                "contribution": 0.125,
            }
            for code in INDICATORS
        ]

    def _mart_indicator_value(self) -> list[dict[str, Any]]:
        return [
            {
                "basis": BASIS,
                "index_code": self.index,
                "city_id": self.cities[0][0],
                "year": self.years[-1],
                "indicator_code": code,
                "unit": "percent",
                "value_final": 1.0,
                "value_origin": "observed",
            }
            for code in INDICATORS
        ]

    def _mart_indicator_coverage(self) -> list[dict[str, Any]]:
        n = len(self.cities)
        rows = [
            {
                "index_code": self.index,
                "indicator_code": code,
                "year": year,
                "n_city": n,
                "n_observed": n - 1,
                "n_imputed": 1,
                "n_suspected_fill": 1,
                "n_zero": 0,
                "n_missing": 0,
                "share_imputed": 1 / n,
            }
            for code in INDICATORS
            for year in self.years
        ]
        return [*rows, {**rows[0], "year": self.years[-1] + 1, "n_observed": 0, "n_imputed": 0, "n_missing": n}]

    def _mart_sample_city(self) -> list[dict[str, Any]]:
        return [
            {
                "index_code": self.index,
                "city_id": i,
                "name_en": en,
                "name_zh": zh,
                "in_sample": k < len(self.sample),
                "is_core": k == len(self.sample),
                "drop_reason": None if k < len(self.sample) else "n1_hestud: series ends early",
            }
            for k, (i, en, zh) in enumerate(self.cities)
        ]

    def _mart_source_load(self) -> list[dict[str, Any]]:
        return [
            {
                "source": "yearbook",
                "data_year": 2012,
                "vintage": "0" * 12,
                "load_no": 1,
                "is_current": True,
                "title": self.name or "Yearbook",
                "producer": "Producer",
                "n_cells": 10,
                "maturity": "first_print",
                "licence": "none stated",
                "accessed": "2026-01-01",
                "is_synthetic": self.is_synthetic,
            }
        ]

    def _mart_check_result(self) -> list[dict[str, Any]]:
        return [
            {
                "check_id": "index_computed/nqpf",
                "severity": "warn",
                "observed": "0 cities",
                "expected": "at least 9 cities",
                "passed": False,
                "message": self.name or "skipped: no firms",
            },
            {"check_id": "identity/weights", "severity": "error", "passed": True, "message": ""},
        ]

    def _mart_source_value(self) -> list[dict[str, Any]]:
        return [
            {
                "source_cell_id": f"yearbook@x:{k}",
                "city_id": self.cities[0][0],
                "year": self.years[-1],
                "variable_code": "gdp_nom",
                "source": "yearbook",
                "value": 1.0,
                "is_selected": k == 0,
                "is_corrected": False,
                "fill_rule": "repeat" if k else None,
            }
            for k in range(2)
        ]

    def _mart_source_disagreement(self) -> list[dict[str, Any]]:
        return [
            {
                "city_id": self.cities[0][0],
                "year": self.years[-1],
                "variable_code": "gdp_nom",
                "source_a": "a",
                "source_b": "b",
                "concept_a": "revised",
                "concept_b": "revised",
                "relative_difference": 0.1,
                "source_cell_id_a": "1",
                "source_cell_id_b": "2",
            }
        ]
