"""What a panel regression is: its variables and settings, and the reader of specs/panel.yml.

Unknown keys, unknown variables and unknown parents are errors; a sample, index or weight matrix that a warehouse does
not have is not: the regression is listed there as skipped.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import yaml

from dagster_project.study.index_spec import SpecError
from python_models.regression.convention import ESTIMATORS, MODELS
from python_models.regression.core import COVARIANCES
from python_models.regression.within import EFFECTS

METHODS = ("static", "dynamic", "gmm", "iv")
SOURCES = ("score", "indicator")
TRANSFORMS = ("none", "ln", "logit")
BASES = ("frozen", "restated")
FILTERS = ("no_municipality", "no_covid", "no_imputed")
BY_CENTRE = re.compile(r"(no|only)_\w+")  # cities of the centre of a group scheme left out, or no others
INSTRUMENTS = ("", "leave_province_out", "external")
LAST_YEAR = 9999

_KEYS = {
    *("title", "y", "x", "controls", "w", "method", "model", "effects", "estimator", "cov", "basis", "lag", "sample"),
    *("boot_draws", "with_tests", "is_headline", "instrument", "variant_of", "change", "winsor", "years"),
}
_OWN = {"is_headline", "with_tests", "boot_draws", "change", "variant_of"}  # never inherited from a parent
_VARIABLE_KEYS = {"source", "code", "unit", "scale", "transform", "winsor", "weight_scheme", "without"}


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
    weight_scheme: str = ""
    without: str = ""

    def __post_init__(self) -> None:
        _one_of(self.source, SOURCES, f"variable {self.name}: source")
        _one_of(self.transform, TRANSFORMS, f"variable {self.name}: transform")
        if not 0.0 <= self.winsor < 0.5:
            raise ValueError(f"variable {self.name}: winsor must lie in [0, 0.5), got {self.winsor}.")
        if self.source == "score" and not self.weight_scheme:
            raise ValueError(f"variable {self.name}: a score needs its weight_scheme.")


@dataclass(frozen=True)
class PanelSpec:
    """One regression. x are the regressors of interest, controls the others; all of them enter as W x in Durbin models.

    years : first and last.   lag : years by which x and controls are lagged (negative: led, a placebo).
    sample : filters, of FILTERS or by the centre of a group scheme (no_ or only_ and its group code).
    boot_draws : panels of the block bootstrap for its column of errors (0 = none).   with_tests : also make the
    specification search and the effects by city.   instrument : of x, for method iv; with 'external' the variables of
    `external` and W times them, at least one for each x.   variant_of : the entry it differs from; change : in what,
    for the robustness table.   left_out_years : what the filter no_covid leaves out.
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
    years: tuple[int, int] = (0, LAST_YEAR)
    lag: int = 0
    sample: tuple[str, ...] = ()
    boot_draws: int = 0
    with_tests: bool = False
    is_headline: bool = False
    instrument: str = ""
    external: tuple[PanelVariable, ...] = ()
    variant_of: str = ""
    change: str = ""
    left_out_years: tuple[int, ...] = field(default=(), metadata={"follows_from": "sample"})

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
            if not BY_CENTRE.fullmatch(name):
                raise ValueError(
                    f"model {self.model_id}: sample must be of {', '.join(FILTERS)}, or no_ or only_ with the centre"
                    f" group of a scheme, got {name!r}."
                )
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
        text = repr([(f.name, getattr(self, f.name)) for f in fields(self) if not f.metadata])
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def read_panel_specs(file: Path, *, first_year: int, block_bootstrap: int) -> list[PanelSpec]:
    """All regressions of the file in its order, variants resolved against their parents.

    first_year: of the samples that name none. block_bootstrap: panels where an entry says `boot_draws: depth`.
    """
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    defaults: dict[str, Any] = {"years": [first_year, LAST_YEAR], **content.get("defaults", {})}
    weights, covid = defaults.pop("weight_scheme", ""), tuple(defaults.pop("covid_years", ()))
    variables = {name: _variable(name, entry, weights, file) for name, entry in content["variables"].items()}
    models: dict[str, dict[str, Any]] = content["models"]
    for entry in models.values():
        if entry.get("boot_draws") == "depth":
            entry["boot_draws"] = block_bootstrap
    return [_spec(model_id, models, defaults, variables, covid, file) for model_id in models]


