"""Reads specs/panel.yml into frozen specs. Unknown keys, unknown variables and unknown parents are errors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from dagster_project.study.specs.schema import SpecError
from dagster_project.study.tables.panel import PanelSpec, PanelVariable

_KEYS = {
    "title",
    "y",
    "x",
    "controls",
    "w",
    "method",
    "model",
    "effects",
    "estimator",
    "cov",
    "basis",
    "years",
    "lag",
    "sample",
    "boot_draws",
    "with_tests",
    "is_headline",
    "instrument",
    "variant_of",
    "change",
    "winsor",
}
_OWN = {"is_headline", "with_tests", "boot_draws", "change", "variant_of"}  # never inherited from a parent
_VARIABLE_KEYS = {"source", "code", "unit", "scale", "transform", "winsor", "weight_scheme", "without"}


def read_panel_specs(file: Path, *, block_bootstrap: int = 2) -> list[PanelSpec]:
    """All regressions of the file in its order, variants resolved against their parents.

    block_bootstrap: panels where an entry says `boot_draws: depth`; who only reads what is estimated needs no number.
    """
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    variables = {name: _variable(name, entry, file) for name, entry in content["variables"].items()}
    models: dict[str, dict[str, Any]] = content["models"]
    for entry in models.values():
        if entry.get("boot_draws") == "depth":
            entry["boot_draws"] = block_bootstrap
    return [_spec(model_id, models, content.get("defaults", {}), variables, file) for model_id in models]


def _variable(name: str, entry: dict[str, Any], file: Path) -> PanelVariable:
    _refuse_unknown(entry, _VARIABLE_KEYS, f"{file.name}: variable {name}")
    missing = {"source", "code", "unit"} - set(entry)
    if missing:
        raise SpecError(f"{file.name}: variable {name} needs {', '.join(sorted(missing))}.")
    return _checked(lambda: PanelVariable(name=name, **entry), file)


def _spec(
    model_id: str,
    models: dict[str, dict[str, Any]],
    defaults: dict[str, Any],
    variables: dict[str, PanelVariable],
    file: Path,
) -> PanelSpec:
    entry = models[model_id]
    _refuse_unknown(entry, _KEYS, f"{file.name}: model {model_id}")
    settings = {**defaults, **_parent(model_id, models, file), **entry}
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
    columns = {
        "y": find(settings.pop("y")),
        "x": tuple(find_cut(name) for name in settings.pop("x")),
        "controls": tuple(find_cut(name) for name in settings.pop("controls", [])),
    }
    if settings.get("variant_of") and "title" not in entry:
        settings["title"] = f"{settings['title']}; {settings['change']}"
    settings.update(years=tuple(settings["years"]), sample=tuple(settings.get("sample", ())))
    return _checked(lambda: PanelSpec(model_id=model_id, w_code=settings.pop("w"), **columns, **settings), file)


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


def _checked[Made](make: Any, file: Path) -> Made:
    try:
        made: Made = make()
    except (ValueError, TypeError) as wrong:
        raise SpecError(f"{file.name}: {wrong}") from wrong
    return made
