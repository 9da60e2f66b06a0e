"""Numbers as people read them: 87,020 and 0.00012, never 8.702e+04."""

import math

SMALLEST = 1e-9


def grouped(value: float, digits: int = 6) -> str:
    """`digits` significant digits, all of the whole part, thousands signs; '–' for not a number.

    >>> grouped(87020.4, 4), grouped(1234567.0), grouped(0.00012), grouped(2.5)
    ('87,020', '1,234,567', '0.00012', '2.5')
    """
    if not math.isfinite(value):
        return "–" if math.isnan(value) else str(value)
    text = f"{value:,.{digits}g}"
    if "e" not in text or 0 < abs(value) < SMALLEST:
        return text
    size = math.floor(math.log10(abs(value)))
    return f"{value:,.0f}" if size > 0 else f"{value:.{digits - 1 - size}f}".rstrip("0")
