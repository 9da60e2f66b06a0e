"""What was read of a load: headers, labelled rows, tables, variables, and figures that are not used as printed.

Each function prepares the frame of its name (`frame` in gate_rule.csv): a column a rule, null where it does not apply.
"""

import pandas as pd

from expectations import paste
from expectations.columns import as_flag, as_number, joined, only_where
from expectations.contract import ROW_KINDS, Baseline, Frames


def headers(frames: Frames, baseline: Baseline) -> pd.DataFrame:
    """One row per column of the file. Do we know what each column means and in which unit?"""
    frame = frames["headers"].reset_index(drop=True)
    is_known, unit_known = as_flag(frame["is_known"]), as_flag(frame["is_unit_known"])
    # A column nobody reads may have any unit; an unknown column or unit is reported once, as unknown.
    is_read = is_known & (frame["variable_code"] != "ignore")
    meaning = joined(*(frame[name] for name in ("file", "sheet", "variable_code", "scope")))
    frame["weighs"] = _weighs(frame, baseline)
    frame["header_is_known"] = is_known
    frame["header_meaning_is_unique"] = only_where(is_read, meaning)
    frame["header_unit_is_known"] = only_where(is_read, unit_known)
    frame["header_unit_is_consistent"] = only_where(is_read & unit_known, as_flag(frame["is_unit_consistent"]))
    return frame


def _weighs(headers: pd.DataFrame, baseline: Baseline) -> list[bool]:
    """Whether an index uses the column; of one that is asked about counts what its words say."""
    probable = headers["variable_code"].fillna(headers["words_code"])
    return [baseline.weighs(*one) for one in zip(probable, headers["scope"], strict=True)]


def rows(frames: Frames, baseline: Baseline) -> pd.DataFrame:
    """One row per labelled row of the file. Is every place known, once, and in the right year?"""
    frame = frames["rows"].reset_index(drop=True)
    kind = frame["row_kind"].astype("object")
    is_city = (kind == "city") & frame["city_id"].notna()
    is_placed = is_city | kind.isin([k for k in ROW_KINDS if k not in ("city", "unknown")])
    # A count we do not know is treated as numbers present: the strict reading.
    has_values = as_number(frame["n_values"]).fillna(1) > 0
    year = as_number(frame["year"])
    expected = year.notna() if baseline.data_year == 0 else year == baseline.data_year
    frame["row_city_is_known"] = only_where(has_values, is_placed)
    frame["row_label_is_known"] = only_where(~has_values, is_placed)
    frame["row_year_is_expected"] = only_where(is_city, expected)
    keys = joined(frame["file"], frame["sheet"], year.astype("Int64"), frame["city_id"])
    frame["row_city_is_unique"] = only_where(is_city, keys)
    frame["row_city_is_read_by_name"] = only_where(is_city, frame["evidence"].isna())
    return frame


def tables(frames: Frames, baseline: Baseline) -> pd.DataFrame:
    """One row per table and year. Are the cities there, as many as expected, and with numbers?

    A table is a sheet, or the sheets of a file that continue each other: the same columns over other cities. One
    without any city row has year null. n_cities: distinct cities, null where there is none (reported by its own rule).
    """
    headers, rows, values = frames["headers"], frames["rows"], frames["values"]
    sheets = pd.concat([headers[["file", "sheet"]], rows[["file", "sheet"]]]).drop_duplicates()
    meaning = joined(headers["variable_code"], headers["scope"])
    heads = (
        headers[["file", "sheet"]]
        .assign(table=meaning, weighs=_weighs(headers, baseline))
        .drop_duplicates()
        .sort_values("table")
    )
    columns = heads.groupby(["file", "sheet"]).agg({"table": " ".join, "weighs": "any"}).reset_index()
    tables = sheets.merge(columns, on=["file", "sheet"], how="left")
    tables["table"] = tables["table"].fillna(tables["sheet"])
    tables["weighs"] = as_flag(tables["weighs"], when_null=True)
    cities = rows[(rows["row_kind"] == "city") & rows["city_id"].notna()].merge(tables, on=["file", "sheet"])
    # A city row without a year is reported by `row_year_is_expected`; its table is not without cities.
    keys = ["file", "table"]
    counts = cities.groupby([*keys, "year"], dropna=False)["city_id"].nunique().rename("n_cities").reset_index()
    frame = tables.drop_duplicates(keys).merge(counts, on=keys, how="left").reset_index(drop=True)
    frame["n_cities"] = as_number(frame["n_cities"])
    frame["rows_min"], frame["rows_max"] = baseline.rows_min, baseline.rows_max
    has_cities = frame["n_cities"].notna()
    frame["table_has_cities"] = has_cities
    is_expected = frame["n_cities"].between(baseline.rows_min, baseline.rows_max)
    frame["table_city_count_is_expected"] = only_where(has_cities, is_expected)
    year = as_number(frame["year"])
    per_year = as_number(values["value"]).notna().groupby(as_number(values["year"])).sum()
    # numbers of that year anywhere in the load
    frame["year_has_numbers"] = year.map(per_year).fillna(0).where(year.notna()).astype("float64")
    return frame


