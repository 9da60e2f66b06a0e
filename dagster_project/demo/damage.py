"""Every planted fault of the demo, with the seed row or rule that answers it.

`FAULTS` is the one list: cells and files from planted_fault.csv, boundary events and the census revision
from the facts that make them. `gaps.draw_gaps` adds the interior gaps. The shipped seeds and rules answer
all of them without a person; files that must be refused are made by tests, never here.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.resources import files

from dagster_project.demo.country import MERGED_CITY, MERGED_FIRST_YEAR, MERGED_INTO, TRANSFERS
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
    text = files(__package__).joinpath("planted_fault.csv").read_text(encoding="utf-8")
    faults = []
    for row in csv.DictReader(text.splitlines()):
        kind, source, city_id, scope = row["kind"], row["source"], row["city_id"], row["scope"]
        fault = Fault(kind, source, city_id, int(row["year"]), row["variable_code"], row["answer"], scope)
        factor = float(row["factor"]) if row["factor"] else None
        faults.append(replace(fault, planted=row["planted"], vintage=row["vintage"], factor=factor))
    return faults


def _event_faults() -> list[Fault]:
    merge = Fault("merge", "yearbook", MERGED_CITY, MERGED_FIRST_YEAR, "", "city_change.csv: laiwu_2019")
    told = f"own row before {MERGED_FIRST_YEAR}, then a part of {MERGED_INTO}"
    transfers = [
        Fault(
            "transfer",
            "yearbook",
            t.new_city,
            t.first_year,
            "",
            "city_change.csv and source county",
            planted=f"{t.county_id} is printed with {t.old_city} before {t.first_year}",
        )
        for t in TRANSFERS
    ]
    revisions = [
        Fault(
            "census_revision",
            "gdp_revised",
            f"CN{province}",
            REVISED_FROM,
            "gdp_nom",
            "precedence.csv: gdp_revised first",
            planted=f"last word {delta:+d} % against the first print",
        )
        for province, delta in REVISION.items()
    ]
    return [replace(merge, planted=told), *transfers, *revisions]


FAULTS: tuple[Fault, ...] = (*_listed_faults(), *_event_faults())


def years_of(kind: str) -> tuple[int, ...]:
    """Years in which a kind of fault is planted, in order."""
    return tuple(sorted({fault.year for fault in FAULTS if fault.kind == kind}))


def faults_of(cities: Sequence[str], years: Sequence[int], *, is_damaged: bool = True) -> list[Fault]:
    """The faults of FAULTS that touch these cities and years; without MISPRINTS unless `is_damaged`."""
    known = {*cities, "all", *(f"CN{province}" for province in REVISION)}
    if MERGED_INTO in cities:
        known.add(MERGED_CITY)
    old_city = {t.new_city: t.old_city for t in TRANSFERS}
    faults = [f for f in FAULTS if f.city_id in known and _is_in_window(f, years)]
    faults = [f for f in faults if is_damaged or f.kind not in MISPRINTS]
    # a county is only moved when both its cities are printed
    return [f for f in faults if f.kind != "transfer" or old_city[f.city_id] in cities]


def _is_in_window(fault: Fault, years: Sequence[int]) -> bool:
    """Boundary events and the revision matter as soon as a year before them is printed."""
    if fault.kind in ("merge", "transfer", "census_revision"):
        return years[0] < fault.year
    return fault.year in years


class Damage:
    """Finds the fault of a cell, damages its number, and remembers the text that the file prints for it."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = list(faults)
        self._position = {(f.source, f.year, f.vintage, f.cell): i for i, f in enumerate(self.faults)}
        self._hit = {(f.source, f.year) for f in self.faults if f.variable_code}

    def touches(self, source: str, year: int) -> bool:
        """True when a cell of this source and year may be damaged."""
        return (source, year) in self._hit

    def find(self, source: str, year: int, vintage: str, cell: tuple[str, str, str]) -> int | None:
        """Position of the fault of a cell; one without vintage stands in every vintage."""
        at = self._position.get((source, year, "", cell))
        return self._position.get((source, year, vintage, cell)) if at is None and vintage else at

    def apply(self, at: int, number: float, decimals: int) -> float | str | None:
        """Another number, a text, or None for an empty cell."""
        return _damaged(self.faults[at], number, decimals)

    def note(self, at: int, printed: str, truth: float) -> None:
        """Keep what the file prints and the true canonical value."""
        self.faults[at] = replace(self.faults[at], planted=printed, value=round(truth, 6))

    def name(self, source: str, year: int, city_id: str, name: str) -> str:
        """The printed name of a city."""
        at = self.find(source, year, "", (city_id, "", "city"))
        return self.faults[at].planted if at is not None and self.faults[at].kind == "ocr_name" else name


def _damaged(fault: Fault, number: float, decimals: int) -> float | str | None:
    text = f"{number:.{decimals}f}"
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
