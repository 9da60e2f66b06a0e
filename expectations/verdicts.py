"""The rules about whole blocks, in the order in which they speak: the first that is broken names the fault."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from expectations.blocks import BlockYear, Fault
from expectations.identity import Identity, blame, breaks_block, check, looks_swapped
from expectations.slips import LN10, factor_text, slip_power
from expectations.tracking import Fit, correlations, displaced_column, displaced_rows, fit, fits_better, ranks_of

SLIP, PLACE, RANKS = "value_is_no_unit_slip", "block_stands_in_its_place", "block_ranks_hold"
MEDIAN, BAND, IDENTITY = "block_median_is_usual", "block_is_inside_band", "block_meets_identities"

MIN_CITIES = 5  # below this a median says little
MIN_CITIES_FOR_RANKS = 30
MIN_CITIES_FOR_USUAL = 100  # the usual median is that of all prefectures
MIN_RHO = {"rate": 0.5}
MIN_RHO_OTHER, RHO_LESS_A_YEAR = 0.8, 0.05
MAX_OUTSIDE_SHARE, MIN_OUTSIDE = 0.05, 3
# urban districts against the whole city: real medians lie between 0.29 and 1.25 of it
DISTRICT_LOW, DISTRICT_HIGH = 0.2, 1.5
NEARLY = 0.05  # ranks over all rows of a column against ranks over the rows that two columns share
CLEAR_RHO, CLEAR_LOG_A_YEAR = 0.9, 0.2


def judge_year(one: BlockYear, identities: list[Identity]) -> dict[str, Fit]:
    """Fill `one.faults`; returns the fit of each block with its own past."""
    fits = {block: fit(one.column(block), one.column(block, of_past=True)) for block in one.wide.columns}
    for block in one.wide.columns:
        fault = next(_faults_of(one, block, fits[block]), None)
        if fault:
            one.faults[block] = fault
    one.faults.update(_identity_faults(one, identities, fits))
    return fits


def min_rho(kind: object, years_back: int, own: float = float("nan")) -> float:
    """Smallest accepted rank correlation with the past: 0.8 for stocks and flows, 0.5 for rates, 0.05 less a year.

    own: what variable.csv says of a variable that moves more than others of its kind.
    """
    usual = MIN_RHO.get(str(kind), MIN_RHO_OTHER) if np.isnan(own) else own
    return usual - RHO_LESS_A_YEAR * max(years_back - 1, 0)


def has_ranks(unit: object) -> bool:
    """An index of growth or of several parts has no ranks that last: it is left out of all rank rules."""
    return not str(unit).startswith("index")


def usual_median(cells: pd.DataFrame) -> tuple[float, float]:
    """Usual band of the median of a block, widened downwards for urban districts."""
    low, high = float(cells["median_low"].iloc[0]), float(cells["median_high"].iloc[0])
    if cells["scope"].iloc[0] == "district":
        return low * DISTRICT_LOW, high * DISTRICT_HIGH
    return low, high


def _faults_of(one: BlockYear, block: str, own: Fit) -> Iterator[Fault]:
    cells = one.of(block)
    yield from _slip(one, block)
    if has_ranks(cells["unit"].iloc[0]):
        yield from _like_another(one, block, own)
        yield from _off_its_rows(one, block, cells)
        yield from _ranks(one, block, own, cells)
    yield from _median(cells)
    yield from _band(cells)


def _slip(one: BlockYear, block: str) -> Iterator[Fault]:
    x, last = one.column(block), one.column(block, of_past=True)
    both = (x > 0) & (last > 0)
    if both.sum() < MIN_CITIES:
        return
    ratios = np.log(x[both] / last[both])
    power, count = slip_power(ratios)
    if power:
        spike = np.abs(ratios - power * LN10)
        cities = one.wide.index[both][np.argsort(spike, kind="stable")]
        median = float(np.exp(np.median(ratios)))
        yield Fault(
            SLIP,
            f"looks like a unit slip of {factor_text(power)}: {count} of {both.sum()} cities moved by that "
            f"against {one.year_last[block]} (median change x{median:,.4g})",
            tuple(cities),
            power,
        )


def _like_another(one: BlockYear, block: str, own: Fit) -> Iterator[Fault]:
    better, x = {}, one.column(block)
    # the cheap half of the question first
    nearly = correlations(ranks_of(x[:, None]), one.ranks_of_past, least=MIN_CITIES)
    for other in one.past.columns[nearly > own.rho - NEARLY]:
        if other != block:
            found = fit(x, one.column(other, of_past=True))
            if fits_better(own, found):
                better[other] = found
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
            f"the figures follow {_words(other)} of {one.year_last[other]} (rank correlation "
            f"{better[other].rho:.2f}) better than their own past (rank correlation {own.rho:.2f} with "
            f"{one.year_last[block]}): they stand under the wrong header",
            _farthest(one, block),
        )


def _off_its_rows(one: BlockYear, block: str, cells: pd.DataFrame) -> Iterator[Fault]:
    order = cells["city_id"]
    x = cells["value"].to_numpy()
    past = pd.Series(one.column(block, of_past=True), index=one.wide.index).reindex(order).to_numpy()
    shift, first, end = displaced_rows(x, past)
    if shift:
        span = f"rows {cells['cell'].iloc[first]} to {cells['cell'].iloc[end - 1]}"
        yield Fault(
            PLACE,
            f"the figures of {span} stand {_rows(shift)} against {one.year_last[block]}",
            tuple(order.iloc[first:end]),
        )
    elif one.is_printed_page:
        siblings = one.wide.drop(columns=block).reindex(order).to_numpy()
        shift = displaced_column(x, siblings)
        if shift:
            yield Fault(PLACE, f"the figures stand {_rows(shift)} against the other columns of the file", tuple(order))


def _rows(shift: int) -> str:
    many = "one row" if abs(shift) == 1 else f"{abs(shift)} rows"
    return f"{many} too {'low' if shift > 0 else 'high'}"


def _ranks(one: BlockYear, block: str, own: Fit, cells: pd.DataFrame) -> Iterator[Fault]:
    if own.n < MIN_CITIES_FOR_RANKS or np.isnan(own.rho):
        return
    own_limit = float(cells["min_rho"].iloc[0])
    limit = min_rho(cells["kind"].iloc[0], one.year - one.year_last[block], own_limit)
    if own.rho < limit:
        yield Fault(
            RANKS,
            f"the order of the cities is not that of {one.year_last[block]}: rank correlation {own.rho:.2f}, "
            f"at least {limit:.2f} is usual",
            _farthest(one, block),
        )


def _median(cells: pd.DataFrame) -> Iterator[Fault]:
    low, high = usual_median(cells)
    median = float(cells["value"].median())
    if len(cells) < MIN_CITIES_FOR_USUAL or not (median < low or median > high):
        return
    # the middle of the usual band on the log scale tells which power of ten is missing
    power = round(np.log(median / np.sqrt(low * high)) / LN10) if median > 0 and low > 0 else 0
    slip = f", about {factor_text(power)} of the usual" if power else ""
    nearest = cells.iloc[(cells["value"] - median).abs().argsort(kind="stable")]
    unit = cells["unit"].iloc[0]
    yield Fault(
        MEDIAN,
        f"the median city has {median:,.4g} {unit}; usual is {low:,.4g} to {high:,.4g}{slip}",
        tuple(nearest["city_id"]),
        power,
    )


def _band(cells: pd.DataFrame) -> Iterator[Fault]:
    judged = cells[~cells["is_corrected"]]
    outside = judged[(judged["value"] < judged["band_low"]) | (judged["value"] > judged["band_high"])]
    if len(outside) >= MIN_OUTSIDE and len(outside) > MAX_OUTSIDE_SHARE * len(judged):
        low, high = judged["band_low"].iloc[0], judged["band_high"].iloc[0]
        yield Fault(
            BAND,
            f"{len(outside)} of {len(judged)} cities lie outside the band {low:,.0f} to {high:,.0f} "
            f"{judged['unit'].iloc[0]}",
            tuple(outside["city_id"]),
        )


def _identity_faults(one: BlockYear, identities: list[Identity], fits: dict[str, Fit]) -> dict[str, Fault]:
    checked = {identity: without_reviewed(one, identity) for identity in with_columns(one, identities)}
    checked = {identity: found for identity, found in checked.items() if len(found)}
    broken = [identity for identity, found in checked.items() if breaks_block(found)]
    met = [identity for identity in checked if identity not in broken]
    cleared = [block for block, own in fits.items() if follows_its_past(one, block, own) and block not in one.faults]
    swapped = [identity for identity in broken if looks_swapped(identity, checked[identity])]
    faults = {}
    for block, reasons in blame(broken, met, one.faults, cleared, swapped).items():
        worst = checked[reasons[0]]
        worst = worst[worst["is_broken"]]
        counts = "; ".join(
            f"{int(checked[reason]['is_broken'].sum())} of {len(checked[reason])} cities break {reason.code} "
            f"({reason.words})"
            for reason in reasons
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            order = np.log(worst["ratio"].abs()).abs().sort_values(ascending=False, kind="stable")
        faults[block] = Fault(IDENTITY, counts, tuple(order.index))
    return faults


def with_columns(one: BlockYear, identities: list[Identity]) -> list[Identity]:
    """The identities whose columns all stand in this year."""
    columns = set(one.wide.columns)
    return [identity for identity in identities if columns.issuperset(identity.blocks)]


def without_reviewed(one: BlockYear, identity: Identity) -> pd.DataFrame:
    """The identity checked in all cities but those where a person has reviewed one of its figures."""
    if identity not in one.checked:
        found = check(identity, one.wide)
        reviewed = one.reviewed[one.reviewed["block"].isin(identity.blocks)]
        one.checked[identity] = found[~found.index.isin(reviewed["city_id"])] if len(reviewed) else found
    return one.checked[identity]


def follows_its_past(one: BlockYear, block: str, own: Fit) -> bool:
    """The column of a block that is certainly its own: ranks and level as in the last accepted year."""
    limit = CLEAR_LOG_A_YEAR * (one.year - one.year_last.get(block, one.year))
    return own.n >= MIN_CITIES_FOR_RANKS and own.rho >= CLEAR_RHO and abs(own.median) <= limit


def _farthest(one: BlockYear, block: str) -> tuple[str, ...]:
    """Cities whose rank has moved most."""
    both = pd.DataFrame(
        {"now": one.column(block), "then": one.column(block, of_past=True)}, index=one.wide.index
    ).dropna()
    moved = (both["now"].rank() - both["then"].rank()).abs().sort_values(ascending=False, kind="stable")
    return tuple(moved.index)


def _words(block: str) -> str:
    variable, _, scope = block.partition("/")
    return f"{variable} ({scope})"
