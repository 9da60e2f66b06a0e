"""Panel tables: every regression of the spec file, fitted or skipped with its reason.

What does not belong here: formulas (see python_models.regression), the spec file's text (see the reader of specs).
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
import pandas as pd

from dagster_project.study.tables._model_rows import KEYS, joined, model_keys
from dagster_project.study.tables._panel_data import Frames, Skipped, read_sample, read_weights, with_codes
from dagster_project.study.tables._panel_rows import Job, Tables, run
from dagster_project.study.tables._panel_spec import PanelSpec, PanelVariable
from python_models.regression import PanelInputError

__all__ = ["COLUMNS", "PanelSpec", "PanelVariable", "build_panel_tables"]

COLUMNS = {
    "panel_fit": [
        *KEYS,
        "status",
        "skip_reason",
        "note",
        "lnl",
        "n_used",
        "t_used",
        "first_year",
        "last_year",
        "n_dropped",
        "dropped_cities",
        "k_params",
        "aic",
        "bic",
        "sigma2",
        "r2_within",
        "corr2",
        "rho",
        "lam",
        "rho_lo_bound",
        "rho_hi_bound",
        "converged",
        "grid_max_ok",
        "vif_max",
        "cd_stat",
        "cd_p",
        "resid_moran_p",
        "logdet_method",
        "w_sha256",
        "n_obs",
        "seed",
    ],
    "panel_coef": [
        *KEYS,
        "term",
        "role",
        "coef",
        "se",
        "se_type",
        "se_info",
        "se_qml",
        "se_boot",
        "z",
        "p",
        "lo",
        "hi",
        "n_obs",
        "seed",
    ],
    "panel_effect": [
        *KEYS,
        "variable",
        "effect",
        "horizon",
        "point",
        "mean_draws",
        "se_sim",
        "lo",
        "hi",
        "p",
        "se_delta",
        "share_rejected_draws",
        "standardised",
        "flag",
        "n_obs",
        "seed",
    ],
    "panel_effect_city": [
        *KEYS,
        "variable",
        "city_id",
        "own",
        "own_se",
        "received",
        "received_se",
        "emitted",
        "emitted_se",
        "n_obs",
        "seed",
    ],
    "panel_test": [*KEYS, "test_code", "statistic", "df", "df_denominator", "p", "outcome", "note", "n_obs", "seed"],
    "dynamic_effect": [
        *KEYS,
        "kind",
        "is_headline",
        "variable",
        "effect",
        "horizon",
        "point",
        "se",
        "lo",
        "hi",
        "p",
        "tau",
        "eta",
        "rho",
        "spectral_radius",
        "bias_corrected",
        "n_obs",
        "seed",
    ],
    "iv_diagnostic": [
        *KEYS,
        "endogenous",
        "first_stage_f",
        "kp_f",
        "is_weak",
        "hansen_j",
        "hansen_df",
        "hansen_p",
        "ar_lo",
        "ar_hi",
        "n_instruments",
        "note",
        "n_obs",
        "seed",
    ],
    "gmm_diagnostic": [
        *KEYS,
        "kind",
        "n_instruments",
        "n_city",
        "hansen_j",
        "hansen_df",
        "hansen_p",
        "ar1_z",
        "ar1_p",
        "ar2_z",
        "ar2_p",
        "tau",
        "tau_se",
        "eta",
        "eta_se",
        "rho",
        "rho_se",
        "spectral_radius",
        "endogenous",
        "instruments",
        "n_obs",
        "seed",
    ],
    "model_spec": [
        "model_id",
        "title",
        "method",
        "model_type",
        "y_code",
        "y_unit",
        "x_codes",
        "control_codes",
        "w_code",
        "fe",
        "estimator",
        "se_type",
        "basis_wanted",
        "first_year",
        "last_year",
        "lag_years",
        "sample_filter",
        "regime_scheme",
        "instrument",
        "is_headline",
        "variant_of",
        "change",
        "status",
        "skip_reason",
        "spec_hash",
    ],
}


def build_panel_tables(
    frames: Frames, specs: Sequence[PanelSpec], *, seed: int, draws: int = 2000
) -> dict[str, pd.DataFrame]:
    """Tables of COLUMNS, one block of rows per spec.

    Frames: `scores`, `indicators`, `contributions`, `city`, `groups`, `neighbours`, `mass`. A spec whose variables or
    weights are absent, or whose data the estimator refuses, has status `skipped` and a reason; it never stops the
    others. Each model draws from a generator of its own, so adding an entry changes no other number.
    """
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in COLUMNS}
    frames = with_codes(frames)
    for spec in specs:
        reason = ""
        try:
            tables = _one(frames, spec, seed, draws)
        except (Skipped, PanelInputError) as refused:  # anything else is a fault of the program and ends the run
            reason = str(refused)
            tables = {"panel_fit": _skipped(frames, spec, reason, seed)}
        for name, table in tables.items():
            parts[name].append(table.reindex(columns=COLUMNS[name]))
        parts["model_spec"].append(_spec_row(spec, reason))
    return {name: joined(rows, COLUMNS[name]) for name, rows in parts.items()}


def _one(frames: Frames, spec: PanelSpec, seed: int, draws: int) -> Tables:
    sample = read_sample(frames, spec)
    weights = read_weights(frames, spec, sample)
    rng = np.random.default_rng([seed, zlib.crc32(spec.model_id.encode())])
    tables = run(Job(spec, sample, weights, rng, draws))
    n, t = sample.y.shape
    keys = model_keys(spec, sample.basis)
    about = {
        "status": "fitted",
        "skip_reason": "",
        "n_used": n,
        "t_used": t,
        "first_year": sample.years[0],
        "last_year": sample.years[-1],
        "n_dropped": len(sample.dropped),
        "dropped_cities": ", ".join(sample.dropped),
        "w_sha256": weights.key,
    }
    tables["panel_fit"] = tables["panel_fit"].assign(**about)
    return {name: table.assign(**keys, n_obs=n * t, seed=seed) for name, table in tables.items()}


def _skipped(frames: Frames, spec: PanelSpec, reason: str, seed: int) -> pd.DataFrame:
    bases = frames["scores"]["basis"].dropna().unique()
    basis = next((str(b) for b in sorted(bases) if str(b).startswith(spec.basis)), spec.basis)
    row = {**model_keys(spec, basis), "status": "skipped", "skip_reason": reason, "converged": False, "seed": seed}
    return pd.DataFrame([row])


def _spec_row(spec: PanelSpec, reason: str) -> pd.DataFrame:
    row = {
        "model_id": spec.model_id,
        "title": spec.title,
        "method": spec.method,
        "model_type": spec.model,
        "y_code": spec.y.name,
        "y_unit": spec.y.unit,
        "x_codes": [v.name for v in spec.x],
        "control_codes": [v.name for v in spec.controls],
        "w_code": spec.w_code,
        "fe": spec.effects,
        "estimator": spec.estimator,
        "se_type": spec.cov,
        "basis_wanted": spec.basis,
        "first_year": spec.years[0],
        "last_year": spec.years[1],
        "lag_years": spec.lag,
        "sample_filter": ", ".join(spec.sample) or "all",
        "regime_scheme": "",
        "instrument": ", ".join(v.name for v in spec.external) or spec.instrument,
        "is_headline": spec.is_headline,
        "variant_of": spec.variant_of,
        "change": spec.change,
        "status": "skipped" if reason else "fitted",
        "skip_reason": reason,
        "spec_hash": spec.spec_hash,
    }
    return pd.DataFrame([row])
