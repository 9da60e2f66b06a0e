"""Fits the headline regression again from the published file alone: python refit.py city.duckdb

Spatial Durbin model with effects of years and of cities by segment of years (breaks of y and x lie between segments),
y = rho W y + X b + W X t + effects + e, by the transformation of Lee and Yu (2010): y and X lose their means of cities
by segment and of years, the likelihood counts (N - 1) F rows and the Jacobian F [ln|I - rho W| - ln(1 - rho)], F the
number of years less that of segments. Needs duckdb, numpy, pandas, scipy; nothing of this project.
"""

import sys
from collections.abc import Iterator

import duckdb
import numpy as np
import pandas as pd
from scipy.optimize import brentq, minimize_scalar

DATA = "select term, role, city_id, year, segment, value from mart.mart_model_data where model_id = ?"
EDGES = "select city_i, city_j, w from mart.mart_model_edge where model_id = ?"
PUBLISHED = """
    select term, coef from mart.mart_panel_coef where model_id = $1
    union all select 'rho', rho from mart.mart_panel_fit where model_id = $1
    union all select 'sigma2', sigma2 from mart.mart_panel_fit where model_id = $1
    union all select 'lnl', lnl from mart.mart_panel_fit where model_id = $1
"""


def refit(data: pd.DataFrame, edges: pd.DataFrame) -> pd.Series:
    """Coefficients by term (W:term of the neighbours), rho, sigma2, lnl. data, edges: as DATA and EDGES give them."""
    wide = data.pivot(index="city_id", columns=["term", "year"], values="value").sort_index()
    role = data.drop_duplicates("term").set_index("term")["role"]
    (dependent,) = role.index[role == "y"]
    names = [term for term in role.index if term != dependent]
    planes = {term: wide[term].sort_index(axis=1).to_numpy() for term in [dependent, *names]}
    n = len(wide)
    segment = data.drop_duplicates("year").sort_values("year")["segment"].to_numpy()
    free = len(segment) - len(set(segment))

    at = pd.Series(range(n), index=wide.index)
    w = np.zeros((n, n))
    w[at[edges["city_i"]], at[edges["city_j"]]] = edges["w"]

    def without_effects(plane: np.ndarray) -> np.ndarray:
        plane = plane - plane.mean(axis=0)
        return np.hstack([p - p.mean(axis=1, keepdims=True) for p in (plane[:, segment == s] for s in set(segment))])

    def columns(*stack: np.ndarray) -> np.ndarray:
        return np.column_stack([without_effects(plane).ravel() for plane in stack])

    x = columns(*(planes[term] for term in names), *(w @ planes[term] for term in names))
    both = columns(planes[dependent], w @ planes[dependent])
    slopes = np.linalg.lstsq(x, both, rcond=None)[0]
    left = both - x @ slopes
    eigenvalues = np.linalg.eigvals(w)
    rows = (n - 1) * free

    def sigma2(rho: float) -> float:
        return float(((left[:, 0] - rho * left[:, 1]) ** 2).sum() / rows)

    def loglik(rho: float) -> float:
        jacobian = np.log(1 - rho * eigenvalues).sum().real - np.log(1 - rho)
        return float(-rows / 2 * (np.log(2 * np.pi) + 1 + np.log(sigma2(rho))) + free * jacobian)

    def slope(rho: float) -> float:
        error = left[:, 0] - rho * left[:, 1]
        jacobian = (eigenvalues / (1 - rho * eigenvalues)).sum().real - 1 / (1 - rho)
        return float(rows * (left[:, 1] @ error) / (error @ error) - free * jacobian)

    # the highest point roughly, then the root of the slope: the likelihood itself is too flat for eight digits
    lowest = 1 / eigenvalues.real.min()
    near = minimize_scalar(lambda rho: -loglik(rho), bounds=(lowest, 1), method="bounded").x
    rho = float(brentq(slope, max(near - 1e-3, lowest + 1e-9), min(near + 1e-3, 1 - 1e-9), xtol=1e-14))
    result = dict(zip([*names, *(f"W:{term}" for term in names)], slopes[:, 0] - rho * slopes[:, 1], strict=True))
    return pd.Series({**result, "rho": rho, "sigma2": sigma2(rho), "lnl": loglik(rho)})


def compared(con: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, pd.DataFrame]]:
    """Every headline regression that was fitted, beside what is published."""
    models = con.execute("select distinct model_id from mart.mart_model_data order by 1").fetchall()
    for (model,) in models:
        mine = refit(con.execute(DATA, [model]).df(), con.execute(EDGES, [model]).df())
        published = con.execute(PUBLISHED, [model]).df().drop_duplicates("term").set_index("term")["coef"]
        both = pd.DataFrame({"refitted": mine, "published": published.reindex(mine.index)})
        both["difference"] = both["refitted"] - both["published"]
        yield model, both


def main(file: str) -> None:
    """Prints the comparison."""
    with duckdb.connect(file, read_only=True) as con:
        for model, both in compared(con):
            print(model, both.to_string(), sep="\n")


if __name__ == "__main__":
    main(sys.argv[1])
