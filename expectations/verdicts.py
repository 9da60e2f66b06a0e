"""The rules about whole blocks, in the order in which they speak: the first that is broken names the fault."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from expectations.blocks import BlockYear, Fault
from expectations.contract import Limits, figure
from expectations.identity import Identity, blame, breaks_block, check, looks_swapped
from expectations.slips import LN10, factor_text, slip_power
from expectations.tracking import Fit, correlations, displaced_column, displaced_rows, fit, fits_better, ranks_of

SLIP, PLACE, RANKS = "value_is_no_unit_slip", "block_stands_in_its_place", "block_ranks_hold"
MEDIAN, BAND, IDENTITY = "block_median_is_usual", "block_is_inside_band", "block_meets_identities"


def judge_year(blocks: BlockYear, identities: list[Identity]) -> dict[str, Fit]:
    """Fill `blocks.faults`; returns the fit of each block with its own past."""
    columns, limits = blocks.wide.columns, blocks.limits
    fits = {block: fit(blocks.column(block), blocks.column(block, of_past=True), limits) for block in columns}
    for block in blocks.wide.columns:
        fault = next(_faults_of(blocks, block, fits[block]), None)
        if fault:
            blocks.faults[block] = fault
    blocks.faults.update(_identity_faults(blocks, identities, fits))
    return fits


def min_rho(kind: object, years_back: int, of_variable: float, limits: Limits) -> float:
    """Smallest accepted rank correlation with the past, less for each further year between.

    of_variable: what variable.csv says of a variable that moves more than others of its kind, else NaN.
    """
    of_kind = limits["min_rho_rate" if kind == "rate" else "min_rho"]
    return (of_kind if np.isnan(of_variable) else of_variable) - limits["rho_less_a_year"] * max(years_back - 1, 0)


def has_ranks(unit: object, of_variable: float) -> bool:
    """Growth and an index of several parts have no ranks that last: they are left out of all rank rules."""
    return not str(unit).startswith("index") and not of_variable < 0


def usual_median(cell: Mapping[str, Any], limits: Limits) -> tuple[float, float]:
    """Usual band of the median of the block of a cell, widened downwards for urban districts."""
    low, high = float(cell["median_low"]), float(cell["median_high"])
    if cell["scope"] == "district":
        return low * limits["district_low"], high * limits["district_high"]
    return low, high


def _faults_of(blocks: BlockYear, block: str, past_fit: Fit) -> Iterator[Fault]:
    cell = blocks.cell(block)
    yield from _slip(blocks, block)
    if has_ranks(cell["unit"], float(cell["min_rho"])):
        yield from _like_another(blocks, block, past_fit)
        yield from _off_its_rows(blocks, block)
        yield from _ranks(blocks, block, past_fit, cell)
    yield from _median(blocks, block, cell)
    yield from _band(blocks, block, cell)


def _slip(blocks: BlockYear, block: str) -> Iterator[Fault]:
    x, last = blocks.column(block), blocks.column(block, of_past=True)
    both = (x > 0) & (last > 0)
    if both.sum() < blocks.limits["min_cities"]:
        return
    ratios = np.log(x[both] / last[both])
    power, count = slip_power(ratios, blocks.limits)
    if power:
        spike = np.abs(ratios - power * LN10)
        cities = blocks.wide.index[both][np.argsort(spike, kind="stable")]
        median = float(np.exp(np.median(ratios)))
        yield Fault(
            SLIP,
            f"looks like a unit slip of {factor_text(power)}: {count} of {both.sum()} cities moved by that "
            f"against {blocks.year_last[block]} (median change x{median:,.4g})",
            tuple(cities),
            power,
        )


def _like_another(blocks: BlockYear, block: str, past_fit: Fit) -> Iterator[Fault]:
    better, x = {}, blocks.column(block)
    # the cheap half of the question first
    nearly = correlations(ranks_of(x[:, None]), blocks.ranks_of_past, least=blocks.limits["min_cities"])
    for other in blocks.past.columns[nearly > past_fit.rho - blocks.limits["nearly_fit"]]:
        if other != block:
            fit_of_other = fit(x, blocks.column(other, of_past=True), blocks.limits)
            if fits_better(past_fit, fit_of_other, blocks.limits):
                better[other] = fit_of_other
    if better:
        # of columns that fit alike the same variable of another territory is the likelier mistake
        own_variable = _words(block).split(" (")[0]
        other = max(
            better,
            key=lambda name: (
                round(better[name].rho, 2),
                _words(name).split(" (")[0] == own_variable,
                better[name].rho,
            ),
        )
        yield Fault(
            PLACE,
            f"the figures follow {_words(other)} of {blocks.year_last[other]} (rank correlation "
            f"{better[other].rho:.2f}) better than their own past (rank correlation {past_fit.rho:.2f} with "
            f"{blocks.year_last[block]}): they stand under the wrong header",
            _farthest(blocks, block),
        )


def _off_its_rows(blocks: BlockYear, block: str) -> Iterator[Fault]:
    order = blocks.order(block)
    past = blocks.column(block, of_past=True)[order]
    shift, first, end = displaced_rows(blocks.array(block, "value"), past, blocks.limits)
    if shift:
        cells = blocks.of(block)
        span = f"rows {cells['cell'].iloc[first]} to {cells['cell'].iloc[end - 1]}"
        yield Fault(
            PLACE,
            f"the figures of {span} stand {_rows(shift)} against {blocks.year_last[block]}",
            tuple(cells["city_id"].iloc[first:end]),
        )
    elif blocks.is_printed_page:
        ranks, place = blocks.ranks_in(order), blocks.wide.columns.get_loc(block)
        shift = displaced_column(ranks[:, place], np.delete(ranks, place, axis=1), blocks.limits)
        if shift:
            why = f"the figures stand {_rows(shift)} against the other columns of the file"
            yield Fault(PLACE, why, tuple(blocks.array(block, "city_id")))


def _rows(shift: int) -> str:
    many = "one row" if abs(shift) == 1 else f"{abs(shift)} rows"
    return f"{many} too {'low' if shift > 0 else 'high'}"


def _ranks(blocks: BlockYear, block: str, past_fit: Fit, cell: Mapping[str, Any]) -> Iterator[Fault]:
    if past_fit.n < blocks.limits["min_ranked"] or np.isnan(past_fit.rho):
        return
    of_variable = float(cell["min_rho"])
    limit = min_rho(cell["kind"], blocks.year - blocks.year_last[block], of_variable, blocks.limits)
    if past_fit.rho < limit:
        yield Fault(
            RANKS,
            f"the order of the cities is not that of {blocks.year_last[block]}: rank correlation {past_fit.rho:.2f}, "
            f"at least {limit:.2f} is usual",
            _farthest(blocks, block),
        )


def _median(blocks: BlockYear, block: str, cell: Mapping[str, Any]) -> Iterator[Fault]:
    low, high = usual_median(cell, blocks.limits)
    values = blocks.array(block, "value")
    median = float(np.median(values))
    if len(values) < blocks.limits["min_usual"] or not (median < low or median > high):
        return
    # the middle of the usual band on the log scale tells which power of ten is missing
    power = round(np.log(median / np.sqrt(low * high)) / LN10) if median > 0 and low > 0 else 0
    slip = f", about {factor_text(power)} of the usual" if power else ""
    nearest = blocks.array(block, "city_id")[np.argsort(np.abs(values - median), kind="stable")]
    why = f"the median city has {figure(median)} {cell['unit']}; usual is {figure(low)} to {figure(high)}{slip}"
    yield Fault(MEDIAN, why, tuple(nearest), power)


def _band(blocks: BlockYear, block: str, cell: Mapping[str, Any]) -> Iterator[Fault]:
    limits = blocks.limits
    value, low, high = (blocks.array(block, name) for name in ("value", "band_low", "band_high"))
    is_uncorrected = ~blocks.array(block, "is_corrected")
    outside = is_uncorrected & ((value < low) | (value > high))
    n_outside, n_judged = int(outside.sum()), int(is_uncorrected.sum())
    if n_outside >= limits["min_outside"] and n_outside > limits["max_outside"] * n_judged:
        first = int(is_uncorrected.argmax())
        band = f"{low[first]:,.0f} to {high[first]:,.0f} {cell['unit']}"
        why = f"{n_outside} of {n_judged} cities lie outside the band {band}"
        yield Fault(BAND, why, tuple(blocks.array(block, "city_id")[outside]))


def _identity_faults(blocks: BlockYear, identities: list[Identity], fits: dict[str, Fit]) -> dict[str, Fault]:
    cities_of = {identity: without_reviewed(blocks, identity) for identity in with_columns(blocks, identities)}
    cities_of = {identity: cities for identity, cities in cities_of.items() if len(cities)}
    broken = [identity for identity, cities in cities_of.items() if breaks_block(cities, blocks.limits)]
    unbroken = [identity for identity in cities_of if identity not in broken]
    sound = [block for block in fits if block not in blocks.faults]
    cleared = [block for block in sound if follows_its_past(blocks, block, fits[block])]
    in_swap = [identity for identity in broken if looks_swapped(identity, cities_of[identity], blocks.limits)]
    faults = {}
    for block, reasons in blame(broken, unbroken, blocks.faults, cleared, in_swap).items():
        worst = cities_of[reasons[0]]
        worst = worst[worst["is_broken"]]
        counts = "; ".join(
            f"{int(cities_of[reason]['is_broken'].sum())} of {len(cities_of[reason])} cities break {reason.code} "
            f"({reason.words})"
            for reason in reasons
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            order = np.log(worst["ratio"].abs()).abs().sort_values(ascending=False, kind="stable")
        faults[block] = Fault(IDENTITY, counts, tuple(order.index))
    return faults


def with_columns(blocks: BlockYear, identities: list[Identity]) -> list[Identity]:
    """The identities whose columns all stand in this year."""
    columns = set(blocks.wide.columns)
    return [identity for identity in identities if columns.issuperset(identity.blocks)]


def without_reviewed(blocks: BlockYear, identity: Identity) -> pd.DataFrame:
    """The identity checked in all cities but those where a person has reviewed one of its figures."""
    if identity not in blocks.checked:
        cities = check(identity, blocks.wide, blocks.limits)
        reviews = blocks.reviewed[blocks.reviewed["block"].isin(identity.blocks)]
        blocks.checked[identity] = cities[~cities.index.isin(reviews["city_id"])] if len(reviews) else cities
    return blocks.checked[identity]


def follows_its_past(blocks: BlockYear, block: str, past_fit: Fit) -> bool:
    """The column of a block that is certainly its own: ranks and level as in the last accepted year."""
    limits = blocks.limits
    limit = limits["clear_move"] * (blocks.year - blocks.year_last.get(block, blocks.year))
    return past_fit.n >= limits["min_ranked"] and past_fit.rho >= limits["clear_rho"] and abs(past_fit.median) <= limit


def _farthest(blocks: BlockYear, block: str) -> tuple[str, ...]:
    """Cities whose rank has moved most."""
    both = pd.DataFrame(
        {"now": blocks.column(block), "then": blocks.column(block, of_past=True)}, index=blocks.wide.index
    ).dropna()
    rank_change = (both["now"].rank() - both["then"].rank()).abs().sort_values(ascending=False, kind="stable")
    return tuple(rank_change.index)


def _words(block: str) -> str:
    variable, _, scope = block.partition("/")
    return f"{variable} ({scope})"
