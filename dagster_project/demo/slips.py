"""Slips: printed figures that are wrong and that no seed row answers, beside true jumps that must not be touched.

Editing has to find them from the printed figures alone. Each cell is kept with what would have been printed without the
slip. Jumps are drawn into the true figures, slips into what is printed, all on the whole roster and the base window: a
city has the same slips in every demo. The first cities of a small demo and those with named faults have none, but for
whole years.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from dagster_project.demo.country import BASE_YEARS, HORIZON, MERGED_CITY, MERGED_INTO, SMALL_ROSTER, TRANSFERS
from dagster_project.demo.printed import SECTORS, Printed, grain_of
from python_models._types import BoolArray, FloatArray

COLUMNS = ["event_id", "slip_class", "source", "city_id", "year", "variable_code", "true_value", "printed_value"]
LAST = BASE_YEARS - 1
MOST_PER_CITY = 4
EVENTS = {"level_break": 20, "denominator": 16, "registered": 8, "hard_bound": 10}  # of a class; of a bound
SERIES = {
    "yearbook": (
        "he_students emp_it_services emp_sci_tech emp_urban_units emp_total fiscal_expenditure fiscal_education"
        " fiscal_science broadband_subscribers mobile_subscribers telecom_revenue_nom electricity_total built_up_area"
        " industrial_so2 solid_waste_generated solid_waste_reused industrial_firms wage_avg_nom"
    ),
    "registry": "newly_registered_firms all_firms_stock ai_firms_stock sei_firms_stock bigdata_firms_stock",
    "patent": "all_grants invention_grants",
    "satellite": "pm25_popw",
    "society": (
        "emp_private_self platform_firms wage_bill_urban_units income_urban income_rural consumption_urban food_urban"
        " loans_balance_nom population_urban secondary_students"
    ),
}
JUMPS, JUMPING = 40, ("he_students", "electricity_total", "industrial_so2", "emp_it_services", "newly_registered_firms")
# source, variable, what it is held against, and the two ends of wrong ratios
HARD_BOUNDS = (
    ("yearbook", "mobile_subscribers", "population_resident", 3.2, 4.5),
    ("yearbook", "broadband_subscribers", "population_resident", 3.1, 4.0),
    ("yearbook", "fiscal_science", "fiscal_expenditure", 0.14, 0.35),
    ("society", "loans_balance_nom", "gdp_nom", 6.5, 9.0),
    ("society", "loans_balance_nom", "gdp_nom", 0.06, 0.16),
)
WRONG_RESIDENTS = ((2.3, 3.5), (0.08, 0.17))  # registered over printed residents
CONCEPT_YEAR, CONCEPT_SHARE = 2, 0.95  # GDP per head over registered persons
BREAK_FROM, BREAK_SHARE = 7, 0.25  # retail sales by another definition; the sectors after an economic census
SCOPE_FROM, BROKEN = (
    8,
    (0.25, 0.39),
)  # wages of another scope of the survey; log sizes of both, no figure is impossible
FILLS = (("fill_midpoint", "secondary_students", 4, 0.6), ("fill_repeat", "emp_private_self", 6, 0.3))

type Key = tuple[str, str]
type Change = Callable[[float, np.random.Generator], float]
type Make = Callable[[FloatArray, np.random.Generator], dict[int, float]]


def read_bands(seeds: Path) -> dict[str, tuple[float, float]]:
    """Band of each variable of variable.csv: the gate refuses a load for one figure outside, so slips stay inside."""
    table = pd.read_csv(seeds / "variable.csv").set_index("variable_code")
    return {str(v): (float(r["band_low"]), float(r["band_high"])) for v, r in table.iterrows()}


def plant_jumps(
    roster: Sequence[str],
    raw: Mapping[str, FloatArray],
    bands: Mapping[str, tuple[float, float]],
    rng: np.random.Generator,
) -> list[tuple[str, int, int]]:
    """Cities whose figure really doubles or halves and stays, in `raw` (in place): (variable, row, first year)."""
    free = _untouched(roster)
    jumps: list[tuple[str, int, int]] = []
    while len(jumps) < JUMPS:
        variable, t = JUMPING[len(jumps) % len(JUMPING)], int(rng.integers(3, 7))
        row = int(rng.choice(np.flatnonzero(free)))
        factor = np.exp(rng.uniform(0.6, 0.9) * (-1 if variable == "industrial_so2" else 1))
        jump = np.rint(raw[variable][row, t:] * factor)
        if (jump > bands[variable][0]).all() and (jump < bands[variable][1]).all():
            raw[variable][row, t:] = jump
            free[row] = False
            jumps.append((variable, row, t))
    return jumps


def _untouched(rows: Sequence[str]) -> BoolArray:
    """Rows that may get a slip: no first city of a small demo, no city whose boundary moves."""
    border_cities = {city for t in TRANSFERS for city in (t.old_city, t.new_city)} | {MERGED_CITY, MERGED_INTO}
    return ~np.isin(rows, [*SMALL_ROSTER, *border_cities])


@dataclass
class Planter:
    """panels: (source, variable) -> printed figures (rows, T), changed in place; taken: (city, variable) with another
    fault. One slip a series and MOST_PER_CITY a city, but for those that are planted on purpose."""

    rows: tuple[str, ...]
    panels: dict[Key, FloatArray]
    bands: Mapping[str, tuple[float, float]]
    reserved: set[tuple[str, str]]
    rng: np.random.Generator
    slips: list[tuple[object, ...]] = field(default_factory=list)
    n_events: int = 0

    def __post_init__(self) -> None:
        self.left = np.where(_untouched(self.rows), MOST_PER_CITY, 0)

    def row(self) -> int:
        """A city that may still get a slip."""
        return int(self.rng.choice(np.flatnonzero(self.left)))

    def is_free(self, row: int, *variables: str) -> bool:
        return not any((self.rows[row], variable) in self.reserved for variable in variables)

    def draw(self, slip_class: str, n: int, make: Make, keys: Sequence[Key]) -> None:
        """`n` events of a class, one series after the other."""
        n_events = tries = 0
        while n_events < n:
            tries += 1
            if tries > 500 * n:
                raise ValueError(f"no room for {n} slips of class '{slip_class}': plant fewer.")
            source, variable = keys[(n_events + tries) % len(keys)]
            row = self.row()
            values = self.panels[source, variable][row, :BASE_YEARS]
            if not self.is_free(row, variable) or not (values > 0).all():
                continue
            wrong = make(values, self.rng)
            n_events += bool(wrong) and self.plant(slip_class, row, [(source, variable, wrong)])

    def plant(self, slip_class: str, row: int, cells: Iterable[tuple[str, str, dict[int, float]]]) -> bool:
        """One event in the series of one city; nothing where a figure would leave its band, or print too coarsely."""
        slips = [(source, variable, t, value) for source, variable, wrong in cells for t, value in wrong.items()]
        for _, variable, _, value in slips:
            low, high = self.bands[variable]
            is_exact = abs(_rounded(value, variable) - value) < 0.01 * value
            if not (is_exact and low * 1.01 < value < high * 0.99):
                return False
        self.n_events += 1
        for source, variable, t, value in slips:
            wrong = _rounded(value, variable)
            self._put(f"{slip_class}-{self.n_events}", slip_class, source, variable, row, t, wrong)
            self.reserved.add((self.rows[row], variable))
        self.left[row] = max(self.left[row] - 1, 0)
        return True

    def whole_years(
        self, slip_class: str, key: Key, wrong: Mapping[int, FloatArray], is_in: BoolArray, *, is_new: bool = True
    ) -> None:
        """One event in a year of all cities: what is printed in the chosen ones, by year; the others are sound."""
        self.n_events += is_new
        for t, values in wrong.items():
            for row in range(len(values)):
                if is_in[row] and np.isfinite(values[row]):
                    value = _rounded(float(values[row]), key[1])
                    self._put(f"{slip_class}-{self.n_events}", slip_class, *key, row, t, value)
                else:
                    self.keep(slip_class, row, key, (t,), is_new=False)

    def keep(self, slip_class: str, row: int, key: Key, years: Iterable[int], *, is_new: bool = True) -> None:
        """Sound figures that look wrong: recorded, not changed; without `is_new` as a part of the last event."""
        self.n_events += is_new
        for t in years:
            value = float(self.panels[key][row, t])
            if np.isfinite(value):
                self._put(f"{slip_class}-{self.n_events}", slip_class, *key, row, t, value)

    def _put(self, event: str, slip_class: str, source: str, variable: str, row: int, t: int, value: float) -> None:
        panel = self.panels[source, variable]
        self.slips.append(
            (event, slip_class, source, self.rows[row], HORIZON[t], variable, float(panel[row, t]), value)
        )
        panel[row, t] = value


def _rounded(value: float, variable: str) -> float:
    """As coarse as the books print it."""
    grain = 0.01 if variable in ("built_up_area", "pm25_popw") else grain_of(variable)
    return round(float(np.rint(value / grain) * grain), 2)


def plant_slips(
    printed: Printed,
    society: Mapping[str, FloatArray],
    gdp_revised: FloatArray,
    *,
    jumps: Sequence[tuple[str, int, int]],
    bands: Mapping[str, tuple[float, float]],
    reserved: Collection[tuple[str, str]],
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Plant all classes into the printed figures (in place); returns COLUMNS, one row a cell, true jumps among them."""
    keys = [(source, variable) for source, text in SERIES.items() for variable in text.split()]
    where = {variable: source for source, variable in keys}
    city_panels = {
        variable: panel for (variable, scope), panel in printed.values.items() if scope in ("city", "built_up")
    }
    panels: dict[Key, FloatArray] = {(where.get(name, "yearbook"), name): panel for name, panel in city_panels.items()}
    panels |= {("society", name): panel for name, panel in society.items()}
    panels["gdp_revised", "gdp_nom"] = gdp_revised
    planter = Planter(printed.rows, panels, bands, set(reserved), rng)
    _beside_jumps(planter, [((where.get(v, "yearbook"), v), row, t) for v, row, t in jumps])
    _redistricted(planter)
    _level_breaks(planter, printed)
    _wrong_denominators(planter)
    _hard_bounds(planter)
    for slip_class, n, make in (
        ("run", 24, _run),
        ("edge", 24, _edge),
        ("ten_times", 32, _one_year(lambda v, _: 10 * v)),
        ("tenth", 32, _one_year(lambda v, _: v / 10)),
        ("transposed", 32, _one_year(_transposed)),
        ("lost_digit", 32, _one_year(_lost_digit)),
        ("small", 32, _one_year(lambda v, r: v * np.exp(r.choice([-1, 1]) * r.uniform(0.12, 0.3)), least=0.0)),
    ):
        planter.draw(slip_class, n, make, keys)
    _whole_years(planter)
    _broken_series(planter, printed)
    return pd.DataFrame(planter.slips, columns=COLUMNS)