def _variable(name: str, entry: dict[str, Any], weights: str, file: Path) -> PanelVariable:
    _refuse_unknown(entry, _VARIABLE_KEYS, f"{file.name}: variable {name}")
    missing = {"source", "code", "unit"} - set(entry)
    if missing:
        raise SpecError(f"{file.name}: variable {name} needs {', '.join(sorted(missing))}.")
    if "without" in entry and (entry["source"] != "score" or "weight_scheme" in entry):
        raise SpecError(f"{file.name}: variable {name}: `without` is for scores with the weights {weights}.")
    return _checked(PanelVariable, file, name=name, **{"weight_scheme": weights, **entry})


def _spec(
    model_id: str,
    models: dict[str, dict[str, Any]],
    defaults: Mapping[str, Any],
    variables: Mapping[str, PanelVariable],
    covid: tuple[int, ...],
    file: Path,
) -> PanelSpec:
    entry = models[model_id]
    _refuse_unknown(entry, _KEYS, f"{file.name}: model {model_id}")
    settings: dict[str, Any] = {**defaults, **_parent(model_id, models, file), **entry}
    missing = {"title", "y", "x", "w"} - set(settings)
    if missing:
        raise SpecError(f"{file.name}: model {model_id} needs {', '.join(sorted(missing))}.")

    def find(name: str) -> PanelVariable:
        if name not in variables:
            raise SpecError(f"{file.name}: model {model_id} uses the variable '{name}', which is not defined there.")
        return variables[name]

    cut = settings.pop("winsor", None)  # of a variant: other tails for every indicator among its regressors

    def find_cut(name: str) -> PanelVariable:
        found = find(name)
        return found if cut is None or found.source != "indicator" else replace(found, winsor=cut)

    if isinstance(settings.get("instrument"), list):  # variables of this file, argued for by who names them
        settings["external"] = tuple(find(name) for name in settings["instrument"])
        settings["instrument"] = "external"
    if settings.get("variant_of") and not settings.get("change"):
        raise SpecError(f"{file.name}: model {model_id} is a variant: say in `change` what differs.")
    if settings.get("variant_of") and "title" not in entry:
        settings["title"] = f"{settings['title']}; {settings['change']}"
    sample = tuple(settings.get("sample", ()))
    settings |= {
        "y": find(settings["y"]),
        "x": tuple(find_cut(name) for name in settings["x"]),
        "controls": tuple(find_cut(name) for name in settings.get("controls", [])),
        "years": tuple(settings["years"]),
        "sample": sample,
        "left_out_years": covid if "no_covid" in sample else (),
    }
    return _checked(PanelSpec, file, model_id=model_id, w_code=settings.pop("w"), **settings)


def _parent(model_id: str, models: dict[str, dict[str, Any]], file: Path) -> dict[str, Any]:
    """What a variant inherits."""
    parent = models[model_id].get("variant_of")
    if parent is None:
        return {}
    if parent not in models or models[parent].get("variant_of"):
        raise SpecError(f"{file.name}: model {model_id} is a variant of {parent}, which is not a main entry there.")
    return {key: value for key, value in models[parent].items() if key not in _OWN}


def _refuse_unknown(entry: dict[str, Any], known: set[str], what: str) -> None:
    unknown = set(entry) - known
    if unknown:
        raise SpecError(f"{what} has unknown keys {sorted(unknown)}; known are {sorted(known)}.")


def _checked[Made](make: Callable[..., Made], file: Path, **settings: Any) -> Made:
    try:
        return make(**settings)
    except (ValueError, TypeError) as wrong:
        raise SpecError(f"{file.name}: {wrong}") from wrong


def _one_of(value: str, known: tuple[str, ...], what: str) -> None:
    if value not in known:
        raise ValueError(f"{what} must be one of {', '.join(filter(None, known))}, got {value!r}.")
