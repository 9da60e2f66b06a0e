"""Columns of the tables of disparity and convergence: the same ones, in this order, also when a table is empty."""

import pandas as pd

COLUMNS: dict[str, tuple[str, ...]] = {
    "disparity_summary": (
        "basis", "index_code", "weight_scheme", "year", "scheme", "group_code", "weighted", "n", "mean", "mean_lo",
        "mean_hi", "median", "median_lo", "median_hi", "sd", "sd_lo", "sd_hi", "cv", "cv_lo", "cv_hi", "p10",
        "p10_lo", "p10_hi", "p90", "p90_lo", "p90_hi", "gini", "gini_lo", "gini_hi", "gini_unbiased",
        "gini_unbiased_lo", "gini_unbiased_hi", "theil_t", "theil_t_lo", "theil_t_hi", "theil_l", "theil_l_lo",
        "theil_l_hi", "gini_bca_lo", "gini_bca_hi", "theil_t_bca_lo", "theil_t_bca_hi", "theil_l_bca_lo",
        "theil_l_bca_hi", "gini_band_lo", "gini_band_hi", "n_obs", "seed",
    ),
    "dagum_within": (
        "basis", "index_code", "weight_scheme", "year", "scheme", "group_code", "g_jj", "n_j", "p_j", "s_j", "mean_j",
        "lo", "hi", "n_obs", "seed",
    ),
    "dagum_between": (
        "basis", "index_code", "weight_scheme", "year", "scheme", "group_high", "group_low", "g_jh", "d_jh_gross",
        "q_jh_transvariation", "delta_jh", "rel_affluence_d", "lo", "hi", "d_lo", "d_hi", "n_obs", "seed",
    ),
    "dagum_component": (
        "basis", "index_code", "weight_scheme", "year", "scheme", "g_total", "g_total_lo", "g_total_hi", "g_w",
        "g_w_lo", "g_w_hi", "g_nb", "g_nb_lo", "g_nb_hi", "g_t", "g_t_lo", "g_t_hi", "share_w", "share_w_lo",
        "share_w_hi", "share_nb", "share_nb_lo", "share_nb_hi", "share_t", "share_t_lo", "share_t_hi",
        "g_total_bca_lo", "g_total_bca_hi", "g_w_bca_lo", "g_w_bca_hi", "g_nb_bca_lo", "g_nb_bca_hi", "g_t_bca_lo",
        "g_t_bca_hi", "g_total_band_lo", "g_total_band_hi", "n_obs", "seed",
    ),
    "theil_nested": (
        "basis", "index_code", "weight_scheme", "year", "kind", "sample", "total", "total_lo", "total_hi",
        "total_bca_lo", "total_bca_hi", "between_region", "between_region_lo", "between_region_hi",
        "between_region_bca_lo", "between_region_bca_hi", "share_between_region", "share_between_region_lo",
        "share_between_region_hi", "between_province", "between_province_lo", "between_province_hi",
        "between_province_bca_lo", "between_province_bca_hi", "share_between_province", "share_between_province_lo",
        "share_between_province_hi", "within_province", "within_province_lo", "within_province_hi",
        "within_province_bca_lo", "within_province_bca_hi", "share_within_province", "share_within_province_lo",
        "share_within_province_hi", "has_zero", "n_obs", "seed",
    ),
    "theil_region": (
        "basis", "index_code", "weight_scheme", "year", "kind", "region", "within_region_total",
        "within_region_total_lo", "within_region_total_hi", "between_province_in_region", "within_province_in_region",
        "value_share", "population_share", "contribution", "contribution_lo", "contribution_hi", "n_obs", "seed",
    ),
    "sigma_trend": (
        "basis", "index_code", "weight_scheme", "scheme", "group_code", "first_year", "last_year", "measure", "slope",
        "se_nw", "boot_lo", "boot_hi", "first_last_diff", "diff_lo", "diff_hi", "ck_statistic", "ck_p", "n_obs",
        "n_bootstrap", "verdict", "p", "seed",
    ),
    "group_gradient": (
        "basis", "index_code", "weight_scheme", "scheme", "measure", "period", "group_high", "group_low", "mean_high",
        "mean_low", "diff", "ratio", "t", "p", "lo", "hi", "p_perm", "n_obs", "seed",
    ),
    "kde_curve": (
        "basis", "index_code", "weight_scheme", "grid_id", "x", "density", "bandwidth", "year", "scheme",
        "group_code", "bw_rule", "n_obs", "seed",
    ),
    "kde_feature": (
        "basis", "index_code", "weight_scheme", "year", "scheme", "group_code", "bw_rule", "n_modes", "mode_x",
        "mode_height", "width_half", "right_tail_mass", "tail_from", "bandwidth", "skewness", "p_unimodal",
        "critical_bandwidth", "mass", "n_obs", "seed",
    ),
    "stochastic_kernel": (
        "basis", "index_code", "weight_scheme", "u_id", "v_id", "u", "v", "density_conditional", "density_joint",
        "is_supported", "kind", "lag", "n_obs", "n_city", "density_ergodic", "bandwidth_u", "bandwidth_v", "seed",
    ),
    "beta_convergence": (
        "basis", "index_code", "weight_scheme", "group_code", "estimator", "beta", "se", "lo", "hi", "speed",
        "half_life_years", "n_units", "n_obs", "scheme", "wald", "p_equal", "model_id", "is_headline", "p", "rho",
        "first_year", "last_year", "seed",
    ),
    "club_logt": (
        "basis", "index_code", "weight_scheme", "trend_filter", "stage", "club_id", "n_members", "b", "se", "t",
        "p_value", "speed", "converges", "n_points", "r_trim", "c_star", "is_exploratory", "first_year", "last_year",
        "n_obs", "seed",
    ),
    "club_membership": (
        "basis", "index_code", "weight_scheme", "city_id", "club_id_initial", "club_id_final", "is_divergent",
        "stability_share", "relative_last", "n_draws", "is_exploratory", "n_obs", "seed",
    ),
}  # fmt: skip


def assemble(parts: dict[str, list[pd.DataFrame]], seed: int) -> dict[str, pd.DataFrame]:
    """One frame per table from its parts; empty parts have no say in the types of the columns."""
    tables = {}
    for name, frames in parts.items():
        filled = [frame for frame in frames if not frame.empty]
        whole = pd.concat(filled, ignore_index=True) if filled else pd.DataFrame()
        tables[name] = whole.assign(seed=seed).reindex(columns=list(COLUMNS[name]))
    return tables
