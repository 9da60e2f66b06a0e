"""What a panel regression is: its variables and its settings, checked when they are made."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields

from python_models.regression.convention import ESTIMATORS, MODELS
from python_models.regression.core import COVARIANCES
from python_models.regression.within import EFFECTS

METHODS = ("static", "dynamic", "gmm", "iv")
SOURCES = ("score", "indicator")
TRANSFORMS = ("none", "ln", "logit")
BASES = ("frozen", "restated")
# groups that a sample may be cut to or be freed of: name -> (scheme, group_code)
SPLITS = {"core": ("core", "core"), "cluster": ("cluster", "cluster"), "east": ("east_vs_cw", "east")}
FILTERS = ("no_municipality", "no_covid", "no_imputed", *(f"{way}_{part}" for part in SPLITS for way in ("no", "only")))
INSTRUMENTS = ("", "leave_province_out", "external")
COVID_YEARS = (2020, 2021)


@dataclass(frozen=True)
class PanelVariable:
    """One column of a regression: a score or an indicator, transformed, winsorised over all cells, then scaled.

    code : index_code or indicator_code.   weight_scheme : of a score.   winsor : share cut at each tail (0 = none).
    without : an indicator that is left out of a score, the weights of the others raised in proportion.
    unit : of the column as the regression sees it.
    """

    name: str
    source: str
    code: str
    unit: str
    scale: float = 1.0
    transform: str = "none"
    winsor: float = 0.0
    weight_scheme: str = "entropy_flat"
    without: str = ""

    def __post_init__(self) -> None:
        _one_of(self.source, SOURCES, f"variable {self.name}: source")
        _one_of(self.transform, TRANSFORMS, f"variable {self.name}: transform")
        if not 0.0 <= self.winsor < 0.5:
            raise ValueError(f"variable {self.name}: winsor must lie in [0, 0.5), got {self.winsor}.")
        if self.without and self.source != "score":
            raise ValueError(f"variable {self.name}: `without` is for scores.")


@dataclass(frozen=True)
class PanelSpec:
    """One regression. x are the regressors of interest, controls the others; all of them enter as W x in Durbin models.

    years : first and last.   lag : years by which x and controls are lagged (negative: led, a placebo).
    sample : filters of FILTERS.
    boot_draws : panels of the block bootstrap for its column of errors (0 = none).   with_tests : also make the
    specification search and the effects by city.   instrument : of x, for method iv; with 'external' the variables of
    `external` and W times them, at least one for each x.   variant_of : the entry it differs from; change : in what,
    for the robustness table.
    """

    model_id: str
    title: str
    y: PanelVariable
    x: tuple[PanelVariable, ...]
    controls: tuple[PanelVariable, ...]
    w_code: str
    method: str = "static"
    model: str = "sdm"
    effects: str = "twoways"
    estimator: str = "lee_yu"
    cov: str = "info"
    basis: str = "frozen"
    years: tuple[int, int] = (2012, 9999)
    lag: int = 0
    sample: tuple[str, ...] = ()
    boot_draws: int = 0
    with_tests: bool = False
    is_headline: bool = False
    instrument: str = ""
    external: tuple[PanelVariable, ...] = ()
    variant_of: str = ""
    change: str = ""

    def __post_init__(self) -> None:
        for value, known, what in (
            (self.method, METHODS, "method"),
            (self.model, MODELS, "model"),
            (self.effects, EFFECTS, "effects"),
            (self.estimator, ESTIMATORS, "estimator"),
            (self.cov, COVARIANCES, "cov"),
            (self.basis, BASES, "basis"),
            (self.instrument, INSTRUMENTS, "instrument"),
        ):
            _one_of(value, known, f"model {self.model_id}: {what}")
        for name in self.sample:
            _one_of(name, FILTERS, f"model {self.model_id}: sample")
        if not self.x:
            raise ValueError(f"model {self.model_id} has no x: name at least one regressor of interest.")
        if (self.instrument == "external") != bool(self.external) or 0 < len(self.external) < len(self.x):
            raise ValueError(f"model {self.model_id}: external instruments are variables, at least one for each x.")
        names = [v.name for v in (*self.x, *self.controls, *self.external)]
        if len(set(names)) < len(names) or self.y.name in names:
            raise ValueError(f"model {self.model_id} uses a variable twice: {sorted(names)} with y {self.y.name}.")

    @property
    def variables(self) -> tuple[PanelVariable, ...]:
        """y, x, controls, external instruments."""
        return (self.y, *self.x, *self.controls, *self.external)

    @property
    def regressors(self) -> tuple[str, ...]:
        return tuple(v.name for v in (*self.x, *self.controls))

    @property
    def spec_hash(self) -> str:
        """Twelve digits that change with any setting."""
        text = repr([(f.name, getattr(self, f.name)) for f in fields(self)])
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def _one_of(value: str, known: tuple[str, ...], what: str) -> None:
    if value not in known:
        raise ValueError(f"{what} must be one of {', '.join(filter(None, known))}, got {value!r}.")
