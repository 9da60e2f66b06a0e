"""Blocks of a load: one variable, scope and year, that is one column of a file; and the past that each is held against.

A year of a yearly source looks back to the last accepted load (frame `last`, some years at most). A file of several
years looks back inside itself, past blocks that are refused.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from expectations.columns import as_flag, as_number, words
from expectations.contract import Baseline, Frames, Limits
from expectations.tracking import ranks_of

_NUMBERS = ["value", "year", "band_low", "band_high", "median_low", "median_high", "min_rho"]
_TEXTS = words("city_id city_name variable_code scope text is_corrected file sheet cell unit kind")


@dataclass
class BlockYear:
    """The blocks of one year.

    cells: one row per figure, in printed order, with `block`, the number that its text is, its decimals.  wide, past:
    cities x blocks, this year and the last accepted one, on the same cities.  year_last: block -> year of its past.
    Filled while judging: faults (block -> what is wrong) and checked (identity -> how it holds city by city).
    """

    year: int
    cells: pd.DataFrame
    wide: pd.DataFrame
    past: pd.DataFrame
    year_last: dict[str, int]
    is_printed_page: bool
    limits: Limits
    faults: dict[str, "Fault"] = field(default_factory=dict)
    checked: dict[Any, pd.DataFrame] = field(default_factory=dict)
    _ranks: dict[bytes, np.ndarray] = field(default_factory=dict)

    @cached_property
    def reviewed(self) -> pd.DataFrame:
        """Block and city of each figure that a person has reviewed."""
        return self.cells.loc[self.cells["is_corrected"], ["block", "city_id"]]

    @cached_property
    def _rows(self) -> dict[str, np.ndarray]:
        return {str(block): np.asarray(rows) for block, rows in self.cells.groupby("block", sort=False).indices.items()}

    @cached_property
    def _arrays(self) -> dict[str, np.ndarray]:
        return {str(name): self.cells[name].to_numpy() for name in self.cells.columns}

    @cached_property
    def _places(self) -> np.ndarray:
        return self.wide.index.get_indexer(pd.Index(self.cells["city_id"]))

    @cached_property
    def _columns(self) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        now, then = (
            {str(block): np.asarray(frame[block], dtype="float64") for block in frame.columns}
            for frame in (self.wide, self.past)
        )
        return now, then

    @cached_property
    def ranks_of_past(self) -> np.ndarray:
        """Ranks of the past by column, (cities, columns)."""
        return ranks_of(self.past.to_numpy(dtype="float64"))

    def ranks_in(self, order: np.ndarray) -> np.ndarray:
        """Ranks of the figures by column, (rows, columns); order: the row of `wide` that stands in each row."""
        key = order.tobytes()  # the columns of a page have the same cities in the same order
        if key not in self._ranks:
            self._ranks[key] = ranks_of(self.wide.to_numpy(dtype="float64")[order])
        return self._ranks[key]

    def of(self, block: str) -> pd.DataFrame:
        """The cells of one block in printed order."""
        return self.cells.iloc[self._rows[block]]

    def array(self, block: str, column: str) -> np.ndarray:
        """A column of the cells of one block in printed order."""
        values: np.ndarray = self._arrays[column][self._rows[block]]
        return values

    def order(self, block: str) -> np.ndarray:
        """The row of `wide` that each cell of a block stands in, in printed order."""
        places: np.ndarray = self._places[self._rows[block]]
        return places

    def cell(self, block: str, at: int = 0) -> dict[str, Any]:
        """One cell of a block, the first if not said otherwise: a dict is many times as quick as a row of a frame."""
        place = self._rows[block][at]
        return {name: column[place] for name, column in self._arrays.items()}

    def column(self, block: str, *, of_past: bool = False) -> np.ndarray:
        """Figures of a block by city of `wide`, NaN where there is none. Read it, never change it."""
        columns = self._columns[1 if of_past else 0]
        return columns[block] if block in columns else np.full(len(self.wide), np.nan)


@dataclass(frozen=True)
class Fault:
    """Why a block is refused. cities: those that show it best.  power: of ten, for a slip."""

    rule_id: str
    why: str
    cities: tuple[str, ...]
    power: int = 0


def blocks_by_year(frames: Frames, baseline: Baseline) -> Iterator[BlockYear]:
    """The blocks of each year in ascending order; refused blocks of earlier years do not become a past."""
    cells = _cells(frames["values"])
    accepted = _accepted_past(frames["last"])
    years_back = int(frames.limits["years_back"])
    before: list[BlockYear] = []
    for year in sorted(cells["year"].unique().tolist()):
        part = cells[cells["year"] == year]
        wide = part.pivot(index="city_id", columns="block", values="value")
        past, years = _past_of(accepted, [blocks for blocks in before if blocks.year >= year - years_back], baseline)
        blocks = BlockYear(
            year,
            part.reset_index(drop=True),
            wide,
            past.reindex(wide.index),
            years,
            is_printed_page=baseline.data_year != 0,
            limits=frames.limits,
        )
        yield blocks
        before.append(blocks)


def _cells(values: pd.DataFrame) -> pd.DataFrame:
    frame = values[[*_TEXTS, *_NUMBERS]].copy()
    for name in _NUMBERS:
        frame[name] = as_number(frame[name])
    frame["is_corrected"] = as_flag(frame["is_corrected"])
    frame = frame.dropna(subset=["value", "year", "city_id", "variable_code", "scope"])
    frame["year"] = frame["year"].astype("int64")
    frame["block"] = frame["variable_code"].astype(str) + "/" + frame["scope"].astype(str)
    frame["row_no"] = as_number(frame["cell"].astype("string").str.extract(r"(\d+)$", expand=False))
    texts = frame["text"]
    frame["printed"] = pd.to_numeric(texts, errors="coerce")
    frame["decimals"] = as_number(texts.astype("string").str.extract(r"\.(\d*?)0*$", expand=False).str.len())
    frame = frame.sort_values(["file", "sheet", "row_no", "cell", "block"], kind="stable")
    return frame.drop_duplicates(["block", "year", "city_id"])


def _accepted_past(last: pd.DataFrame) -> pd.DataFrame:
    frame = last.assign(block=last["variable_code"].astype(str) + "/" + last["scope"].astype(str))
    return frame.assign(value_last=as_number(frame["value_last"]), year_last=as_number(frame["year_last"])).dropna(
        subset=["value_last", "year_last"]
    )


def _past_of(
    accepted: pd.DataFrame, before: list[BlockYear], baseline: Baseline
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Cities x blocks of the last accepted figures, and the year of each block's past. before: years near enough."""
    if baseline.data_year:
        latest = accepted.groupby("block")["year_last"].transform("max")
        past = accepted[accepted["year_last"] == latest].drop_duplicates(["block", "city_id"])
        years = past.groupby("block")["year_last"].max()
        return past.pivot(index="city_id", columns="block", values="value_last"), {
            str(k): int(v) for k, v in years.items()
        }
    columns, years_last = {}, {}
    for earlier in reversed(before):
        for block in earlier.wide.columns:
            if block not in columns and block not in earlier.faults:
                columns[block], years_last[block] = earlier.wide[block], earlier.year
    return pd.DataFrame(columns), years_last
