"""Division of labour between cities, and location quotients."""

import numpy as np

from python_models._align import aligned
from python_models._types import ArrayLike, FloatArray
from python_models.production._checks import not_negative, positive


@aligned
def krugman(employment: ArrayLike) -> FloatArray:
    """K_i = sum_s |e_is / e_i - e_s / e|, s over sectors: 0 for the structure of the whole, below 2. Shape (N,).

    employment: (N, S), 0 or more, each city with some. Krugman 1991.

    >>> from python_models.production import krugman
    >>> krugman([[8.0, 2.0], [2.0, 8.0]])
    array([0.6, 0.6])
    """
    e = not_negative(employment, "employment")
    if e.ndim != 2 or e.shape[1] < 2:
        raise ValueError(f"employment must have the axes (city, sector) with two sectors or more, got {e.shape}.")
    own = positive(e.sum(axis=1), "employment of a city over all sectors")
    return np.asarray(np.abs(e / own[:, None] - e.sum(axis=0) / e.sum()).sum(axis=1))


@aligned
def functional_specialisation(services: ArrayLike, manufacturing: ArrayLike, is_core: ArrayLike) -> float:
    """(producer-service over manufacturing employment) of the core, over the same of the periphery.

    services, manufacturing: (N,), is_core: (N,) mask. NaN if either side is empty or has no manufacturing or no
    services in the periphery. Duranton and Puga 2005.

    >>> from python_models.production import functional_specialisation
    >>> functional_specialisation([30.0, 10.0, 10.0], [10.0, 20.0, 20.0], [True, False, False])
    6.0
    """
    s = not_negative(services, "services")
    m, core = not_negative(manufacturing, "manufacturing", s.shape), np.asarray(is_core, dtype=np.bool_)
    inner, outer = (float(m[mask].sum()) for mask in (core, ~core))
    if inner <= 0 or outer <= 0 or float(s[~core].sum()) <= 0:
        return float("nan")
    return float((s[core].sum() / inner) / (s[~core].sum() / outer))


@aligned
def location_quotient(part: ArrayLike, whole: ArrayLike, total_part: float, total_whole: float) -> FloatArray:
    """(x_i / X) / (y_i / Y), e.g. closed cases of intellectual property over GDP, city against nation. Shape (N,).

    part x: 0 or more; whole y: above zero; totals X, Y above zero. 1: the city has its share.

    >>> from python_models.production import location_quotient
    >>> location_quotient([2.0, 1.0], [10.0, 10.0], 30.0, 200.0).round(3)
    array([1.333, 0.667])
    """
    x = not_negative(part, "part")
    y = positive(whole, "whole", x.shape)
    totals = positive([total_part, total_whole], "totals")
    return np.asarray((x / totals[0]) / (y / totals[1]))
