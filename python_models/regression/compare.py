"""Models side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from python_models.regression.errors import PanelInputError
from python_models.regression.results import PanelResults
from python_models.regression.summary import Summary, cell

FOOT = ("nobs", "n_rows", "loglik", "aic", "bic", "r2_within")


@dataclass(frozen=True, eq=False)
class Comparison:
    """Results under their titles, in the order given."""

    results: tuple[PanelResults, ...]
    titles: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """One row per model and term: model, term, role, coef, std_error, tstat, pvalue, lower, upper."""
        frames = [r.to_frame().assign(model=title) for r, title in zip(self.results, self.titles, strict=True)]
        joined = pd.concat(frames, ignore_index=True)
        return joined[["model", *[c for c in joined.columns if c != "model"]]]

    def fit_frame(self) -> pd.DataFrame:
        """One row per model: what it is, and its measures of fit."""
        return pd.DataFrame(
            [
                {
                    "model": title,
                    "kind": r.core.model,
                    "effects": r.core.effects,
                    "estimator": r.core.estimator,
                    "cov": r.core.cov_type,
                    **{name: _measure(r, name) for name in FOOT},
                    "rho": r.rho,
                    "lam": r.lam,
                    "sigma2": r.sigma2,
                }
                for r, title in zip(self.results, self.titles, strict=True)
            ]
        )

    def summary(self) -> Summary:
        """Estimates with standard errors in brackets below; measures of fit at the foot."""
        terms = list(dict.fromkeys(term for r in self.results for term in _order(r)))
        rows: list[tuple[str, ...]] = []
        for term in sorted(terms, key=_rank):
            has = [term in r.params.index for r in self.results]
            pairs = list(zip(self.results, has, strict=True))
            rows.append((term, *(cell(float(r.params[term])) if h else "" for r, h in pairs)))
            rows.append(("", *(f"({cell(float(r.std_errors[term]))})" if h else "" for r, h in pairs)))
        rows.extend((name, *(cell(_measure(r, name)) for r in self.results)) for name in FOOT)
        return Summary("Models side by side", (("In brackets", "standard errors"),), ("", *self.titles), tuple(rows))

    def __repr__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary().as_html()


def compare(results: Sequence[PanelResults] | Mapping[str, PanelResults]) -> Comparison:
    """Put results side by side; a mapping gives the titles, a list takes the names of the models (numbered if equal).

    Raises PanelInputError when there is nothing to compare. Likelihoods of different estimators count different rows
    (`n_rows`), so compare them only within one estimator.

    >>> from python_models.regression import SpatialPanel, compare
    >>> from python_models.simulation import small_panel
    >>> y, x, W = small_panel()
    >>> frames = pd.DataFrame(y, columns=range(6)), {"x": pd.DataFrame(x, columns=range(6))}
    >>> fits = {m: SpatialPanel(*frames, (W, range(12)), model=m).fit() for m in ("ols", "slx")}
    >>> type(compare(fits)).__name__
    'Comparison'
    """
    if not results:
        raise PanelInputError("there are no results to compare.")
    if isinstance(results, Mapping):
        return Comparison(tuple(results.values()), tuple(results))
    plain = [r.core.model.upper() for r in results]
    titles = [f"{t} ({i + 1})" if plain.count(t) > 1 else t for i, t in enumerate(plain)]
    return Comparison(tuple(results), tuple(titles))


def _measure(result: PanelResults, name: str) -> float | int:
    value: float | int = getattr(result.core if name == "n_rows" else result, name)
    return value


def _order(result: PanelResults) -> list[str]:
    return [str(name) for name in result.params.index]


def _rank(term: str) -> int:
    """Slopes first, then W:slopes, then rho, lambda, sigma2; the order inside each stays."""
    last = {"rho": 2, "lambda": 3, "sigma2": 4}
    return last.get(term, int(term.startswith("W:")))
