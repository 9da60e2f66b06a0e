"""Rows of the robustness table: what each variant of a headline regression finds beside its headline."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from python_models.influence.specification_curve import curve_summary, specification_curve

EFFECTS = ("direct", "indirect", "total")
SHOWN_HORIZON = {"static": "static", "dynamic": "long", "gmm": "long"}
NO_EFFECTS = "effects are not made for this method: compare beta and theta"


def robustness_rows(frames: Mapping[str, pd.DataFrame]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(runs, summary) from `model_spec`, `panel_fit`, `panel_effect`, `panel_coef`.

    runs: one row per headline and variant; the effects are those of the first regressor of interest, of a dynamic
    regression the long-run ones. Place on the curve: standardised effects; where a run has none but the y and x of its
    headline, its effect in the headline's standard deviations; a placebo has none. summary: one row per headline and
    effect, placebos not counted.
    """
    spec = frames["model_spec"]
    runs, summaries = [], []
    for headline in spec[spec["is_headline"]].to_dict("records"):
        family = spec[(spec["model_id"] == headline["model_id"]) | (spec["variant_of"] == headline["model_id"])]
        rows = pd.DataFrame([_run(frames, one, headline) for one in family.to_dict("records")])
        top = rows[rows["run_id"] == headline["model_id"]].iloc[0]
        fitted = rows["status"] == "fitted"
        is_placebo = rows["change_axis"] == "placebo"  # shown, but no specification of the effect
        for effect in EFFECTS:
            scale = _scaled(rows, effect, top)
            curve = specification_curve(
                rows[effect].mask(is_placebo), rows[f"{effect}_p"], headline=float(top[effect]), comparable=scale
            )
            rows[f"{effect}_standardised"] = scale
            for name in curve:
                rows[f"{effect}_{name}"] = curve[name]
            variant = fitted & (rows["run_id"] != headline["model_id"])
            about = {"model_id": headline["model_id"], "basis": top["basis"], "effect": effect}
            keys = {name: top[name] for name in ("index_code", "weight_scheme")}
            numbers = curve_summary(curve[variant], scale[variant])
            counts = {"n_skipped": int((~fitted).sum()), "n_obs": top["n_obs"]}
            summaries.append({**keys, **about, **numbers, **counts})
        rows["sign_agrees"] = _both(rows, "sign_agrees")
        rows["significant_5"] = _both(rows, "significant_5")
        runs.append(rows)
    if not runs:
        return pd.DataFrame(), pd.DataFrame()
    return pd.concat(runs, ignore_index=True), pd.DataFrame(summaries)


def _run(
    frames: Mapping[str, pd.DataFrame], one: dict[Hashable, Any], headline: dict[Hashable, Any]
) -> dict[str, object]:
    fit = frames["panel_fit"]
    own = fit[fit["model_id"] == one["model_id"]].iloc[0]
    axis, _, value = str(one["change"] or "headline").partition(": ")
    x = next(iter(one["x_codes"]))
    row: dict[str, object] = {
        "basis": own["basis"],
        "index_code": own["index_code"],
        "weight_scheme": own["weight_scheme"],
        "model_id": headline["model_id"],
        "run_id": one["model_id"],
        "change_axis": axis,
        "change_value": value or axis,
        "method": one["method"],
        "status": one["status"],
        "skip_reason": one["skip_reason"] or "",
        "variable": x,
        "rho": own["rho"],
        "n_obs": own["n_obs"],
        "seed": own["seed"],
        "note": "",
        "is_same_scale": one["y_code"] == headline["y_code"] and list(one["x_codes"]) == list(headline["x_codes"]),
    }
    row |= dict.fromkeys((f"{e}{part}" for e in EFFECTS for part in ("", "_se", "_p", "_sd")), np.nan)
    row |= _coefficients(frames["panel_coef"], str(one["model_id"]), x)
    effect = frames["panel_effect"]
    found = effect[
        (effect["model_id"] == one["model_id"])
        & (effect["variable"] == x)
        & (effect["horizon"] == SHOWN_HORIZON.get(str(one["method"]), ""))
    ]
    for e in found.to_dict("records"):
        name = e["effect"]
        se = e["se_sim"] if pd.notna(e["se_sim"]) else e["se_delta"]
        row |= {name: e["point"], f"{name}_se": se, f"{name}_p": e["p"], f"{name}_sd": e["standardised"]}
    if found.empty and one["status"] == "fitted":
        row["note"] = NO_EFFECTS
    return row


def _coefficients(coef: pd.DataFrame, model_id: str, x: str) -> dict[str, float]:
    own = coef[coef["model_id"] == model_id].set_index("term")
    values = own[["coef", "se"]].astype(float).reindex([x, f"W:{x}"]).to_numpy()
    return {"beta": values[0, 0], "beta_se": values[0, 1], "theta": values[1, 0], "theta_se": values[1, 1]}


def _scaled(rows: pd.DataFrame, effect: str, top: pd.Series) -> pd.Series:
    """Standardised effects; for runs without one on the headline's scale, by its ratio."""
    own = rows[f"{effect}_sd"].astype(float)
    if not top[effect] or pd.isna(top[effect]):
        return own
    ratio = float(top[f"{effect}_sd"] / top[effect])
    return own.where(own.notna() | ~rows["is_same_scale"], rows[effect] * ratio)


def _both(rows: pd.DataFrame, flag: str) -> pd.Series:
    """True if direct and indirect both are; missing where neither is known (an effect of zero by construction)."""
    parts = rows[[f"direct_{flag}", f"indirect_{flag}"]].astype("boolean")
    return parts.all(axis=1, skipna=True).astype("boolean").where(parts.notna().any(axis=1))
