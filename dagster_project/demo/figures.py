"""True figures of the country, on the whole roster and HORIZON, on the base boundary: indicators, the raw columns
behind them, and the columns behind the production relations.

x_itk = g_k(c_k + s_k z_it + b_ik + m_itk): z is the standardised latent side (new, quality, or PR) of the city, b a
city term, m a slow AR(1); g is exp (counts per head, productivity) or a share in percent; s_k < 0 where less is better.
Raw columns are the inverse of the constructions of indicator_part.csv: people, employment, prices and accounts first,
then each numerator from its ratio. GDP is the exact sum of its sectors, nominal growth is real growth times the
deflator, a part never exceeds its whole. Money is nominal in 10k yuan, people are persons.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dagster_project.demo.country import BASE_YEARS, HORIZON, SMALL_ROSTER, Geography, rows_of, words
from python_models._types import FloatArray
from python_models.simulation import SimulatedCountry, stationary_ar1

MOVE_PERSISTENCE = 0.8
type Texts = np.ndarray[tuple[int], np.dtype[np.str_]]
PILOTS = (("pilot_low_carbon", (2015, 2017), 0.08), ("pilot_smart_city", (2014, 2015, 2016), 0.12))
MAGNETS = 8  # cities with far more residents than registered persons


@dataclass(frozen=True)
class Map:
    """A row of indicator_map.csv: shape (exp, share), value at z = 0, slope, sds and trend.

    side: of the latent that it follows (new, quality, pr), `control` for a relation without one, '' where another
    figure is made with it.
    """

    code: str
    side: str
    shape: str
    centre: float
    slope: float
    city_sd: float
    move_sd: float
    trend: float


_ROWS = [list(row.values()) for row in rows_of("indicator_map.csv")]
MAP = {code: Map(code, side, shape, *map(float, numbers)) for code, side, shape, *numbers in _ROWS}
MAPS = tuple(m for m in MAP.values() if m.side in ("new", "quality"))
RELATION_MAPS = tuple(m for m in MAP.values() if m.side in ("pr", "control"))


def standardised_sides(country: SimulatedCountry) -> dict[str, FloatArray]:
    """z of both sides, (N, T): minus mean, over sd, of the base window."""
    return {"new": _standardised(country.nqpf_new), "quality": _standardised(country.nqpf_quality)}


def standardised_relations(country: SimulatedCountry) -> FloatArray:
    """z of the latent PR, (N, T)."""
    return _standardised(country.pr)


def _standardised(values: FloatArray) -> FloatArray:
    base = values[:, :BASE_YEARS]
    return np.asarray((values - base.mean()) / base.std())


def draw_indicators(sides: dict[str, FloatArray], rng: np.random.Generator) -> dict[str, FloatArray]:
    """Indicator code -> (N, T) in its own unit (robot density follows from its parts, see `draw_robots`)."""
    values = {m.code: draw_map(m, sides[m.side], rng) for m in MAPS}
    values["q1_greenpat"] = values["q1_invpat"] * draw_map(MAP["green_share"], sides["quality"], rng) / 100
    return values


def draw_map(shape: Map, z: FloatArray, rng: np.random.Generator) -> FloatArray:
    """One indicator on (N, T)."""
    n, years = z.shape
    noise = shape.city_sd * rng.standard_normal((n, 1)) + ar1(n, years, shape.move_sd, rng)
    line = shape.slope * z + noise + shape.trend * np.arange(years)
    if shape.shape == "exp":
        return shape.centre * np.exp(line)
    odds = shape.centre / (100 - shape.centre) * np.exp(line)
    return 100 * odds / (1 + odds)


def ar1(n: int, years: int, sd: float, rng: np.random.Generator, persistence: float = MOVE_PERSISTENCE) -> FloatArray:
    """Stationary AR(1) with innovation sd, (n, years)."""
    return float(sd / np.sqrt(1 - persistence**2)) * stationary_ar1(n, years, persistence, rng)


INDUSTRIES = ("auto", "electronics", "metal", "plastics", "food")
# robots per worker rise faster, and the industry is more typical of strong cities, from food to electronics
_ROBOT_START = {"auto": 30e3, "electronics": 22e3, "metal": 9e3, "plastics": 7e3, "food": 2e3}
_ROBOT_GROWTH = {"auto": 0.17, "electronics": 0.24, "metal": 0.20, "plastics": 0.15, "food": 0.16}
_INDUSTRY_SLOPE = {"auto": 0.9, "electronics": 1.3, "metal": 0.1, "plastics": 0.0, "food": -0.9}


def draw_raw(
    geography: Geography, sides: Mapping[str, FloatArray], x: Mapping[str, FloatArray], rng: np.random.Generator
) -> dict[str, FloatArray]:
    """Variable code -> (N, T), whole city on the base boundary; `x` holds what `draw_indicators` gave."""
    z = (sides["new"] + sides["quality"]) / 2
    raw = _people(geography, z, rng)
    raw |= _accounts(geography, z, x, raw, rng)
    deflator, population = raw.pop("deflator"), raw["population_resident"]
    per_10k, nominal = population / 1e4, raw["gdp_nom"]
    raw["he_students"] = np.rint(x["n1_hestud"] * per_10k)
    knowledge = x["n1_techemp"] / 100 * raw["emp_urban_units"]
    it_part = draw_map(MAP["it"], z, rng) / 100
    raw["emp_it_services"] = np.rint(knowledge * it_part)
    raw["emp_sci_tech"] = np.rint(knowledge * (1 - it_part))
    raw["fiscal_expenditure"] = np.rint(nominal * draw_map(MAP["gov"], z, rng) / 100)
    raw["fiscal_education"] = np.rint(raw["fiscal_expenditure"] * x["n1_edushare"] / 100)
    raw["fiscal_science"] = np.rint(raw["fiscal_expenditure"] * x["q1_scishare"] / 100)
    raw["broadband_subscribers"] = _round_to(x["n2_broadband"] / 100 * population, 100)
    raw["mobile_subscribers"] = _round_to(x["n2_mobile"] / 100 * population, 100)
    raw["telecom_revenue_nom"] = np.rint(x["n2_telecom"] * deflator * per_10k)
    raw |= _firms(z, x, per_10k, rng)
    raw["invention_grants"] = np.rint(x["q1_invpat"] * per_10k)
    raw["all_grants"] = np.maximum(np.rint(raw["invention_grants"] / (x["q1_patqual"] / 100)), raw["invention_grants"])
    raw["green_invention_grants"] = np.minimum(np.rint(x["q1_greenpat"] * per_10k), raw["invention_grants"])
    real = nominal / deflator
    raw["electricity_total"] = np.rint(x["q2_elecint"] * real / 1e4)
    area = (raw["va_secondary_nom"] + raw["va_tertiary_nom"]) / deflator / x["q2_landprod"]
    raw["built_up_area"] = np.round(np.maximum(area, 5), 2)
    raw["industrial_so2"] = np.rint(x["q3_so2int"] * raw["va_secondary_nom"] / deflator / 1e4)
    waste = raw["va_secondary_nom"] / deflator * draw_map(MAP["waste"], z, rng)
    raw["solid_waste_generated"] = _round_to(waste, 100)
    # re-use of stock from earlier years lets some printed rates pass 100
    raw["solid_waste_reused"] = _round_to(waste * x["n3_reuse"] / 100 * (1 + 0.05 * (x["n3_reuse"] > 97)), 100)
    raw["pm25_popw"] = np.round(x["q3_pm25"], 2)
    return raw


def _people(geography: Geography, z: FloatArray, rng: np.random.Generator) -> dict[str, FloatArray]:
    n, years = z.shape
    steps = np.arange(years)
    size = np.log(3.2e6) + 0.5 * rng.standard_normal((n, 1)) + 0.75 * geography.is_core[:, None]
    growth = 0.002 + 0.004 * z.mean(axis=1, keepdims=True) + 0.002 * rng.standard_normal((n, 1))
    resident = np.clip(np.exp(size + growth * steps), 3.0e5, 3.2e7)
    # most cities hold nearly those who are registered there; a few strong ones in the east hold far more
    level = z.mean(axis=1, keepdims=True)
    inflow = np.clip(0.05 * level - 0.02 + 0.07 * rng.standard_normal((n, 1)) + 0.003 * level * steps, -0.16, 0.16)
    pull = np.where((geography.is_east == 1) & ~np.isin(geography.roster, SMALL_ROSTER), level[:, 0], -np.inf)
    magnets = np.argsort(-pull)[:MAGNETS]
    inflow[magnets] += np.sort(rng.uniform(0.3, 1.1, MAGNETS))[::-1, None] + 0.01 * steps
    total = resident * draw_map(MAP["emp"], z, rng) / 100
    urban = total * draw_map(MAP["units"], z, rng) / 100
    return {
        "population_resident": _round_to(resident, 100),
        "population_registered": _round_to(resident / np.exp(inflow), 100),
        "emp_total": np.rint(total),
        "emp_urban_units": np.rint(urban),
    }


def _accounts(
    geography: Geography,
    z: FloatArray,
    x: Mapping[str, FloatArray],
    raw: Mapping[str, FloatArray],
    rng: np.random.Generator,
) -> dict[str, FloatArray]:
    """GDP from labour productivity, its deflator (2012 = 1), index, sectors, and what is scaled by them."""
    n, years = z.shape
    provinces, where = np.unique(np.asarray(geography.province), return_inverse=True)
    moves = (
        0.021 + 0.010 * rng.standard_normal((len(provinces), years))[where] + 0.004 * rng.standard_normal((n, years))
    )
    moves[:, 0] = 0.0
    deflator = np.exp(moves.cumsum(axis=1))
    real = x["q2_labprod"] * raw["emp_total"] / 1e4
    nominal = np.rint(real * deflator)
    real = nominal / deflator
    index = np.empty_like(real)
    index[:, 0] = 100 * (1.085 + 0.01 * rng.standard_normal(n))
    index[:, 1:] = 100 * real[:, 1:] / real[:, :-1]
    first = draw_map(MAP["primary"], z, rng) / 100
    primary = np.rint(nominal * first)
    secondary = np.rint((nominal - primary) / (1 + x["q3_struct"]))
    profit = secondary * draw_map(MAP["profit"], z, rng)
    firms = raw["population_resident"] / 1e4 * draw_map(MAP["above"], z, rng)
    wage = draw_map(MAP["wage"], z, rng)
    return {
        "deflator": deflator,
        "gdp_nom": nominal,
        "va_primary_nom": primary,
        "va_secondary_nom": secondary,
        "va_tertiary_nom": nominal - primary - secondary,
        "gdp_real_index": np.round(index, 2),
        "gdp_per_capita_nom": np.rint(nominal * 1e4 / raw["population_resident"]),
        "secondary_share": np.round(100 * secondary / nominal, 2),
        "tertiary_share": np.round(100 * (nominal - primary - secondary) / nominal, 2),
        "industrial_profit": np.rint(profit),
        "industrial_firms": np.rint(firms),
        "wage_avg_nom": np.rint(wage),
    }


def _firms(
    z: FloatArray, x: Mapping[str, FloatArray], per_10k: FloatArray, rng: np.random.Generator
) -> dict[str, FloatArray]:
    stock = np.rint(per_10k * draw_map(MAP["stock"], z, rng))
    return {
        "all_firms_stock": stock,
        "newly_registered_firms": np.rint(x["n1_startup"] * per_10k),
        "ai_firms_stock": np.rint(x["n2_aifirm"] * per_10k),
        "sei_firms_stock": np.rint(stock * x["n3_sei"] / 100),
        "bigdata_firms_stock": np.rint(x["n3_datafirm"] * per_10k),
    }


def draw_robots(
    sides: Mapping[str, FloatArray], raw: Mapping[str, FloatArray], rng: np.random.Generator
) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
    """(base employment 2010 by industry, (N,)), (national robots by industry, (T,)).

    Robot density sum_s (e_is/e_i)(R_st/e_s) rises with the new side because strong cities have more of the
    industries that buy robots.
    """
    n, years = sides["new"].shape
    level = sides["new"][:, :10].mean(axis=1)
    workers = 0.12 * raw["emp_total"][:, 0]
    weights = {s: np.exp(_INDUSTRY_SLOPE[s] * level + 0.15 * rng.standard_normal(n)) for s in INDUSTRIES}
    total = np.sum(list(weights.values()), axis=0)
    base = {f"emp_base_{s}": np.rint(workers * w / total) for s, w in weights.items()}
    noise = {s: ar1(1, years, 0.02, rng)[0] for s in INDUSTRIES}
    robots = {
        f"robots_{s}": np.rint(_ROBOT_START[s] * np.exp(_ROBOT_GROWTH[s] * np.arange(years) + noise[s]))
        for s in INDUSTRIES
    }
    return base, robots


def true_indicators(
    parts: pd.DataFrame, raw: Mapping[str, FloatArray], base: Mapping[str, FloatArray], robots: Mapping[str, FloatArray]
) -> dict[str, FloatArray]:
    """Indicator code -> (N, T) as the pipeline would find it in sound files: `parts` are indicator_part.csv with the
    multiplier of indicator.csv. What was drawn differs by rounding, zeros and true jumps only."""
    by_industry = {s: (base[f"emp_base_{s}"], robots[f"robots_{s}"]) for s in INDUSTRIES}
    workers = np.sum([robots_of for robots_of, _ in by_industry.values()], axis=0)
    density = np.sum(
        [np.outer(robots_of / workers, robot / robots_of.sum()) for robots_of, robot in by_industry.values()], axis=0
    )
    panels = {**raw, "population": raw["population_resident"], "robot_density": 1e4 * density}
    deflator = raw["gdp_nom"] / _real_gdp(raw)
    codes = {*(m.code for m in MAPS), "q1_greenpat", "n2_robot"}
    indicators: dict[str, FloatArray] = {}
    for code, group in parts[parts["indicator_code"].isin(codes)].groupby("indicator_code"):
        sides: dict[str, FloatArray] = {}
        for part, variable, is_deflated in group[["part", "variable_code", "is_deflated"]].itertuples(index=False):
            value = panels[variable] / (deflator if is_deflated else 1.0)
            sides[part] = sides.get(part, np.zeros(1)) + value
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = sides["numerator"] / sides.get("denominator", np.ones(1))
        indicators[str(code)] = np.asarray(float(group["multiplier"].iloc[0]) * ratio)
    return indicators


def _round_to(values: FloatArray, step: float) -> FloatArray:
    """Round to the precision that the yearbook prints, so that the truth can be recovered exactly."""
    return np.rint(values / step) * step


INVESTMENT_FROM = 2003
DEPRECIATION, CAPITAL_RATIO = 0.096, 2.4
SECTORS = words(
    "farming mining manufacturing utilities construction trade transport catering information finance"
    " real_estate business_services research water_environment resident_services education health culture"
    " public_administration"
)
# per mille of all employees: of the order that yearbooks print, so that the usual medians of the gate hold
SECTOR_SHARES = (15, 29, 115, 38, 143, 51, 57, 20, 41, 57, 45, 32, 25, 32, 14, 127, 74, 23, 62)
GOODS = ("food", "tobacco", "clothing", "household", "health", "transport", "culture", "housing")


def draw_relations(
    z: FloatArray, raw: Mapping[str, FloatArray], yuan_per_usd: FloatArray, rng: np.random.Generator
) -> dict[str, FloatArray]:
    """Variable code -> (N, T); `raw` holds what `draw_raw` gave, `yuan_per_usd` (T,) the mean rates."""
    x = {m.code: draw_map(m, z, rng) for m in RELATION_MAPS}
    people, gdp = raw["population_resident"], raw["gdp_nom"]
    level = gdp / np.maximum(_real_gdp(raw), 1e-9)
    income_rural = draw_map(MAP["rural"], z, rng)
    spending_share = np.minimum(draw_map(MAP["spent"], z, rng), 92) / 100
    consumption = spending_share * income_rural * x["urban_gap"]
    panels = {
        "emp_private_self": raw["emp_total"] * x["private"] / 100,
        "platform_firms": raw["all_firms_stock"] * x["platform"] / 1e4,
        "wage_bill_urban_units": gdp * x["wage_share"] / 100,
        "income_rural": income_rural,
        "income_urban": income_rural * x["urban_gap"],
        "consumption_urban": consumption,
        "food_urban": consumption * x["food_share"] / 100,
        "retail_sales_nom": x["retail"] * level * people / 1e4,
        "express_parcels": x["parcels"] * people / 1e4,
        "loans_balance_nom": gdp * x["loans"],
        "fdi_usd": gdp * x["fdi"] / 100 / yuan_per_usd,
        "population_urban": people * x["urbanisation"] / 100,
        "secondary_students": x["secondary"] * people / 1e4,
        "road_area": x["road"] * people,
        "ip_cases_closed": x["ip_quotient"] * gdp / 2.4e5,
    }
    panels["express_parcels"] = np.maximum(panels["express_parcels"], 1.0)
    area = np.exp(9.2 + 0.7 * rng.standard_normal((len(z), 1)) + 0.001 * rng.standard_normal(z.shape))  # surveyed anew
    return {name: np.rint(values) for name, values in panels.items()} | {"area_km2": np.rint(area)}


def _real_gdp(raw: Mapping[str, FloatArray]) -> FloatArray:
    """GDP in prices of the first year of HORIZON, from the printed real index."""
    growth = np.cumprod(raw["gdp_real_index"][:, 1:] / 100, axis=1)
    return np.asarray(raw["gdp_nom"][:, :1] * np.column_stack([np.ones(len(growth)), growth]))


def draw_outside(
    sides: Mapping[str, FloatArray], raw: Mapping[str, FloatArray], rng: np.random.Generator
) -> dict[str, FloatArray]:
    """What others measure of the same cities, with noise of their own: lights for one resident, a score."""
    z = (sides["new"] + sides["quality"]) / 2
    noise = rng.standard_normal((2, len(z), 1))
    return {
        "night_lights": raw["population_resident"] * np.exp(-5 + 0.3 * z + 0.3 * noise[0]),
        "nqp_score_other": 1 / (1 + np.exp(1.5 - 0.5 * z - 0.3 * noise[1])),
    }


def draw_pilots(n: int, rng: np.random.Generator) -> dict[str, FloatArray]:
    """First year as a pilot of each policy (n, Y), 0 for never, the same in every year. Pilots are drawn by lot and
    their policy does nothing: what is found of it is error."""
    panels = {}
    for policy, starts, share in PILOTS:
        start = np.zeros(n)
        pilots = rng.choice(n, size=round(share * n), replace=False)
        start[pilots] = rng.choice(starts, size=len(pilots))
        panels[policy] = np.repeat(start[:, None], len(HORIZON), axis=1)
    return panels


def draw_investment(
    geography: Geography, z: FloatArray, raw: Mapping[str, FloatArray], rng: np.random.Generator
) -> tuple[tuple[int, ...], FloatArray, FloatArray]:
    """(years from INVESTMENT_FROM, fai_nom (N, Y) in 10k yuan, price of investment, previous year = 100 (N, Y)).

    The capital stock of a city is its fair share of GDP, times a distortion that is smaller where z is high.
    """
    n, early = len(z), HORIZON[0] - INVESTMENT_FROM
    years = tuple(range(INVESTMENT_FROM, HORIZON[-1] + 1))
    real = _real_gdp(raw)
    # years before the window are no smoother than those in it
    growth = np.diff(np.log(real), axis=1)
    before = 0.095 + (growth - growth.mean(axis=0)).std() * rng.standard_normal((n, early))
    output = np.column_stack([real[:, :1] / np.exp(before[:, ::-1].cumsum(axis=1)[:, ::-1]), real])
    side = np.where(rng.random((n, 1)) < 0.5, -1.0, 1.0)
    # a stock moves slowly: the city's own mean counts more than where it stands this year
    mean = z[:, :BASE_YEARS].mean(axis=1, keepdims=True)
    slow = mean + 0.12 * (z - mean)
    moves = rng.permuted(np.diff(slow, axis=1), axis=1)[:, :early]
    slow = np.column_stack([slow[:, :1] - moves.cumsum(axis=1)[:, ::-1], slow])
    distortion = side * 0.45 * np.exp(-0.45 * slow)
    stock = CAPITAL_RATIO * output * np.exp(np.clip(distortion, -1.2, 1.2))
    flow = np.empty_like(stock)
    flow[:, 0] = stock[:, 0] * (DEPRECIATION + 0.10)
    flow[:, 1:] = np.maximum(stock[:, 1:] - (1 - DEPRECIATION) * stock[:, :-1], 0.02 * stock[:, 1:])
    provinces, where = np.unique(np.asarray(geography.province), return_inverse=True)
    moves = np.round(102 + 1.2 * rng.standard_normal((len(provinces), len(years))), 2)[where]
    level = np.cumprod(moves / 100, axis=1)
    return years, np.rint(flow * level / level[:, [early]]), moves


def draw_sectors(z: FloatArray, raw: Mapping[str, FloatArray], rng: np.random.Generator) -> FloatArray:
    """Employment of urban units by sector, (N, T, 19): structures differ more where z is high."""
    n, years = z.shape
    base = np.array(SECTOR_SHARES) / sum(SECTOR_SHARES)
    noise = rng.standard_normal((n, 1, len(SECTORS)))
    strength = 0.55 * np.exp(0.22 * z + ar1(n, years, 0.02, rng))[:, :, None]
    weights = base * np.exp(strength * noise)
    return np.rint(raw["emp_urban_units"][:, :, None] * weights / weights.sum(axis=2, keepdims=True))


def draw_prices(z: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Consumer prices by class, previous year = 100, (N, T, 8): the less segmented, the nearer to the nation."""
    n, years = z.shape
    common = 1 + np.array([0.035, 0.012, 0.02, 0.012, 0.025, 0.005, 0.018, 0.022]) * rng.uniform(
        0.2, 1.6, (years, len(GOODS))
    )
    spread = 0.008 * np.exp(-0.35 * z)[:, :, None]
    return np.round(100 * common * np.exp(spread * rng.standard_normal((n, years, len(GOODS)))), 2)