def coverage(frames: Frames, baseline: Baseline) -> pd.DataFrame:
    """One row per variable that the load has, or must have, a column for. Do enough cities have a number?

    coverage = city-years with a number in any scope / city-years of the load. Years without a single number
    are left out (they have their own rule); a variable without a column has no coverage.
    """
    values, rows, headers = frames["values"], frames["rows"], frames["headers"]
    numbers = values[as_number(values["value"]).notna()]
    years = set(as_number(numbers["year"]).dropna())
    is_city = (rows["row_kind"] == "city") & rows["city_id"].notna() & as_number(rows["year"]).isin(years)
    places = rows.loc[is_city, ["city_id", "year"]].drop_duplicates()
    counts = numbers.drop_duplicates(["variable_code", "city_id", "year"]).groupby("variable_code").size()
    present = {str(code) for code in [*headers["variable_code"].dropna(), *counts.index]} - {"ignore"}
    codes = sorted(present | set(baseline.required_variables))
    frame = pd.DataFrame({"variable_code": pd.Series(codes, dtype="object")})
    is_needed = frame["variable_code"].isin(baseline.required_variables)
    # a person has decided to go on without the column of this year
    is_left_out = frame["variable_code"].isin(set(headers["variable_left_out"].dropna()) - present)
    has_column = frame["variable_code"].isin(present)
    frame["n_city_rows"] = len(places)
    frame["n_numbers"] = frame["variable_code"].map(counts).fillna(0).astype("int64")
    share = as_number(frame["n_numbers"] / len(places) if len(places) else frame["n_numbers"] * float("nan"))
    frame["coverage"], frame["min_coverage"] = share, baseline.min_coverage
    frame["required_variable_has_column"] = only_where(is_needed & ~is_left_out, has_column)
    frame["required_variable_is_not_left_out"] = only_where(is_needed, ~is_left_out)
    frame["coverage_of_required_variable"] = share.where(is_needed & ~is_left_out & has_column)
    frame["coverage_of_required_variable_limit"] = baseline.min_coverage
    frame["coverage_of_other_variable"] = share.where(~is_needed)
    return frame


def edits(frames: Frames, baseline: Baseline) -> pd.DataFrame:
    """One row per figure that cannot be right beside what is used in its place, the most influential first, with the
    row of correction.csv that keeps it.
    """
    frame = frames["edits"].reset_index(drop=True)
    frame = frame.astype({"printed_value": "float64", "used_value": "float64"})
    frame["figure_is_used_as_printed"] = frame["printed_value"] == frame["used_value"]
    keep = [
        paste.keep_row(baseline.source, {str(k): v for k, v in row.items()}, "reviewed: as the page prints it")
        for row in frame.to_dict("records")
    ]
    return frame.assign(paste_into=paste.CORRECTION, paste_rows=pd.Series(keep, index=frame.index, dtype="object"))