def _one_year(change: Change, least: float = 0.55) -> Make:
    """One wrong figure between two years that agree; a change below `least` in logs is too small for its class."""

    def make(values: FloatArray, rng: np.random.Generator) -> dict[int, float]:
        t = int(rng.integers(1, LAST))
        wrong = change(float(values[t]), rng)
        size = abs(np.log(wrong / values[t])) if wrong > 0 else 0.0
        calm = abs(np.log(values[t + 1] / values[t - 1]))
        return {t: wrong} if size > least and (calm < 0.4 * size or least == 0) else {}

    return make


def _run(values: FloatArray, rng: np.random.Generator) -> dict[int, float]:
    length = int(rng.integers(2, 5))
    start = int(rng.integers(1, LAST - length + 1))
    factor = np.exp(rng.choice([-1, 1]) * rng.uniform(0.95, 1.8))
    calm = abs(np.log(values[start + length] / values[start - 1])) < 0.45
    return {t: values[t] * factor for t in range(start, start + length)} if calm else {}


def _edge(values: FloatArray, rng: np.random.Generator) -> dict[int, float]:
    t = int(rng.choice([0, LAST]))
    return {t: values[t] * np.exp(rng.choice([-1, 1]) * rng.uniform(1.1, 2.1))}


def _transposed(value: float, _: np.random.Generator) -> float:
    text = f"{value:.0f}"
    return float(text[1] + text[0] + text[2:]) if value >= 1000 else 0.0


