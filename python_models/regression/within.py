"""Removal of fixed effects from a balanced panel. The only place that knows what each kind of effect subtracts."""

from __future__ import annotations

from python_models._types import FloatArray
from python_models.regression.errors import PanelInputError

EFFECTS = ("none", "entity", "time", "twoways")


def has_entity(effects: str) -> bool:
    """True if city effects are removed."""
    return effects in ("entity", "twoways")


def has_time(effects: str) -> bool:
    """True if year effects are removed."""
    return effects in ("time", "twoways")


def within(values: FloatArray, effects: str) -> FloatArray:
    """`values` (N, T) or (N, T, k) without their fixed effects; a new array of the same shape.

    twoways : a_it - a_i. - a_.t + a_..      entity : a_it - a_i.
    time    : a_it - a_.t                    none   : a_it - a_.. (the model has one intercept)
    This is the orthogonal projection Q = M of the dummies (balanced panel). Raises PanelInputError for an unknown kind.
    """
    check_effects(effects)
    if effects == "none":
        return values - values.mean(axis=(0, 1), keepdims=True)
    out = values - values.mean(axis=1, keepdims=True) if has_entity(effects) else values
    return out - out.mean(axis=0, keepdims=True) if has_time(effects) else out


def check_effects(effects: str) -> None:
    """Raise PanelInputError when `effects` is not one of EFFECTS."""
    if effects not in EFFECTS:
        raise PanelInputError(f"effects must be one of {', '.join(EFFECTS)}, got {effects!r}.")
