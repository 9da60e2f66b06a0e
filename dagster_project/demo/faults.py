"""Every planted fault of the demo, with the seed row or rule that answers it.

`FAULTS` is the one list: cells and files from planted_fault.csv, boundary events and the census revision from the facts
that make them; `draw_gaps` adds interior gaps. The shipped seeds and rules answer all of them without a person; files
that must be refused are made by tests, never here. Slips, which no seed row answers, are in `slips`.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from dagster_project.demo.country import HORIZON, MERGED_CITY, MERGED_FIRST_YEAR, MERGED_INTO, TRANSFERS, rows_of, words
from dagster_project.demo.printed import REVISED_FROM, REVISION

FIRST_VINTAGE = "first"
PATENT_VARIABLES = ("all_grants", "invention_grants", "green_invention_grants")
# what only a damaged file prints; the other kinds are true events, revisions and formats
MISPRINTS = frozenset({"ocr_name", "unit_slip", "ocr_number", "full_width", "thousands", "edge_gap", "interior_gap"})
_LOOKS_LIKE = {"1": "I", "0": "O", "5": "S", "2": "Z", "8": "B"}
_FULL_WIDTH = str.maketrans("0123456789.", "０１２３４５６７８９．")


@dataclass(frozen=True)
class Fault:
    """One planted fault; city_id is 'all' or a province for whole files.

    planted: what the file prints instead; factor: what the number is multiplied by; answer: the seed row or
    rule; vintage: '' or 'first'; value: the true value in canonical units where one cell is hit.
    """

    kind: str
    source: str
    city_id: str
    year: int
    variable_code: str
    answer: str
    scope: str = "city"
    planted: str = ""
    vintage: str = ""
    factor: float | None = None
    value: float | None = None

    @property
    def cell(self) -> tuple[str, str, str]:
        """Key of the damaged cell inside one source and year."""
        return self.city_id, self.variable_code, self.scope


def _listed_faults() -> list[Fault]:
    faults = []
    for row in rows_of("planted_fault.csv"):
        numbers: dict[str, Any] = {"year": int(row["year"]), "factor": float(row["factor"]) if row["factor"] else None}
        faults.append(Fault(**(row | numbers)))
    return faults


def _event_faults() -> list[Fault]:
    note = f"own row before {MERGED_FIRST_YEAR}, then a part of {MERGED_INTO}"
    faults = [
        Fault("merge", "yearbook", MERGED_CITY, MERGED_FIRST_YEAR, "", "city_change.csv: laiwu_2019", planted=note)
    ]
    for t in TRANSFERS:
        note = f"{t.county_id} is printed with {t.old_city} before {t.first_year}"
        answer = "city_change.csv and source county"
        faults.append(Fault("transfer", "yearbook", t.new_city, t.first_year, "", answer, planted=note))
    for province, delta in REVISION.items():
        where = ("census_revision", "gdp_revised", f"CN{province}", REVISED_FROM, "gdp_nom")
        note = f"last word {delta:+d} % against the first print"
        faults.append(Fault(*where, "precedence.csv: gdp_revised first", planted=note))
    return faults


FAULTS: tuple[Fault, ...] = (*_listed_faults(), *_event_faults())


def years_of(kind: str) -> tuple[int, ...]:
    """Years in which a kind of fault is planted, in order."""
    return tuple(sorted({fault.year for fault in FAULTS if fault.kind == kind}))


def faults_of(cities: Sequence[str], years: Sequence[int], *, is_damaged: bool = True) -> list[Fault]:
    """The faults of FAULTS that touch these cities and years; without MISPRINTS unless `is_damaged`."""
    places = {*cities, "all", *(f"CN{province}" for province in REVISION)}
    if MERGED_INTO in cities:
        places.add(MERGED_CITY)
    old_city = {t.new_city: t.old_city for t in TRANSFERS}
    # boundary events and the revision matter as soon as a year before them is printed
    since = {f: years[0] < f.year for f in FAULTS if f.kind in ("merge", "transfer", "census_revision")}
    faults = [f for f in FAULTS if f.city_id in places and since.get(f, f.year in years)]
    faults = [f for f in faults if is_damaged or f.kind not in MISPRINTS]
    # a county is only moved when both its cities are printed
    return [f for f in faults if f.kind != "transfer" or old_city[f.city_id] in cities]


class Damage:
    """Finds the fault of a cell, damages its number, and remembers the text that the file prints for it."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = list(faults)
        self._position = {(f.source, f.year, f.vintage, f.cell): i for i, f in enumerate(self.faults)}

    def find(self, source: str, year: int, vintage: str, cell: tuple[str, str, str]) -> int | None:
        """Position of the fault of a cell; one without vintage stands in every vintage."""
        at = self._position.get((source, year, "", cell))
        return self._position.get((source, year, vintage, cell)) if at is None and vintage else at

    def apply(self, at: int, number: float, decimals: int) -> float | str | None:
        """Another number, a text, or None for an empty cell."""
        fault, text = self.faults[at], f"{number:.{decimals}f}"
        match fault.kind:
            case "interior_gap" | "edge_gap":
                return fault.planted or None
            case "unit_slip" | "revision_vintage":
                return round(number * (fault.factor or 1.0), decimals)
            case "full_width":
                return text.translate(_FULL_WIDTH)
            case "thousands":
                return f"{number:,.{decimals}f}"
            case "ocr_number":
                sign = next((s for s in _LOOKS_LIKE if s in text), text[0])
                return text.replace(sign, _LOOKS_LIKE.get(sign, "X"), 1)
        return None

    def note(self, at: int, text: str, truth: float) -> None:
        """Keep what the file prints and the true canonical value."""
        self.faults[at] = replace(self.faults[at], planted=text, value=round(truth, 6))

    def name(self, source: str, year: int, city_id: str, name: str) -> str:
        """The printed name of a city."""
        at = self.find(source, year, "", (city_id, "", "city"))
        return self.faults[at].planted if at is not None and self.faults[at].kind == "ocr_name" else name