def _lost_digit(value: float, rng: np.random.Generator) -> float:
    text = f"{value:.0f}"
    at = int(rng.integers(0, len(text)))
    return float(text[:at] + text[at + 1 :]) if value >= 1000 else 0.0


def _beside_jumps(planter: Planter, jumps: Sequence[tuple[Key, int, int]]) -> None:
    """Every jump is recorded as sound; half of them have a slip two years before in the same series."""
    for number, (key, row, t) in enumerate(jumps):
        planter.keep("true_jump", row, key, (t - 1, t, t + 1))
        if number % 2 == 0 and planter.is_free(row, key[1]):
            factor = 10.0 if number % 4 == 0 else 0.1
            planter.plant("beside_jump", row, [(*key, {t - 2: planter.panels[key][row, t - 2] * factor})])
        planter.reserved.add((planter.rows[row], key[1]))


def _redistricted(planter: Planter) -> None:
    """Both cities of a moved county print a true break of every figure that adds up."""
    for event in TRANSFERS:
        t = HORIZON.index(event.first_year)
        for city in (event.old_city, event.new_city):
            for variable in ("population_resident", "mobile_subscribers", "fiscal_expenditure", "electricity_total"):
                planter.keep("redistricted", planter.rows.index(city), ("yearbook", variable), (t - 1, t, t + 1))


