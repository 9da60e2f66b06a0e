"""The city-year panel of an export: keys, groups, scores, indicators, each column with a label and a unit."""

from dataclasses import dataclass, field

import duckdb
import pandas as pd

from dagster_project.publish.exhibits.reader import Reader, tables_of
from dagster_project.published import statements

KEYS = {
    "city_id": ("City", "城市标识"),
    "city_code": ("Code, GB/T 2260", "行政区划代码"),
    "name_en": ("Name", "英文名"),
    "name_zh": ("Chinese name", "中文名"),
    "province_code": ("Code of the province", "省份代码"),
    "province_en": ("Province", "省份"),
    "year": ("Statistical year", "年份"),
}
SQL = statements(__file__)


@dataclass(frozen=True)
class CityPanel:
    """`frame`: one row a city and year. `labels`, `units`: of every column. `values`: number -> group, by column.
    `labels_zh`, `values_zh`: the same in Chinese, where there is a Chinese name."""

    frame: pd.DataFrame
    labels: dict[str, str]
    units: dict[str, str]
    values: dict[str, dict[int, str]]
    labels_zh: dict[str, str] = field(default_factory=dict)
    values_zh: dict[str, dict[int, str]] = field(default_factory=dict)


def read_panel(reader: Reader) -> CityPanel:
    """Cities and years with a score of the index of `scope`.

    Columns: keys; group_<scheme> (number, see `values`; empty where the city is in no group that year);
    score_<index> in points (s_<index> where Stata would find the name too long) of the index, its dimensions and tiers
    and of the index that its headline regression explains it by; rank and imputed weight of the index itself; the
    coordination degree where it is computed; every indicator of both indexes, in its own unit, and z_<indicator>,
    scaled to 0-100 so that higher is better; control_<variable>, what the regressions hold constant besides.
    """
    con, scope = reader.con, reader.scope
    frame = con.execute(*reader.ready(SQL["base"])).df()
    words_of: dict[str, tuple[str, str, str]] = {name: (*words, "") for name, words in KEYS.items()}
    words_of |= {
        "rank_year": (f"Rank of {scope.index} in the year", f"当年位次（{scope.index}）", "1 is best"),
        "share_imputed_weight": (f"Weight of imputed values in {scope.index}", "插补值所占权重", "share"),
        "is_provisional": ("Rests on provisional sources", "含初步数据", "1 yes, 0 no"),
    }
    frame, values, values_zh = _with_groups(con, frame)
    schemes = {kind: (english, chinese) for kind, english, chinese in _label(con, "scheme")}
    for name in values:
        english, chinese = schemes.get(code := name.removeprefix("group_"), (code, code))
        words_of[name] = (f"Group: {english}", f"分组：{chinese}", "")
    frame, columns = _with_columns(frame, con.execute(*reader.ready(SQL["scores"])).df())
    titles = {code: (english, chinese) for code, english, chinese in _label(con, "index")}
    for name in columns:
        english, chinese = titles.get(code := name.partition("_")[2], (f"index {code}", code))
        words_of[name] = (f"Score of {english}", f"得分：{chinese}", "points, 0-100 on the base window")
    if "mart_coupling" in reader.tables:
        d = con.execute(*reader.ready(SQL["d"])).df()
        if len(d):
            frame = frame.merge(d.rename(columns={"d": "coupling_d"}), how="left", on=["city_id", "year"])
            words_of["coupling_d"] = ("Coordination degree with production relations", "与生产关系的耦合协调度", "0-1")
    frame, more = _with_indicators(reader, frame)
    frame, controls = _with_controls(con, frame)
    words_of |= more | controls
    labels, labels_zh, units = ({name: words[k] for name, words in words_of.items() if words[k]} for k in range(3))
    return CityPanel(frame, labels, units, values, labels_zh, values_zh)


def _label(con: duckdb.DuckDBPyConnection, kind: str) -> list[tuple[str, str, str]]:
    if "dim_label" not in tables_of(con):
        return []
    return con.execute("select code, name_en, name_zh from mart.dim_label where kind = ?", [kind]).fetchall()


def _with_groups(
    con: duckdb.DuckDBPyConnection, frame: pd.DataFrame
) -> tuple[pd.DataFrame, dict[str, dict[int, str]], dict[str, dict[int, str]]]:
    group_rows = con.execute(SQL["groups"]).df()
    values: dict[str, dict[int, str]] = {}
    values_zh: dict[str, dict[int, str]] = {}
    for scheme, rows in group_rows.groupby("scheme", sort=True):
        codes = {code: k + 1 for k, code in enumerate(sorted(rows["group_code"].unique()))}
        name = f"group_{scheme}"
        for column, group_names in (("group_name_en", values), ("group_name_zh", values_zh)):
            name_of = dict(zip(rows["group_code"], rows[column], strict=True))
            group_names[name] = {number: name_of[code] for code, number in codes.items()}
        both = frame[["city_id", "year"]].merge(rows, on="city_id")
        valid = (both["valid_from"] <= both["year"]) & (both["valid_to"].isna() | (both["year"] <= both["valid_to"]))
        one = both[valid].assign(**{name: lambda rows, codes=codes: rows["group_code"].map(codes).astype("Int8")})
        frame = frame.merge(one[["city_id", "year", name]], how="left", on=["city_id", "year"], validate="1:1")
    return frame, values, values_zh


def _with_columns(frame: pd.DataFrame, long: pd.DataFrame, value: str = "value") -> tuple[pd.DataFrame, list[str]]:
    wide = long.pivot(index=["city_id", "year"], columns="variable", values=value).reset_index()
    names = [str(name) for name in wide.columns if name not in ("city_id", "year")]
    return frame.merge(wide, how="left", on=["city_id", "year"], validate="1:1"), names


def _with_indicators(reader: Reader, frame: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, tuple[str, str, str]]]:
    long = reader.con.execute(*reader.ready(SQL["indicators"])).df()
    frame, columns = _with_columns(frame, long)
    frame, _ = _with_columns(frame, long.assign(variable="z_" + long["variable"]), "z")
    words_of: dict[str, tuple[str, str, str]] = {}
    for code, english, chinese, unit in reader.con.execute(*reader.ready(SQL["named"])).fetchall():
        if code in columns:
            words_of[code] = (english, chinese or "", unit)
            words_of[f"z_{code}"] = (f"Scaled: {english}", f"标准化：{chinese}", "0-100, higher is better")
    return frame, words_of


def _with_controls(
    con: duckdb.DuckDBPyConnection, frame: pd.DataFrame
) -> tuple[pd.DataFrame, dict[str, tuple[str, str, str]]]:
    """What easy.panel_wide has besides; nothing in a file that was published before it was there."""
    if not con.execute(
        "select 1 from information_schema.tables where table_schema = 'easy' and table_name = 'panel_wide'"
    ).fetchall():
        return frame, {}
    long = con.execute(SQL["controls"], {"known": [str(name) for name in frame.columns]}).df()
    frame, columns = _with_columns(frame, long.assign(variable="control_" + long["variable"]))
    words_of = {
        f"control_{code}": (english, chinese, unit)
        for code, english, chinese, unit in con.execute(SQL["control_names"]).fetchall()
    }
    return frame, {name: words_of[name] for name in columns}
