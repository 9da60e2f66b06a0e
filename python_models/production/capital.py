"""Capital stock by perpetual inventory."""

import numpy as np

from python_models._align import aligned
from python_models._types import ArrayLike, FloatArray
from python_models.production._checks import not_negative, positive

DEPRECIATION = 0.096  # Zhang Jun, Wu Guiying and Zhang Jipeng 2004; Shan Haojie 2008 has 0.1096
GROWTH_YEARS = 5


@aligned
def perpetual_inventory(
    investment: ArrayLike,
    price: ArrayLike | float = 1.0,
    *,
    depreciation: float = DEPRECIATION,
    growth: ArrayLike | float | None = None,
) -> FloatArray:
    """K_t = (1 - d) K_(t-1) + I_t / P_t with K_0 = (I_0 / P_0) / (g + d), shape (N, T), prices of the base of P.

    investment: (N, T), nominal, 0 or more and above 0 in the first year; price: one number or (N, T), base year = 1;
    growth g: one number or (N,), default: mean yearly growth of real investment over the first five years, at
    least 0. ValueError: a missing value, depreciation outside (0, 1), or g + d not above 0.

    >>> from python_models.production import perpetual_inventory
    >>> perpetual_inventory([[10.0, 11.0, 12.0]], depreciation=0.1, growth=0.1)
    array([[50. , 56. , 62.4]])
    """
    nominal = not_negative(investment, "investment")
    if nominal.ndim != 2:
        raise ValueError(f"investment must have the axes (city, year), got shape {nominal.shape}.")
    if not 0 < depreciation < 1:
        raise ValueError(f"depreciation must lie in (0, 1), got {depreciation:g}.")
    real = nominal / np.broadcast_to(positive(price, "price"), nominal.shape)
    positive(real[:, 0], "investment of the first year")
    rate = _first_growth(real) if growth is None else np.broadcast_to(np.asarray(growth, np.float64), (len(real),))
    if (rate + depreciation <= 0).any():
        raise ValueError("growth plus depreciation must be above 0, or the first stock is not defined.")
    stock = np.empty_like(real)
    stock[:, 0] = real[:, 0] / (rate + depreciation)
    for t in range(1, real.shape[1]):
        stock[:, t] = (1 - depreciation) * stock[:, t - 1] + real[:, t]
    return stock


def _first_growth(real: FloatArray) -> FloatArray:
    last = min(GROWTH_YEARS, real.shape[1] - 1)
    if last == 0:
        return np.zeros(len(real))
    end = np.maximum(real[:, last], np.finfo(float).tiny)
    return np.asarray(np.maximum((end / real[:, 0]) ** (1 / last) - 1, 0.0))
