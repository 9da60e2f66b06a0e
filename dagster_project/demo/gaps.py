"""Interior gaps: runs of one to three blank cells, inside what the imputation and sample rules can answer.

Candidates are drawn on the whole roster and on the years 2013 to 2020, so a city has the same gaps in
every demo; those at the edge of a shorter window and those beyond the limits are then left out.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from dagster_project.demo.country import HORIZON, MERGED_INTO, TRANSFERS
from dagster_project.demo.damage import FAULTS, Fault

FIRST_YEAR, LAST_YEAR = HORIZON[1], HORIZON[8]
MAX_SHARE_MISSING = 0.3  # of the years of an indicator: 70 % must be observed (docs/formulas.md#sample)
MAX_CITY_CELLS = 18  # of 220 in ten years; the sample rule drops a city above 33
BASE_LENGTH = 10

# Share of blank cells. A blank in a register of events means zero, so none is planted there.
CONTENT_RATE, SCALE_RATE = 0.035, 0.004
SCALES = ("population_resident", "gdp_nom", "fiscal_expenditure")
CONTENT = (
    "he_students",
    "emp_it_services",
    "emp_sci_tech",
    "emp_urban_units",
    "fiscal_education",
    "fiscal_science",
    "broadband_subscribers",
    "mobile_subscribers",
    "telecom_revenue_nom",
    "electricity_total",
    "built_up_area",
    "industrial_so2",
    "solid_waste_generated",
    "solid_waste_reused",
    "va_secondary_nom",
    "va_tertiary_nom",
    "emp_total",
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
    moved = {city for t in TRANSFERS for city in (t.old_city, t.new_city)}
    whole = {MERGED_INTO, *moved, *(f.city_id for f in FAULTS if f.kind == "edge_gap")}
    taken = {(f.source, f.year, f.cell) for f in FAULTS}
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
                if city not in whole and (source, year, gap.cell) not in taken:
                    gaps.append(gap)
    return gaps


def keep_within_limits(
    gaps: Sequence[Fault],
    cities: Sequence[str],
    years: Sequence[int],
    *,
    named: Sequence[Fault],
    parts: Mapping[str, Sequence[str]],
) -> list[Fault]:
    """The gaps of these cities and years that leave every indicator and every city in the sample.

    parts: indicator -> the variables that it is built from; named: the other faults of the same demo.
    """
    uses = defaultdict(list)
    for indicator, variables in parts.items():
        for variable in variables:
            uses[variable].append(indicator)
    missing: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    for fault in named:
        # without any patent their structure has no value
        if fault.kind == "absent_row" and fault.variable_code == "all_grants":
            missing[(fault.city_id, "q1_patqual")].add(fault.year)
    length = min(len(years), BASE_LENGTH)
    most, most_cells = int(MAX_SHARE_MISSING * length), MAX_CITY_CELLS * length / BASE_LENGTH
    cells: Counter[str] = Counter()
    kept = []
    for gap in gaps:
        if gap.city_id not in cities or not years[0] < gap.year < years[-1]:
            continue
        hit = [missing[(gap.city_id, name)] for name in uses[gap.variable_code]]
        new = [years_missing for years_missing in hit if gap.year not in years_missing]
        if all(len(s) < most for s in new) and cells[gap.city_id] + len(new) <= most_cells:
            for years_missing in new:
                years_missing.add(gap.year)
            cells[gap.city_id] += len(new)
            kept.append(gap)
    return kept
