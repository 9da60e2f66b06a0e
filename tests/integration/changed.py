"""What happens when files change: a revised yearbook while somebody reads, and files that must be refused."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pandas as pd
from faults import land_all
from house import House, Outcome
from landing_tools import Page, changed_copy, supersede, vintage_of

LOADS = "select source, data_year, vintage, is_accepted from raw.{}load order by load_no"
CELLS = "select source, data_year, vintage, count(*) as n from raw.{}cells group by all order by all"
ANALYST = """
import sys, duckdb
con = duckdb.connect(sys.argv[1], read_only=True)
query = "select max(release), (select sum(score) from mart.mart_index_score) from mart.mart_run_manifest"
for _ in sys.stdin:
    print(*con.execute(query).fetchall()[0], flush=True)
"""


@dataclass(frozen=True)
class Raw:
    """What the private file holds of the landing files."""

    loads: pd.DataFrame
    cells: pd.DataFrame

    @classmethod
    def of(cls, house: House) -> Raw:
        frames = [
            pd.concat([house.build(sql.format(prefix)) for prefix in ("", "series_")], ignore_index=True)
            for sql in (LOADS, CELLS)
        ]
        return cls(*frames)


class Analyst:
    """Another process that opens the published file once and keeps it open."""

    def __init__(self, file: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", ANALYST, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def asks(self) -> str:
        """Release and sum of all scores, as this process sees them now."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write("now\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def leaves(self) -> None:
        self.process.communicate(timeout=30)


@dataclass(frozen=True)
class Revised:
    """A second edition of one yearbook was landed and the job ran while an analyst read the published file."""

    house: House
    went_through: bool
    vintage_old: str
    vintage_new: str
    raw_before: Raw
    sha256_before: str
    analyst_before: str
    analyst_still_open: str
    analyst_new: str


def science_up_by_a_tenth(page: Page) -> None:
    """The one cell that the second edition of 2014 changes: 泰安市, 科学技术支出."""
    at, column = page.row_of("泰安市"), page.column_of("科学技术支出")
    page.rows[at][column] = round(float(page.rows[at][column]) * 1.1)


def revise(house: House) -> Revised:
    """Land the second edition of 2014 and run the job of the schedule, with an analyst in the published file."""
    folder = house.paths.landing / "yearbook" / "2014"
    raw, sha256 = Raw.of(house), house.published_sha256
    file = changed_copy(folder / "synthetic_yearbook_2014.xlsx", "second_edition.xlsx", science_up_by_a_tenth)
    sidecar = supersede(house.paths.landing, folder / "yearbook.yml", file, maturity="revised")
    analyst = Analyst(house.paths.published_file)
    before = analyst.asks()
    went_through = house.run_job("refresh", partition_key="2014")
    still_open = analyst.asks()
    analyst.leaves()
    newcomer = Analyst(house.paths.published_file)
    after = newcomer.asks()
    newcomer.leaves()
    return Revised(
        house,
        went_through,
        vintage_of(folder / "yearbook.yml"),
        vintage_of(sidecar),
        raw,
        sha256,
        before,
        still_open,
        after,
    )


@dataclass(frozen=True)
class Refused:
    """One run over many files that the gate must refuse, and some that it must accept."""

    SCORES: ClassVar[str] = "select index_code, basis, city_id, year, score from mart.mart_index_score order by all"

    house: House
    outcome: Outcome
    vintages: dict[str, str]
    sha256_before: str
    scores_before: pd.DataFrame


def refuse(house: House) -> Refused:
    """Land every file of `faults` and refresh."""
    sha256, scores = house.published_sha256, house.published(Refused.SCORES)
    vintages = land_all(house.paths.landing)
    return Refused(house, house.refresh(), vintages, sha256, scores)
