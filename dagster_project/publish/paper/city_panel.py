"""The city-year panel of an export: keys, groups, scores, indicators, each column with a label and a unit."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import pandas as pd

from dagster_project.publish.exhibits.reader import Reader

KEYS = {
    "city_id": "City",
    "city_code": "Code, GB/T 2260",
    "name_en": "Name",
    "name_zh": "Chinese name",
    "province_code": "Code of the province",
    "province_en": "Province",
    "year": "Statistical year",
}
BASE_SQL = """
select s.city_id, c.city_code, c.name_en, c.name_zh, c.province_code, c.province_en, s.year, s.rank_year,
    s.share_imputed_weight, s.is_provisional::tinyint as is_provisional
from mart.mart_index_score as s join mart.dim_city as c using (city_id)
where s.index_code = $index and s.basis = $basis and s.weight_scheme = $scheme
order by s.city_id, s.year
"""
SPECS_SQL = "select unnest([$index, (select x_codes[1] from mart.dim_model_spec where model_id = $model)])"
SCORES_SQL = f"""
select case when length(index_code) > 26 then 's_' else 'score_' end || index_code as variable, city_id, year,
    score_100 as value
from mart.mart_index_score
where basis = $basis and weight_scheme = $scheme and score is not null and spec_code in ({SPECS_SQL})
"""
INDICATORS_SQL = f"""
select indicator_code as variable, city_id, year, any_value(value_raw) as value from mart.mart_indicator_value
where basis = $basis and index_code in ({SPECS_SQL}) group by all
"""
NAMED_SQL = f"""
select indicator_code, any_value(name_en), any_value(unit) from mart.dim_indicator
where index_code in ({SPECS_SQL}) group by 1
"""
GROUPS_SQL = """
select scheme, city_id, valid_from, valid_to, group_code, group_name_en from mart.dim_group_membership order by all
"""
D_SQL = """
select city_id, year, d from mart.mart_coupling
where index_code = $index and basis = $basis and weight_scheme = $scheme and form = 'corrected' and scale = 'minmax01'
"""


@dataclass(frozen=True)
class CityPanel:
    """`frame`: one row a city and year. `labels`, `units`: of every column. `values`: number -> group, by column."""

    frame: pd.DataFrame
    labels: dict[str, str]
    units: dict[str, str]
    values: dict[str, dict[int, str]]


def read_panel(reader: Reader) -> CityPanel:
    """Cities and years with a score of the index of `scope`.

    Columns: keys; group_<scheme> (number, see `values`; empty where the city is in no group that year);
    score_<index> in points (s_<index> where Stata would find the name too long) of the index, its dimensions and tiers
    and of the index that its headline regression explains it by; rank and imputed weight of the index itself; the
    coordination degree where it is computed; every indicator of both indexes, in its own unit.
    """
    con, scope = reader.con, reader.scope
    frame = con.execute(*reader.ready(BASE_SQL)).df()
    labels = {
        **KEYS,
        "rank_year": f"Rank of {scope.index} in the year",
        "share_imputed_weight": f"Weight of imputed values in {scope.index}",
        "is_provisional": "Rests on provisional sources",
    }
    units = {"rank_year": "1 is best", "share_imputed_weight": "share", "is_provisional": "1 yes, 0 no"}
    frame, values = _with_groups(con, frame)
    schemes = reader.names("scheme")
    labels |= {name: f"Group: {schemes.get(code := name.removeprefix('group_'), code)}" for name in values}
    scores = con.execute(*reader.ready(SCORES_SQL)).df()
    frame, found = _joined(frame, scores)
    labels |= {name: f"Score of index {name.partition('_')[2]}" for name in found}
    units |= dict.fromkeys(found, "points, 0-100 on the base window")
    if "mart_coupling" in reader.tables:
        d = con.execute(*reader.ready(D_SQL)).df()
        if len(d):
            frame = frame.merge(d.rename(columns={"d": "coupling_d"}), how="left", on=["city_id", "year"])
            labels["coupling_d"], units["coupling_d"] = "Coordination degree with production relations", "0-1"
    return _with_indicators(reader, CityPanel(frame, labels, units, values))


def _with_groups(con: duckdb.DuckDBPyConnection, frame: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, dict[int, str]]]:
    known = con.execute(GROUPS_SQL).df()
    values: dict[str, dict[int, str]] = {}
    for scheme, rows in known.groupby("scheme", sort=True):
        codes = {code: k + 1 for k, code in enumerate(sorted(rows["group_code"].unique()))}
        name = f"group_{scheme}"
        named = dict(zip(rows["group_code"], rows["group_name_en"], strict=True))
        values[name] = {number: named[code] for code, number in codes.items()}
        both = frame[["city_id", "year"]].merge(rows, on="city_id")
        valid = (both["valid_from"] <= both["year"]) & (both["valid_to"].isna() | (both["year"] <= both["valid_to"]))
        one = both[valid].assign(**{name: lambda rows, codes=codes: rows["group_code"].map(codes).astype("Int8")})
        frame = frame.merge(one[["city_id", "year", name]], how="left", on=["city_id", "year"], validate="1:1")
    return frame, values


def _joined(frame: pd.DataFrame, long: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    wide = long.pivot(index=["city_id", "year"], columns="variable", values="value").reset_index()
    names = [str(name) for name in wide.columns if name not in ("city_id", "year")]
    return frame.merge(wide, how="left", on=["city_id", "year"], validate="1:1"), names


def _with_indicators(reader: Reader, panel: CityPanel) -> CityPanel:
    frame, found = _joined(panel.frame, reader.con.execute(*reader.ready(INDICATORS_SQL)).df())
    named = reader.con.execute(*reader.ready(NAMED_SQL)).fetchall()
    labels = {code: name for code, name, _ in named if code in found}
    units = {code: unit for code, _, unit in named if code in found}
    return CityPanel(frame, panel.labels | labels, panel.units | units, panel.values)