def _level_breaks(planter: Planter, printed: Printed) -> None:
    """GDP and its parts stand on another level before a year, in both sources, beside a real index that is right."""
    names = (*SECTORS, "gdp_nom", "gdp_per_capita_nom")
    n_events = 0
    while n_events < EVENTS["level_break"]:
        row, t = planter.row(), int(planter.rng.integers(3, LAST))
        if not planter.is_free(row, *names):
            continue
        factor = np.exp(planter.rng.uniform(0.3, 0.65) if n_events % 3 else -planter.rng.uniform(0.3, 0.55))
        before = {name: planter.panels["yearbook", name][row, :t] * factor for name in names}
        before["gdp_nom"] = sum((np.rint(before[name]) for name in SECTORS), np.zeros(t))
        cells = [("yearbook", name, dict(enumerate(values.tolist()))) for name, values in before.items()]
        revised = planter.panels["gdp_revised", "gdp_nom"][row, :t] * factor
        if planter.plant("level_break", row, [*cells, ("gdp_revised", "gdp_nom", dict(enumerate(revised.tolist())))]):
            district = {name: printed.values[name, "district"][row, :t] for name in names}
            for name in (*SECTORS, "gdp_per_capita_nom"):  # no index uses them, but they stay parts of their wholes
                district[name][:] = np.rint(district[name] * factor)
            for source in ("yearbook", "gdp_revised"):  # the year of the step belongs to the event, and is sound
                planter.keep("level_break", row, (source, "gdp_nom"), (t,), is_new=False)
            district["gdp_nom"][:] = np.sum([district[name] for name in SECTORS], axis=0)
            n_events += 1


def _wrong_denominators(planter: Planter) -> None:
    """Residents that registered persons contradict; and registered persons printed as residents where they differ."""
    key, registered = ("yearbook", "population_resident"), planter.panels["yearbook", "population_registered"]
    years = [t for t in range(1, LAST) if t != CONCEPT_YEAR]  # GDP per head that fits nobody would be refused
    for number in range(EVENTS["denominator"]):
        low, high = WRONG_RESIDENTS[number % 2]
        while True:
            row, t = planter.row(), int(planter.rng.choice(years))
            ratio = planter.rng.uniform(low, high)
            if planter.is_free(row, key[1]) and planter.plant(
                "denominator", row, [(*key, {t: registered[row, t] / ratio})]
            ):
                break
    apart = np.abs(np.log(planter.panels[key] / registered))[:, :BASE_YEARS].mean(axis=1)
    for row in np.argsort(-np.where(planter.left > 0, apart, 0.0))[: EVENTS["registered"]].tolist():
        t = int(planter.rng.choice(years))
        if planter.is_free(row, key[1]):
            planter.plant("registered", row, [(*key, {t: registered[row, t]})])


