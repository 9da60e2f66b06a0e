"""Codes as words in paper tables, and the SQL parts that several queries share."""

from __future__ import annotations

SPLITS = {
    "all": "All cities",
    "east_vs_cw": "East and Central-West",
    "east_vs_cw_exne": "East and Central-West, no Northeast",
    "cluster": "City clusters and other cities",
    "core": "Core and periphery",
    "four_region": "Four regions",
    "synergy": "High and lower synergy in the base year",
}
EFFECTS = ("direct", "indirect", "total")
TESTS = {
    "lm_lag": "LM lag",
    "lm_err": "LM error",
    "rlm_lag": "Robust LM lag",
    "rlm_err": "Robust LM error",
    "lm_joint": "LM joint",
    "lm_lag_slx": "LM lag, SLX residuals",
    "lm_err_slx": "LM error, SLX residuals",
    "rlm_lag_slx": "Robust LM lag, SLX residuals",
    "rlm_err_slx": "Robust LM error, SLX residuals",
    "lm_joint_slx": "LM joint, SLX residuals",
    "wald_sar": "Wald, SDM to SAR",
    "lr_sar": "LR, SDM to SAR",
    "wald_sem": "Wald, SDM to SEM",
    "lr_sem": "LR, SDM to SEM",
    "lr_ind": "LR, city effects",
    "lr_time": "LR, year effects",
    "f_ind": "F, city effects",
    "f_time": "F, year effects",
    "hausman": "Hausman",
    "mundlak": "Mundlak",
    "moran_residual": "Moran of the residuals",
    "pesaran_cd": "Pesaran CD",
    "squared_correlation": "Squared correlation",
    "modified_wald": "Modified Wald, variances by city",
    "wooldridge_ar1": "Wooldridge, AR(1)",
    "rule_lm_path": "Rule: path of the LM tests",
    "rule_slx_path": "Rule: path from SLX",
    "rule_theta_zero": "Rule: theta = 0",
    "rule_common_factor": "Rule: common factor",
    "rule_verdict": "Model that the rules choose",
}
THRESHOLDS = {
    "hansen": "Own slope (Hansen)",
    "spatial_emitter": "Spillover, synergy of the emitter",
    "spatial_receiver": "Spillover, synergy of the receiver",
}
CLASSES = (
    "extreme_imbalance",
    "severe_imbalance",
    "moderate_imbalance",
    "mild_imbalance",
    "near_imbalance",
    "bare_coordination",
    "primary_coordination",
    "intermediate_coordination",
    "good_coordination",
    "quality_coordination",
)
PATHS = {
    "endogenous_evolution": "Endogenous evolution",
    "gradient_transfer": "Gradient transfer",
    "institutional_spillover": "Institutional spillover",
    "institutional_learning": "Institutional learning",
}
SE_TYPES = {
    "info": "information matrix",
    "qml": "QML sandwich",
    "block_bootstrap": "block bootstrap of cities",
    "cluster": "by city",
}


def names(words: dict[str, str], field: str) -> str:
    """SQL: the word for the code in `field`, else the code."""
    cases = " ".join(f"when '{code}' then '{word}'" for code, word in words.items())
    return f"case {field} {cases} else {field} end"


def place(words: dict[str, str] | tuple[str, ...], field: str) -> str:
    """SQL: where the code stands in the order of `words`."""
    return f"list_position([{', '.join(repr(code) for code in words)}], {field})"


GROUPS = """
    groups as (
        select scheme, group_code, any_value(group_name_en) as name from mart.dim_group_membership group by all
        union all select 'all', 'all', 'All cities'
    )
"""
SLICE = "index_code = $index and basis = $basis and weight_scheme = $scheme"
MODEL = "model_id = $model and basis = $basis"
