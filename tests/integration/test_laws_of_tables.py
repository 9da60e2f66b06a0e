"""General laws of published tables: what the name of a column, its unit and its words promise holds in every row."""

import re
import shutil

import duckdb

from dagster_project.published import open_read_only

PROBABILITY = r"p|q|q_bh|p_(?!\d).*|.*_p|gini|g_(?!.*corrected).*"
SHARE = r"(.*_)?(share|percent|pct)(_(?!change).*)?"
ENDS = {"lo": "hi", "low": "high", "p05": "p95"}
NO_INTERVAL = r"(mean|slope|band|rank|n)(_.*)?"  # of groups, of colours: low and high are two figures
COUNTED = ("accounts", "count", "days", "km", "km2", "kwh10k", "m3", "person_trips", "persons", "t", "yuan")
DIMENSIONS = {"city_id": "dim_city", "county_id": "dim_county", "indicator_code": "dim_indicator"}
DIMENSIONS |= {"w_code": "dim_weight_matrix", "weight_scheme": "dim_weight_scheme"}
CHOICES = {"index_code", "basis", "weight_scheme", "w_code", "discretisation", "lag", "lag_cuts", "form", "bw_rule"}
CHOICES |= {"weighted"}
SENTENCE = "note|message|evidence|why|.*_(reason|evidence)"
NO_SENTENCE = r"\b(None|NaN|nan|<NA>)\b|  |, ,|^\s*[;,.]|\s$|= -?0\.0000\b|\d\.0*[1-9]\d{8}|\d[eE][+-]\d"
IS_TEST = r"\bp (of|after)\b|sided p\b|p-value"
SUMS = {  # table -> what holds between the columns of every row
    "mart_coupling": "abs(d - sqrt(c * t_index)) < 1e-9",
    "mart_county_inequality": "n_obs = n_unit",
    "mart_county_sum": "abs(ratio - of_counties / of_city) < 1e-9 * ratio",
    "mart_dagum_component": "abs(g_w + g_nb + g_t - g_total) + abs(share_w + share_nb + share_t - 100) < 1e-9",
    "mart_edit_summary": "n_selected <= n_edit and n_edit <= n_figure",
    "mart_index_restatement": "abs(part_revision + part_bounds + part_weights + part_method - total_change) < 1e-9",
    "mart_indicator_coverage": "n_observed + n_imputed + n_missing = n_city",
    "mart_markov_transition": "abs(p - n / n_row) < 1e-9",
    "mart_panel_coef": "abs(z - coef / se) < 1e-9 * (1 + abs(z))",
    "mart_path_summary": "n = round(share * n_group)",
    "mart_robustness": "abs(direct + indirect - total) < 1e-6 * (1 + abs(total))",
    "mart_theil_nested": "abs(between_region + between_province + within_province - total) < 1e-9",
    "mart_threshold_result": "n_threshold > 1 or n_low + n_high = n_obs",
}
TABLES = """
    select schema_name || '.' || table_name, map_from_entries(list((column_name, (data_type, coalesce(comment, '')))))
    from duckdb_columns() where schema_name in ('easy', 'mart') group by 1 order by 1
"""


