"""What tells the estimators apart: the rows they count, the Jacobian they use, and where they demean.

direct              dummy ML: e = Q{S(rho) y - Z d}, NT rows, T ln|S|; on stacks with a spatial error the dummies are
                    filtered with it (`filtered`)
elhorst             W applied to the demeaned y: e = Qy - rho W(Qy) - Q Z d (splm, SDPDmod, published tables)
lee_yu              transformation to N' = N - 1 and T' = T - 1: N'T' rows, T' [ln|S| - ln(1 - rho)] (W1 = 1)
transformed_dummies transformation of the city effects, T - 1 year dummies: N(T - 1) rows, (T - 1) ln|S|; any W
direct_bc, elhorst_bc: the first two with the bias correction of Lee and Yu (2010)
direct_bc_sdpdmod   direct_bc with the information matrix of elhorst, as SDPDmod's LYtrans=TRUE has it
"""

from dataclasses import dataclass

from python_models._types import FloatArray
from python_models.regression.covariance import Rows
from python_models.regression.errors import PanelInputError, require_known
from python_models.regression.weights import SpatialWeights
from python_models.regression.within import EFFECTS, Absorb, Projection, has_entity, has_time, within

MODELS = ("ols", "slx", "sar", "sem", "sdm", "sdem", "sac")
ESTIMATORS = ("direct", "elhorst", "direct_bc", "elhorst_bc", "direct_bc_sdpdmod", "lee_yu", "transformed_dummies")


@dataclass(frozen=True)
class Convention:
    """Counts and switches of one request: N', T'; the constant mode taken out of the Jacobian (is_centred), W after
    demeaning (is_outer), G Z d not demeaned again (is_plain), a bias correction (is_corrected).

    absorb, rows : of a stack of rows (n rows, t = 1) with dummies of its own.
    """

    model: str
    effects: str
    estimator: str
    n: int
    t: int
    n_eff: int
    t_eff: int
    is_centred: bool
    is_outer: bool
    is_plain: bool
    is_corrected: bool
    absorb: Absorb | Projection | None = None
    rows: Rows | None = None

    def project(self, values: FloatArray) -> FloatArray:
        """`values` (n, t, ..) without the fixed effects."""
        return within(values, self.effects) if self.absorb is None else self.absorb(values)

    @property
    def panel_rows(self) -> Rows:
        return Rows.balanced(self.n, self.t) if self.rows is None else self.rows

    @property
    def n_rows(self) -> int:
        return self.n_eff * self.t_eff

    @property
    def rows_free_of_effects(self) -> int:
        """Rows less the fixed effects."""
        if self.absorb is not None:
            return self.n - self.absorb.rank
        if self.effects == "none":
            return self.n * self.t - 1
        return (self.n - has_time(self.effects)) * (self.t - has_entity(self.effects))

    @property
    def has_rho(self) -> bool:
        return self.model in ("sar", "sdm", "sac")

    @property
    def has_lam(self) -> bool:
        return self.model in ("sem", "sdem", "sac")

    @property
    def has_wx(self) -> bool:
        return self.model in ("slx", "sdm", "sdem")

    @property
    def spatial_names(self) -> tuple[str, ...]:
        return ("rho",) * self.has_rho + ("lambda",) * self.has_lam


def convention(*, model: str, effects: str, estimator: str, n: int, t: int, **weights: SpatialWeights) -> Convention:
    """The convention of a request. PanelInputError names what cannot be met, by the name of the matrix in `weights`."""
    require_known(effects, EFFECTS, "effects")
    require_known(model, MODELS, "model")
    require_known(estimator, ESTIMATORS, "estimator")
    if t == 1 and has_entity(effects):
        raise PanelInputError(f"the panel has T = 1 year: effects={effects!r} need at least two; use 'time' or 'none'.")
    is_transformed, is_outer = estimator in ("lee_yu", "transformed_dummies"), estimator.startswith("elhorst")
    is_centred, is_corrected = estimator == "lee_yu" and has_time(effects), "_bc" in estimator
    if is_centred or (is_corrected and has_time(effects)):
        for name, matrix in weights.items():
            if not matrix.is_row_normalised:
                raise PanelInputError(
                    f"estimator={estimator!r} with year effects needs rows of {name} that sum to one ({name}1 = 1); "
                    "normalise the rows or use estimator='transformed_dummies', which keeps the year dummies."
                )
    n_eff, t_eff = n - is_centred, t - (is_transformed and has_entity(effects))
    is_plain = is_outer or estimator == "direct_bc_sdpdmod"
    return Convention(model, effects, estimator, n, t, n_eff, t_eff, is_centred, is_outer, is_plain, is_corrected)


def stacked_convention(*, model: str, effects: str, rows: Rows, absorb: Absorb) -> Convention:
    """Dummy ML on a stack of rows: NR rows, one log-determinant of the block-diagonal W."""
    require_known(model, MODELS, "model")
    n = len(rows.unit)
    return Convention(model, effects, "direct", n, 1, n, 1, False, False, False, False, absorb, rows)
