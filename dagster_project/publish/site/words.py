"""Numbers and names as words: formats, units, singular and plural. Everything a sentence needs, nothing about data."""

from __future__ import annotations

import math
from collections.abc import Iterable

from markupsafe import Markup

from python_models.estimates import Interval

INDEX_NAMES = {
    "nqpf": ("New quality productive forces index", "新质生产力指数"),
    "nqpf_yearbook": ("New quality productive forces index, yearbook indicators", "新质生产力指数（年鉴口径）"),
}
PART_NAMES = {
    "composite": ("Composite", "综合"),
    "new": ("New dimension", "“新”维度"),
    "quality": ("Quality dimension", "“质”维度"),
}
SPLITS = {
    "east_vs_cw": ("East and Central-West", "东部与中西部", ("east", "central_west")),
    "cluster": ("City clusters and other cities", "城市群与非城市群", ("cluster", "non_cluster")),
    "core": ("Core cities and periphery", "核心与外围", ("core", "periphery")),
}
GROUP_PHRASES = {
    "east": "the cities of the East",
    "central_west": "the cities of Central and West",
    "cluster": "the cities in city clusters",
    "non_cluster": "the cities outside the clusters",
    "core": "the core cities",
    "periphery": "the peripheral cities",
}
FILL_RULES = {
    "midpoint": "exactly midway between the years before and after",
    "repeat": "the figure of another year printed again",
    "blank_in_print": "blank in the printed yearbook, filled in a compiled panel",
}
NONE = "–"
NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def both(en: object, zh: object) -> Markup:
    """English and Chinese name, escaped, the Chinese one marked as Chinese."""
    return Markup('{} <span lang="zh-CN">{}</span>').format(_text(en), _text(zh))


def joined(parts: Iterable[object]) -> Markup:
    """a, b and c."""
    items = list(parts)
    if len(items) < 2:
        return Markup("").join(items)
    return Markup("{} and {}").format(Markup(", ").join(items[:-1]), items[-1])


def number(value: float | None, digits: int = 0, sign: bool = False) -> str:
    """1,234.5 with a true minus sign; a dash if there is no value."""
    if value is None or not math.isfinite(value):
        return NONE
    text = f"{value:+,.{digits}f}" if sign else f"{value:,.{digits}f}"
    if float(text.replace(",", "")) == 0:
        text = text.lstrip("+-")
    return text.replace("-", "−")


def count(n: int, one: str, many: str | None = None) -> str:
    """1 city, 2 cities."""
    return f"{number(n)} {one if n == 1 else many or one + 's'}"


def cities(n: int) -> str:
    return count(n, "city", "cities")


def is_are(n: int) -> str:
    return "is" if n == 1 else "are"


def has_have(n: int) -> str:
    return "has" if n == 1 else "have"


def limits(estimate: Interval, digits: int = 1, sign: bool = False) -> str:
    """[low, high], or that there is none."""
    if not estimate.is_known:
        return "[no interval]"
    return f"[{number(estimate.low, digits, sign)}, {number(estimate.high, digits, sign)}]"


def with_limits(estimate: Interval, digits: int = 1, sign: bool = False) -> str:
    """value [low, high]; a dash if there is no value."""
    if not math.isfinite(estimate.value):
        return NONE
    return f"{number(estimate.value, digits, sign)} {limits(estimate, digits, sign)}"


def spelled(estimate: Interval, unit: str = "", digits: int = 1) -> str:
    """8.1 points (95 % interval: 6.0 to 10.2)."""
    value = f"{number(estimate.value, digits)} {unit}".strip()
    if not estimate.is_known:
        return f"{value} (too few cities for an interval)"
    return f"{value} (95 % interval: {number(estimate.low, digits)} to {number(estimate.high, digits)})"


def size(estimate: Interval) -> Interval:
    """The estimate without its sign, for "higher by"; meant for intervals that exclude zero."""
    if estimate.value >= 0:
        return estimate
    return Interval(-estimate.value, -estimate.high, -estimate.low)


def years(values: Iterable[int]) -> str:
    """2012; 2012 and 2013; 2012 to 2015 if without a gap."""
    found = sorted(values)
    if len(found) > 2 and found[-1] - found[0] == len(found) - 1:
        return f"{found[0]} to {found[-1]}"
    return str(joined(str(y) for y in found))


def spelled_number(n: int) -> str:
    """ten for 10; digits above twelve."""
    return NUMBERS[n] if n < len(NUMBERS) else number(n)


def _text(value: object) -> str:
    missing = value is None or (isinstance(value, float) and math.isnan(value))
    return "" if missing else str(value)


def p_value(p: float | None) -> str:
    """0.043; < 0.001; a dash without a value."""
    if p is None or not math.isfinite(p):
        return NONE
    return "< 0.001" if p < 0.001 else number(p, 3)


def between(low: float | None, high: float | None, digits: int = 3) -> str:
    """[low, high]; a dash without limits."""
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return NONE
    return f"[{number(low, digits)}, {number(high, digits)}]"


def sided(low: float | None, high: float | None, at: float = 0.0) -> int:
    """1 if the interval lies above `at`, -1 if below, 0 if it holds it or if there is none."""
    if low is None or high is None:
        return 0
    return 1 if low > at else -1 if high < at else 0
