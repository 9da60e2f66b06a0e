"""Suite `rows`: one row per labelled row of the file. Is every place known, once, and in the right year?"""

from collections.abc import Mapping

import pandas as pd
from great_expectations.core import ExpectationSuite

from expectations.columns import Rule, as_number, must_be_true, must_be_unique, only_where
from expectations.contract import ROW_KINDS, Baseline

NAME = "rows"

CITY_KNOWN = Rule(
    rule_id="row_city_is_known",
    sentence="Every row with numbers belongs to a known place.",
    noun="rows with numbers",
    fault="stand under a name that is no known city, province or heading",
    example="'{city_text}' ({year})",
    advice="Add the spelling to city_alias.csv with a reason, or the city to city.csv.",
)
CITY_ONCE = Rule(
    rule_id="row_city_is_unique",
    sentence="A city appears once in a sheet and year.",
    noun="city rows",
    fault="repeat a city of the same sheet and year",
    example="'{city_text}' {city_id} ({year})",
    advice="Look at both rows: a repeated row needs a correction, a wrong name an entry in city_alias.csv.",
)
YEAR = Rule(
    rule_id="row_year_is_expected",
    sentence="Every city row has a year, and it is the year of the load.",
    noun="city rows",
    fault="have no year, or another year than the load",
    example="'{city_text}' has year {year}",
    advice="Check `data_year` and `keys` in the sidecar, and that the file is the edition you think it is.",
)
LABEL = Rule(
    rule_id="row_label_is_known",
    sentence="Every row without numbers is a known place, heading or note.",
    noun="rows without numbers",
    fault="have an unknown label",
    example="'{city_text}' ({year})",
    advice="Usually a note or a heading; if it is a city, add the spelling to city_alias.csv.",
    severity="warn",
)


def prepare(frames: Mapping[str, pd.DataFrame], baseline: Baseline) -> pd.DataFrame:
    """The `rows` frame with a key for city rows and the true/false columns of the rules."""
    frame = frames["rows"].reset_index(drop=True)
    kind = frame["row_kind"].astype("object")
    is_city = (kind == "city") & frame["city_id"].notna()
    is_placed = is_city | kind.isin([k for k in ROW_KINDS if k not in ("city", "unknown")])
    # A count we do not know is treated as numbers present: the strict reading.
    has_values = as_number(frame["n_values"]).fillna(1) > 0
    frame["is_city_known"] = only_where(has_values, is_placed)
    frame["is_label_known"] = only_where(~has_values, is_placed)
    year = as_number(frame["year"])
    expected = year.notna() if baseline.data_year == 0 else year == baseline.data_year
    frame["is_year_expected"] = only_where(is_city, expected)
    keys = _joined(frame["file"], frame["sheet"], year.astype("Int64"), frame["city_id"])
    frame["city_key"] = only_where(is_city, keys)
    return frame


def _joined(*columns: pd.Series) -> pd.Series:
    """Texts of several columns in one, '?' for a null, separated by ' | '."""
    texts = [column.astype("string").fillna("?") for column in columns]
    joined = texts[0]
    for text in texts[1:]:
        joined = joined + " | " + text
    return joined


def build_suite(baseline: Baseline) -> ExpectationSuite:
    """Expectations on the labelled rows of a load."""
    expectations = [
        must_be_true("is_city_known", CITY_KNOWN),
        must_be_unique("city_key", CITY_ONCE),
        must_be_true("is_year_expected", YEAR),
        must_be_true("is_label_known", LABEL),
    ]
    return ExpectationSuite(name=NAME, expectations=expectations, meta={"suite": NAME})