def _hard_bounds(planter: Planter) -> None:
    for source, variable, against, low, high in HARD_BOUNDS:
        key = (source, variable)
        base = planter.panels["gdp_revised" if source == "society" else "yearbook", against]
        n_events = 0
        while n_events < EVENTS["hard_bound"]:
            row, t = planter.row(), int(planter.rng.integers(1, LAST))
            value = base[row, t] * planter.rng.uniform(low, high)
            far = abs(np.log(value / planter.panels[key][row, t])) > 0.55
            is_free = planter.is_free(row, variable, against)
            n_events += bool(far and is_free and planter.plant("hard_bound", row, [(*key, {t: value})]))


def _whole_years(planter: Planter) -> None:
    """A concept, a definition and two fills that change a whole year: in every demo, whatever else its cities hold."""
    rng, panels = planter.rng, planter.panels
    key = ("yearbook", "gdp_per_capita_nom")
    other = np.rint(1e4 * panels["yearbook", "gdp_nom"] / panels["yearbook", "population_registered"])[:, CONCEPT_YEAR]
    is_free = [planter.is_free(row, key[1]) for row in range(len(other))]
    is_in = (rng.random(len(other)) < CONCEPT_SHARE) & is_free
    planter.whole_years("concept_switch", key, {CONCEPT_YEAR: other}, is_in)
    retail = panels["society", "retail_sales_nom"]
    n = len(retail)
    far = np.where(rng.random(n) < BREAK_SHARE, rng.choice([-1, 1], n) * rng.uniform(0.4, 0.7, n), 0.0)
    level = np.exp(far + 0.02 * rng.standard_normal(n))
    later = {t: retail[:, t] * level for t in range(BREAK_FROM, len(HORIZON))}
    planter.whole_years("definition_break", ("society", "retail_sales_nom"), later, level > 0)
    for slip_class, variable, t, share in FILLS:
        panel = panels["society", variable]
        fill = panel[:, t - 1] if slip_class == "fill_repeat" else (panel[:, t - 1] + panel[:, t + 1]) / 2
        free = [planter.is_free(row, variable) for row in range(n)]
        planter.whole_years(slip_class, ("society", variable), {t: fill}, (rng.random(n) < share) & free)


def _broken_series(planter: Planter, printed: Printed) -> None:
    """An economic census moves the border of two sectors, whose sum stays, and wages are of another scope of units:
    from one year on, in a share of the cities. Districts and shares follow; the first cities of a small demo are sound.
    """
    rng, n = planter.rng, len(planter.rows)

    def in_a_share(*names: str) -> tuple[BoolArray, FloatArray]:
        free = _untouched(planter.rows) & [planter.is_free(row, *names) for row in range(n)]
        is_drawn = free & (rng.random(n) < BREAK_SHARE)
        return is_drawn, np.exp(np.where(is_drawn, rng.uniform(*BROKEN, n), 0.0))[:, None]

    is_in, level = in_a_share(*SECTORS)
    secondary, tertiary = (planter.panels["yearbook", name][:, BREAK_FROM:] for name in SECTORS[1:])
    loss = tertiary * (level - 1) / (secondary + tertiary * level)  # of the secondary sector
    for scope in ("district", "city"):
        second, third, gdp = (printed.values[name, scope][:, BREAK_FROM:] for name in (*SECTORS[1:], "gdp_nom"))
        shift = np.rint(second * loss)
        for share, values in (("secondary_share", second - shift), ("tertiary_share", third + shift)):
            printed.values[share, scope][is_in, BREAK_FROM:] = np.round(100 * values / gdp, 2)[is_in]
        if scope == "district":
            second -= shift
            third += shift
    years = range(BREAK_FROM, len(HORIZON))
    for name, values in (("va_secondary_nom", secondary - shift), ("va_tertiary_nom", tertiary + shift)):
        wrong = dict(zip(years, values.T, strict=True))
        planter.whole_years("census_break", ("yearbook", name), wrong, is_in, is_new=name == "va_secondary_nom")

    is_in, level = in_a_share("wage_avg_nom")
    key, district = ("yearbook", "wage_avg_nom"), printed.values["wage_avg_nom", "district"]
    wrong = {t: planter.panels[key][:, t] * level[:, 0] for t in range(SCOPE_FROM, len(HORIZON))}
    planter.whole_years("scope_break", key, wrong, is_in)
    district[:, SCOPE_FROM:] = np.rint(district[:, SCOPE_FROM:] * level)
