"""A small clean load (12 cities, four variables, one sheet, data year 2019); each test breaks one thing."""

import numpy as np
import pandas as pd
from dbt_models import DBT
from text_table import frame_of

from expectations import Baseline
from expectations.contract import FRAME_COLUMNS, Frames

FILE, SHEET, YEAR = "yearbook_2019.xlsx", "Sheet1", 2019
CITIES = (
    *("北京市", "天津市", "石家庄市", "唐山市", "秦皇岛市", "邯郸市"),
    *("邢台市", "保定市", "张家口市", "承德市", "沧州市", "廊坊市"),
)
# what every row of a sound load says
PLACE = {"file": FILE, "sheet": SHEET}
SOUND_HEADER = {
    "variable_left_out": None,
    "words_code": None,
    "is_known": True,
    "is_unit_known": True,
    "is_unit_consistent": True,
}
SOUND_VALUE = {
    "is_number": True,
    "is_corrected": False,
    "min_rho": None,
    "reading": None,
    "litter": None,
    "pattern": None,
}
VARIABLES = frame_of("""
code                   column  path                        unit  level     low     high       kind
gdp_nom                B       2-10_地区生产总值_/_全市    万元  30000000  100000  500000000  flow
population_registered  C       2-1_人口数_/_全市           万人  5000000   100000  40000000   stock
wage_avg_nom           D       2-9_平均工资_/_全市         元    70000     10000   300000     rate
mobile_subscribers     E       2-15_移动电话_/_全市        万户  6000000   10000   60000000   stock
""").replace({"path": {"_": " "}}, regex=True)
UNITS = frame_of("""
symbol  canonical  factor
万元    yuan10k         1
亿元    yuan10k     10000
人      persons         1
万人    persons     10000
元      yuan            1
%       percent         1
""")
RULES = pd.read_csv(DBT / "seeds" / "gate_rule.csv")
FILLS = pd.read_csv(DBT / "seeds" / "edit_rule.csv").query("rule == 'E7'")
PARAMETERS = pd.concat([pd.read_csv(DBT / "seeds" / "gate_parameter.csv"), FILLS])[["parameter", "value"]]
LIMITS = Frames({"parameters": PARAMETERS}).limits
BASELINE = Baseline(
    source="yearbook",
    data_year=YEAR,
    rows_min=11,
    rows_max=13,
    required_variables=("gdp_nom", "population_registered"),
    min_coverage=0.9,
    jump_limit_log=1.0,
)


def clean_load(years: tuple[int, ...] = (YEAR,)) -> dict[str, pd.DataFrame]:
    """The frames of a load that breaks no rule: larger cities come later in the list, and grow a little faster."""
    places = pd.DataFrame([(year, number) for year in years for number in range(len(CITIES))], columns=["year", "n"])
    places = places.assign(row_no=places.index + 6, city_id="CN" + (110000 + places["n"]).astype(str))
    cells = places.merge(VARIABLES, how="cross")
    level, growth = cells["level"] * (1 + cells["n"] / 20), 1.05 + cells["n"] / 1000
    value = level * growth ** (cells["year"] - YEAR)
    values = cells[["city_id", "year", "unit", "kind"]].assign(
        city_name=[CITIES[n] for n in cells["n"]],
        variable_code=cells["code"],
        scope="city",
        value=value,
        text=value.map("{:.0f}".format),
        cell=cells["column"] + cells["row_no"].astype(str),
        band_low=cells["low"],
        band_high=cells["high"],
        median_low=cells["level"] / 5,
        median_high=cells["level"] * 5.0,
        province_id="130000",
        value_last=level * growth ** (cells["year"] - 1 - YEAR),
        year_last=cells["year"] - 1,
        **PLACE,
        **SOUND_VALUE,
    )
    rows = places[["row_no", "city_id", "year"]].assign(
        cell="A" + places["row_no"].astype(str),
        city_text=[f" {CITIES[n]}" for n in places["n"]],
        row_kind="city",
        n_values=len(VARIABLES),
        evidence=None,
        **PLACE,
    )
    last = values[list(FRAME_COLUMNS["last"])].drop_duplicates(["city_id", "variable_code", "scope"], keep="last")
    identities = pd.DataFrame(columns=FRAME_COLUMNS["identities"])
    return frames_of(VARIABLES.rename(columns={"code": "variable_code"}), rows, values, last, identities)


def frames_of(heads, rows, values, last, identities) -> dict[str, pd.DataFrame]:
    """heads: path, unit, variable_code and scope of each column, from column 2 on."""
    keys = {"header_path": heads["path"], "header_key": heads["path"].str.replace(" ", "")}
    headers = pd.DataFrame({**keys, **heads[["unit", "variable_code"]]}).assign(
        scope=heads.get("scope", "city"), header_unit=heads.get("header_unit", heads["unit"]), **PLACE, **SOUND_HEADER
    )
    headers["col_no"] = headers.index + 2
    nothing = {name: pd.DataFrame(columns=FRAME_COLUMNS[name]) for name in ("totals", "across", "edits")}
    read = {"headers": headers, "rows": rows, "values": values, "last": last, "identities": identities}
    return {**read, **nothing, "units": UNITS.copy(), "rules": RULES, "parameters": PARAMETERS}