def laws_of(table, columns):
    """Law -> how many rows break it, in SQL, of the columns of a table: name -> type and comment."""
    mostly = {}
    name = table.partition(".")[2]
    sums = {"figures of a row add up": f"not ({SUMS[name]})"} if name in SUMS else {}
    laws = sums | {f"{c} is a number": f"not isfinite({c})" for c, (kind, _) in columns.items() if kind == "DOUBLE"}
    for c in CHOICES & set(columns) if "is_headline" in columns else ():
        fixed = f"count(distinct {c}) filter (is_headline and {c}::varchar <> 'none') > 1"
        mostly[f"{c} is one in rows of the headline"] = fixed
    is_printed = any("source_cell_id" in c for c in columns)  # a printed unit may have ended
    for c, (kind, words) in columns.items():
        if kind in ("DOUBLE", "INTEGER", "BIGINT"):
            stem, _, end = c.rpartition("_")
            other = f"{stem}_{ENDS.get(end)}".strip("_")
            if re.fullmatch(PROBABILITY, c):
                laws[f"{c} lies in 0..1"] = f"{c} not between 0 and 1"
            lo, hi = (re.sub("p$", limit, c) for limit in ("lo", "hi"))
            if re.fullmatch("(.*_)?p", c) and re.search(IS_TEST, words) and {lo, hi} <= set(columns):
                above, below = f"{c} > 0.06 and ({lo} > 0 or {hi} < 0)", f"{c} < 0.04 and {lo} <= 0 and {hi} >= 0"
                laws[f"{c} and {lo} to {hi} say the same of zero"] = f"{above} or {below}"
            if "unit" in columns and (c == "used_value" or (c == "value" and "used_value" not in columns)):
                laws[f"{c} of what is counted is not below 0"] = f"{c} < 0 and unit in {COUNTED}"
            if re.fullmatch(SHARE, c) and re.search(r"Unit: (percent|1|share)\.$|in percent", words):
                laws[f"{c} is a share"] = f"{c} not between 0 and {100 if 'percent' in words else 1} + 1e-9"
            if re.fullmatch(r"(?!rank_|pct_)(.*_)?year", c):
                laws[f"{c} is a year"] = f"{c} not in (0, 9999) and {c} not between 1949 and 2099"
            if other in columns and not re.fullmatch(NO_INTERVAL, stem):
                laws[f"{c} is below {other}"] = f"{c} > {other} or ({c} is null) <> ({other} is null)"
                if "draws" not in words:  # else a range over choices
                    laws[f"{c} to {other} has a width"] = f"{c} = {other} and {c} <> 0"
                if stem in columns:  # a figure may lie outside the percentiles of its draws, a tenth of all may not
                    outside = f"{stem} not between {c} - 1e-9 and {other} + 1e-9"
                    mostly[f"{stem} is mostly inside {c}"] = f"count(*) filter ({outside}) > count({c}) / 10"
        elif re.fullmatch(SENTENCE, c):
            printed = r"\(printed ''[^'']*''"  # stands as it is
            laws[f"{c} is a sentence"] = f"regexp_matches(regexp_replace({c}, '{printed}', '', 'g'), '{NO_SENTENCE}')"
        elif c.endswith("_en"):
            laws[f"{c} is English"] = f"regexp_matches({c}, '[一-鿿]')"
        elif c in DIMENSIONS and not is_printed:
            laws[f"{c} is known"] = f"{c} <> 'none' and {c} not in (select {c} from mart.{DIMENSIONS[c]})"
    return {law: f"count(*) filter ({condition})" for law, condition in laws.items()} | mostly


def breaches(con):
    result = []
    for table, columns in con.execute(TABLES).fetchall():
        laws = laws_of(table, columns) or {"": "0"}
        counts = con.execute(f"select {', '.join(laws.values())} from {table}").fetchone()
        result += [(table, law) for law, n in zip(laws, counts, strict=True) if n]
    return result


def test_every_published_table_keeps_the_laws_of_its_columns(small_warehouse):
    with open_read_only(small_warehouse.paths.published_file) as con:
        assert breaches(con) == []


BREAKS = {  # statement -> the law that a copy of the file then breaks
    "mart_indicator_coverage set share_imputed = 80.3": "share_imputed is a share",
    "mart_moran_global set lo = 0.5, hi = 0.5": "lo to hi has a width",
    "mart_panel_coef set p = 0.5 where lo > 0": "p and lo to hi say the same of zero",
    "mart_panel_test set note = '; in the longest segment'": "note is a sentence",
    "dim_index set is_headline = basis = 'frozen_2012_2021' and weight_scheme = 'entropy_flat'": (
        "index_code is one in rows of the headline"
    ),
    "mart_indicator_coverage set n_missing = n_missing + 1": "figures of a row add up",
    "mart_index_weight set weight_p05 = 2, weight_p95 = 3": "weight is mostly inside weight_p05",
}


def test_each_kind_of_law_is_broken_by_a_value_that_breaks_it(small_warehouse, tmp_path):
    with duckdb.connect(shutil.copyfile(small_warehouse.paths.published_file, tmp_path / "copy.duckdb")) as con:
        for statement in BREAKS:
            con.execute(f"update mart.{statement}")
        assert set(breaches(con)) == {(f"mart.{statement.split()[0]}", law) for statement, law in BREAKS.items()}