FIRST_YEAR, LAST_YEAR = HORIZON[1], HORIZON[8]
MAX_SHARE_MISSING = 0.3  # of the years of an indicator: 70 % must be observed (docs/formulas.md#sample)
MAX_CITY_CELLS = 18  # of 220 in ten years; the sample rule drops a city above 33
BASE_LENGTH = 10

# Share of blank cells. A blank in a register of events means zero, so none is planted there.
CONTENT_RATE, SCALE_RATE = 0.035, 0.004
SCALES = ("population_resident", "gdp_nom", "fiscal_expenditure")
CONTENT = words(
    "he_students emp_it_services emp_sci_tech emp_urban_units fiscal_education fiscal_science"
    " broadband_subscribers mobile_subscribers telecom_revenue_nom electricity_total built_up_area"
    " industrial_so2 solid_waste_generated solid_waste_reused va_secondary_nom va_tertiary_nom emp_total"
)
SERIES = (
    *(("yearbook", variable, CONTENT_RATE) for variable in CONTENT),
    *(("yearbook", variable, SCALE_RATE) for variable in SCALES),
    ("registry", "all_firms_stock", CONTENT_RATE),
    ("satellite", "pm25_popw", CONTENT_RATE),
)
ANSWER = "interpolation, formulas.md#gaps"
MARKS = ("", "…", "-", "—")
LENGTHS, LENGTH_SHARES = (1, 2, 3), (0.6, 0.3, 0.1)
MEAN_LENGTH = 1.5


def draw_gaps(roster: Sequence[str], rng: np.random.Generator) -> list[Fault]:
    """Candidate gaps on the whole roster; parts of boundary events and cities with an edge gap stay whole."""
    transfer_cities = {city for t in TRANSFERS for city in (t.old_city, t.new_city)}
    whole = {MERGED_INTO, *transfer_cities, *(f.city_id for f in FAULTS if f.kind == "edge_gap")}
    places = {(f.source, f.year, f.cell) for f in FAULTS}
    gaps = []
    for source, variable, rate in SERIES:
        scope = "built_up" if variable == "built_up_area" else "city"
        hit = rng.random(len(roster)) < rate * BASE_LENGTH / MEAN_LENGTH
        start = rng.integers(FIRST_YEAR, LAST_YEAR + 1, len(roster))
        length = rng.choice(LENGTHS, len(roster), p=LENGTH_SHARES)
        mark = rng.integers(0, len(MARKS), len(roster))
        for i in np.flatnonzero(hit).tolist():
            city = roster[i]
            text = MARKS[mark[i]] if source == "yearbook" else ""
            for year in range(int(start[i]), min(int(start[i] + length[i]), LAST_YEAR + 1)):
                gap = Fault("interior_gap", source, city, year, variable, ANSWER, scope, text)
                if city not in whole and (source, year, gap.cell) not in places:
                    gaps.append(gap)
    return gaps


def keep_within_limits(
    gaps: Sequence[Fault], cities: Sequence[str], years: Sequence[int], *, named: Sequence[Fault], parts: pd.DataFrame
) -> list[Fault]:
    """The gaps of these cities and years that leave every indicator and every city in the sample.

    parts: indicator_part.csv, what each indicator is built from; named: the other faults of the same demo.
    """
    # people between two counts are log-linear: a blank there leaves no gap in an indicator
    parts = parts[parts["variable_code"] != "population"]
    uses = defaultdict(list, parts["indicator_code"].groupby(parts["variable_code"]).agg(list))
    missing: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    for fault in named:
        # without any patent their structure has no value
        if fault.kind == "absent_row" and fault.variable_code == "all_grants":
            missing[(fault.city_id, "q1_patqual")].add(fault.year)
    length = min(len(years), BASE_LENGTH)
    most, most_cells = int(MAX_SHARE_MISSING * length), MAX_CITY_CELLS * length / BASE_LENGTH
    cells: Counter[str] = Counter()
    result = []
    for gap in gaps:
        if gap.city_id not in cities or not years[0] < gap.year < years[-1]:
            continue
        hit = [missing[(gap.city_id, name)] for name in uses[gap.variable_code]]
        new = [years_missing for years_missing in hit if gap.year not in years_missing]
        if all(len(s) < most for s in new) and cells[gap.city_id] + len(new) <= most_cells:
            for years_missing in new:
                years_missing.add(gap.year)
            cells[gap.city_id] += len(new)
            result.append(gap)
    return result