N_CITIES = 120
BLOCKS = frame_of("""
variable_code        scope     low      high      kind   unit      symbol
gdp_nom              city      5e6      45e6      flow   yuan10k   万元
gdp_nom              district  5e6      45e6      flow   yuan10k   万元
population_resident  city      2e6      7e6       stock  persons   人
population_resident  district  2e6      7e6       stock  persons   人
gdp_per_capita_nom   city      15e3     140e3     rate   yuan      元
fiscal_expenditure   city      1e6      9e6       flow   yuan10k   万元
primary_share        city      5        25        rate   percent   %
secondary_share      city      23       90        rate   percent   %
tertiary_share       city      20       90        rate   percent   %
mobile_subscribers   city      1e6      9e6       stock  accounts  户
""")
BLOCKS["block"] = BLOCKS["variable_code"] + "/" + BLOCKS["scope"]
IDENTITIES = pd.DataFrame(
    [
        ("shares_sum_to_100", "primary_share + secondary_share + tertiary_share", "100", "city", 0.995, 1.005),
        ("gdp_per_head", "gdp_per_capita_nom * population_resident", "10000 * gdp_nom", "city district", 0.8, 1.2),
        ("district_gdp_is_part", "gdp_nom@district", "gdp_nom@city", None, None, 1.001),
        ("district_population_is_part", "population_resident@district", "population_resident@city", None, None, 1.001),
    ],
    columns=FRAME_COLUMNS["identities"],
)


def draw_country(seed: int = 1) -> dict[tuple[str, int], np.ndarray]:
    """Figures of two years, (block, year) -> city: sizes drawn at random, every identity met."""
    rng = np.random.default_rng(seed)
    people = 3.4e6 * np.exp(rng.normal(0, 0.6, N_CITIES))
    rich = 44e3 * np.exp(rng.normal(0, 0.4, N_CITIES))
    part = rng.uniform(0.3, 0.6, N_CITIES)
    primary, secondary = rng.uniform(3, 22, N_CITIES), rng.uniform(28, 55, N_CITIES)
    noise = {block: rng.normal(0, 0.1, N_CITIES) for block in BLOCKS["block"]}
    found = {}
    for year, growth in ((YEAR - 1, 1.0), (YEAR, 1.07)):
        drift, moved = rng.normal(0, 0.03, N_CITIES), rng.normal(0, 0.01, N_CITIES)
        gdp = people * rich / 1e4 * growth * np.exp(drift)
        first, second, here = primary + 10 * moved, secondary + 20 * drift, people * np.exp(moved)
        figures = {
            "gdp_nom/city": gdp,
            "gdp_nom/district": gdp * part * 1.2,
            "population_resident/city": here,
            "population_resident/district": here * part,
            "gdp_per_capita_nom/city": gdp / here * 1e4,
            "fiscal_expenditure/city": 0.2 * gdp * np.exp(noise["fiscal_expenditure/city"] + drift),
            "primary_share/city": first,
            "secondary_share/city": second,
            "tertiary_share/city": 100 - first - second,
            "mobile_subscribers/city": 1.05 * people * growth * np.exp(noise["mobile_subscribers/city"]),
        }
        found |= {(block, year): figure for block, figure in figures.items()}
    return found


def country_load(figures: dict[tuple[str, int], np.ndarray], *, has_past: bool = True) -> dict[str, pd.DataFrame]:
    """The frames of a load with one sheet; columns in the order of BLOCKS, cities in rows 6 to 125."""
    cities = pd.DataFrame({"n": range(N_CITIES), "row_no": range(6, N_CITIES + 6)})
    cities = cities.assign(city_id=[f"CN{500000 + n}" for n in cities["n"]], city_name=[f"城{n}" for n in cities["n"]])
    cells = BLOCKS.assign(column=[chr(66 + at) for at in BLOCKS.index]).merge(cities, how="cross")
    value = np.concatenate([figures[block, YEAR] for block in BLOCKS["block"]])
    past = np.concatenate([figures[block, YEAR - 1] for block in BLOCKS["block"]])
    values = cells[["city_id", "city_name", "variable_code", "scope", "unit", "kind"]].assign(
        year=YEAR,
        value=value,
        text=[f"{one:.6g}" for one in value],
        cell=cells["column"] + cells["row_no"].astype(str),
        band_low=cells["low"] / 1e3,
        band_high=cells["high"] * 1e3,
        median_low=cells["low"],
        median_high=cells["high"],
        province_id=(cells["n"] // 10).astype(str),
        value_last=past if has_past else np.nan,
        year_last=YEAR - 1 if has_past else np.nan,
        **PLACE,
        **SOUND_VALUE,
    )
    rows = cities[["row_no", "city_id"]].assign(
        cell="A" + cities["row_no"].astype(str),
        city_text=cities["city_name"],
        year=YEAR,
        row_kind="city",
        n_values=len(BLOCKS),
        evidence=None,
        **PLACE,
    )
    numbers = (BLOCKS.index + 2).astype(str)
    heads = BLOCKS[["variable_code", "scope"]].assign(unit=BLOCKS["symbol"], header_unit=None)
    heads["path"] = "表 " + numbers + " / " + BLOCKS["variable_code"] + " / " + BLOCKS["scope"]
    last = values[list(FRAME_COLUMNS["last"])]
    return frames_of(heads, rows, values, last if has_past else last.iloc[:0], IDENTITIES.copy())


def at_cell(frames: dict[str, pd.DataFrame], city: str, variable: str) -> pd.Series:
    """Mask of the one cell of a city and variable (of every year)."""
    values = frames["values"]
    return (values["city_name"] == city) & (values["variable_code"] == variable)
