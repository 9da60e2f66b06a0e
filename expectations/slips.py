"""Powers of ten: is a change one of the unit, and which unit would fit?"""

import math
from typing import Any

import numpy as np
import pandas as pd

from expectations.columns import as_number
from expectations.contract import Limits

LN10 = math.log(10)
CELL_TOLERANCE_LOG = math.log(1.5)  # for a single cell the word "slip" is used more carefully


def log_ratio(frame: pd.DataFrame) -> pd.Series:
    """ln(value / value_last); null unless both are above 0."""
    value, last = as_number(frame["value"]), as_number(frame["value_last"])
    return (value.where(value > 0) / last.where(last > 0)).map(math.log)


def slip_text(ratio: float) -> str:
    """', looks like a unit slip of x10,000' when a log ratio is close to a power of ten, else ''."""
    power = round(ratio / LN10) if math.isfinite(ratio) else 0
    if power == 0 or abs(ratio - power * LN10) > CELL_TOLERANCE_LOG:
        return ""
    return f", looks like a unit slip of {factor_text(power)}"


def factor_text(power: int) -> str:
    """4 -> 'x10,000', -4 -> 'x1/10,000'."""
    factor = f"{10 ** abs(power):,}"
    return f"x{factor}" if power > 0 else f"x1/{factor}"


def slip_power(ratios: np.ndarray, limits: Limits) -> tuple[int, int]:
    """(power of ten, number of cities) of the largest spike of the log ratios at a power of ten; (0, 0) if none.

    A spike needs `slip_share` of the cities; at x100 and beyond a few are enough (`few_slip_share`, `few_slips`), where
    fewer lie between the spike and no change: a tail of large true moves (foreign investment) is no spike. Ratios
    must be finite.
    """
    tolerance = limits["slip_tolerance"]
    powers = np.rint(ratios / LN10).astype(int)
    near = (powers != 0) & (np.abs(ratios - powers * LN10) <= tolerance)
    best = (0, 0)
    for power in np.unique(powers[near]):
        count = int(np.sum(near & (powers == power)))
        share = count / len(ratios)
        moves = ratios * np.sign(power)
        between = int(np.sum((moves > tolerance) & (moves < abs(power) * LN10 - tolerance)))
        is_few = abs(power) >= 2 and share > limits["few_slip_share"] and limits["few_slips"] <= count > between
        if (share >= limits["slip_share"] or is_few) and count > best[1]:
            best = (int(power), count)
    return best


def fitting_units(units: pd.DataFrame, symbol: str, power: int) -> list[str]:
    """Symbols of the unit table that would undo a slip of 10**power in figures read with the unit `symbol`."""
    by_symbol = units.set_index("symbol")
    if symbol not in by_symbol.index or power == 0:
        return []
    now: Any = by_symbol.loc[symbol]
    factor = float(now["factor"]) / 10.0**power
    same = units[(units["canonical"] == now["canonical"]) & np.isclose(units["factor"].astype(float), factor, atol=0)]
    return [str(one) for one in same["symbol"]]
