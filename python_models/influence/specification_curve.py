"""Specification curve: do the runs of a robustness suite agree in sign and significance with the headline?

Simonsohn, Simmons and Nelson (2020, Nature Human Behaviour 4). docs/formulas.md#robustness.
"""

import numpy as np
import pandas as pd

from python_models._align import aligned

LEVEL = 0.05


@aligned
def specification_curve(
    estimate: pd.Series, p: pd.Series, *, headline: float, comparable: pd.Series | None = None
) -> pd.DataFrame:
    """Place of each run on the curve of all specifications.

    Parameters
    ----------
    estimate, p : Series
        One value a run, NaN where it has none. An estimate of exactly zero is zero by construction (a model without
        that effect) and counts as missing.
    headline : float
        Estimate of the headline run.
    comparable : Series, optional
        Estimates on one scale for the place; default: `estimate`.

    Returns
    -------
    DataFrame
        One row a run, same index: sign_agrees with `headline`, significant_5, place on the curve (1 = lowest); all
        missing for a run without an estimate.

    Examples
    --------
    >>> from python_models.influence import specification_curve
    >>> specification_curve(pd.Series([0.1, -0.2]), pd.Series([0.01, 0.2]), headline=0.1)["sign_agrees"].tolist()
    [True, False]
    """
    has = estimate.notna() & (estimate != 0) & np.isfinite(headline)
    sign = pd.Series(np.sign(estimate) == np.sign(headline), index=estimate.index).astype("boolean").where(has)
    known = has & p.notna()
    significant = (p < LEVEL).astype("boolean").where(known)
    place = (estimate if comparable is None else comparable).where(has)
    rank = place.rank(method="first").astype("Int64")
    return pd.DataFrame({"sign_agrees": sign, "significant_5": significant, "curve_rank": rank})


@aligned
def curve_summary(curve: pd.DataFrame, comparable: pd.Series) -> dict[str, float | int]:
    """Summary of a specification curve.

    Parameters
    ----------
    curve : DataFrame
        Rows of `specification_curve`.
    comparable : Series
        Which runs count, by the same index.

    Returns
    -------
    dict
        n_runs with an estimate, shares that agree in sign, that are significant, that are both; min, median, max.

    Examples
    --------
    >>> from python_models.influence import curve_summary, specification_curve
    >>> curve = specification_curve(pd.Series([0.1, 0.2, -0.1]), pd.Series([0.01, 0.04, 0.6]), headline=0.1)
    >>> curve_summary(curve, pd.Series([True, True, True]))["n_runs"]
    3
    """
    has = curve["sign_agrees"].notna()
    estimated, tested = curve[has], curve[has & curve["significant_5"].notna()]
    values = comparable[has].dropna()

    def share(flags: pd.Series) -> float:
        return float(flags.astype(float).mean()) if len(flags) else float("nan")

    return {
        "n_runs": len(estimated),
        "share_sign_agrees": share(estimated["sign_agrees"]),
        "share_significant_5": share(tested["significant_5"]),
        "share_both": share(tested["sign_agrees"] & tested["significant_5"]),
        "lowest": float(values.min()) if len(values) else float("nan"),
        "median": float(values.median()) if len(values) else float("nan"),
        "highest": float(values.max()) if len(values) else float("nan"),
    }