def draw_reports(z: FloatArray, terms: Sequence[str], rng: np.random.Generator) -> list[list[str]]:
    """One invented work report a city and year: neutral phrases, digital terms more often where z is high."""
    share = 0.035 * np.exp(0.45 * z + 0.15 * rng.standard_normal(z.shape) + 0.04 * np.arange(z.shape[1]))
    length = rng.integers(WORDS_IN_REPORT[0], WORDS_IN_REPORT[1], len(z))  # a government keeps its manner of writing
    phrases = np.array(terms), np.array(WORDS)
    return [
        [_report(float(s), int(n), *phrases, rng) for s in row]
        for n, row in zip(length, np.clip(share, 0.002, 0.4), strict=True)
    ]


WORDS = words(
    "推进 加快 改善 民生 就业 教育 道路 建设 农村 产业 服务 环境 工作 项目 企业 投资 住房 医疗 安全 改革"
    " 市场 生态 文化 旅游 居民 收入 城市 交通 社会 保障 水利 粮食 消费 管理 能力 质量 目标 任务 提高 完善"
)
WORDS_IN_REPORT = (90, 220)


def _report(share: float, length: int, terms: Texts, neutral: Texts, rng: np.random.Generator) -> str:
    digital = rng.random(length) < share
    words = np.where(digital, rng.choice(terms, length), rng.choice(neutral, length)).tolist()
    lines = ["，".join(words[i : i + 11]) for i in range(0, length, 11)]
    return "SYNTHETIC。" + "。".join(lines) + "。"
