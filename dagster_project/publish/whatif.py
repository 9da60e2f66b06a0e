"""What if the weights were others? Scores, ranks and agreement with the published order, from one published file.

The page of weights does the same sums in the browser; a test holds both to 1e-12.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dagster_project.publish.exhibits.reader import ExportError, Reader
from dagster_project.published import statements
from python_models.estimates import rank_correlation
from python_models.scores import ranks

SQL = statements(__file__)


@dataclass(frozen=True, eq=False)
class WhatIf:
    """table: one row a city (city_id, score in points, rank, published_score, published_rank), best first.

    weights: normalised, by indicator. spearman: rank correlation with the published scores.
    """

    table: pd.DataFrame
    weights: dict[str, float]
    spearman: float


def whatif(reader: Reader, weights: Mapping[str, float], year: int | None = None) -> WhatIf:
    """Scores under other weights: 100 sum_k w_k z_k / sum_k w_k, with z of the frozen basis; ties share the best rank.

    `weights`: indicator -> weight, not negative, of any scale; an indicator that is not named weighs nothing. A city
    without one of the weighted indicators has no score. `year`: default the last complete one. Raises ExportError for
    an unknown indicator, a negative weight, weights that are all zero, and a year without values.
    """
    year = reader.scope.last_year if year is None else year
    frame = pd.DataFrame(reader.rows(SQL["z"], year=year), columns=["city_id", "indicator_code", "z"])
    z = frame.pivot(index="city_id", columns="indicator_code", values="z").sort_index()
    if z.empty:
        raise ExportError(f"{reader.scope.index} has no indicator values in {year}.")
    unknown = sorted(set(weights) - set(z.columns))
    if unknown:
        raise ExportError(
            f"No indicator of {reader.scope.index} is called {', '.join(unknown)}: {', '.join(z.columns)}."
        )
    numbers = np.array([float(weights.get(code, 0.0)) for code in z.columns])
    if not np.isfinite(numbers).all() or (numbers < 0).any() or numbers.sum() <= 0:
        raise ExportError("Weights must be numbers of zero or more, and not all zero.")
    share = numbers / numbers.sum()
    has_share = share > 0
    score = 100 * (z.to_numpy(dtype=float)[:, has_share] @ share[has_share])
    table = pd.DataFrame({"city_id": z.index, "score": score, "rank": ranks(score[:, None])[:, 0]})
    published = pd.DataFrame(reader.rows(SQL["published"], year=year), columns=["city_id", "score_100", "rank_year"])
    table = table.merge(published, how="left", on="city_id").dropna(subset=["score"])
    table = table.rename(columns={"score_100": "published_score", "rank_year": "published_rank"})
    both = table.dropna(subset=["published_score"])
    return WhatIf(
        table.sort_values(["rank", "city_id"], ignore_index=True),
        dict(zip(map(str, z.columns), share.tolist(), strict=True)),
        rank_correlation(both["score"], both["published_score"]).value,
    )


def presets(reader: Reader) -> list[dict[str, Any]]:
    """The weight schemes of the study as weights: scheme, name, weights (indicator -> weight, summing to one)."""
    return [
        {**row, "weights": {str(code): float(weight) for code, weight in dict(row["weights"]).items()}}
        for row in reader.rows(SQL["presets"])
    ]
