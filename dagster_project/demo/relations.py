"""Raw columns behind the production relations: monotone noisy maps of the latent PR, on the base boundary.

Everything is drawn for the whole roster and HORIZON; money is nominal in 10k yuan, people are persons. Capital runs
back to `INVESTMENT_FROM`, so that its first stock has decayed before the window opens.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from dagster_project.demo.country import BASE_YEARS, HORIZON, Geography
from dagster_project.demo.indicators import Map, ar1, draw_map
from python_models._types import FloatArray
from python_models.simulation import SimulatedCountry

INVESTMENT_FROM = 2003
DEPRECIATION, CAPITAL_RATIO = 0.096, 2.4
SECTORS = (
    "farming",
    "mining",
    "manufacturing",
    "utilities",
    "construction",
    "trade",
    "transport",
    "catering",
    "information",
    "finance",
    "real_estate",
    "business_services",
    "research",
    "water_environment",
    "resident_services",
    "education",
    "health",
    "culture",
    "public_administration",
)
GOODS = ("food", "tobacco", "clothing", "household", "health", "transport", "culture", "housing")

MAPS = (
    Map("private", "pr", "share", 46, 0.35, 0.12, 0.02),
    Map("platform", "pr", "exp", 6.0, 0.55, 0.20, 0.05),
    Map("wage_share", "pr", "share", 14, 0.20, 0.10, 0.02),
    Map("urban_gap", "pr", "exp", 2.35, -0.13, 0.05, 0.008),
    Map("ip_quotient", "pr", "exp", 0.75, 0.60, 0.25, 0.10),
    Map("retail", "pr", "exp", 19500, 0.28, 0.09, 0.02, 0.05),
    Map("food_share", "pr", "share", 31, -0.14, 0.05, 0.012, -0.01),
    Map("parcels", "pr", "exp", 9.0, 0.55, 0.20, 0.05, 0.20),
    Map("loans", "pr", "exp", 1.0, 0.16, 0.14, 0.03, 0.02),
    Map("fdi", "pr", "share", 1.7, 0.40, 0.45, 0.12),
    Map("urbanisation", "pr", "share", 55, 0.30, 0.16, 0.01, 0.02),
    Map("secondary", "", "exp", 520, 0.0, 0.12, 0.02),
    Map("road", "", "exp", 5.2, 0.0, 0.25, 0.03, 0.02),
)


def standardised_relations(country: SimulatedCountry) -> FloatArray:
    """z of the latent PR, (N, T): minus mean, over sd, of the base window."""
    base = country.pr[:, :BASE_YEARS]
    return np.asarray((country.pr - base.mean()) / base.std())


def draw_relations(
    z: FloatArray, raw: Mapping[str, FloatArray], yuan_per_usd: FloatArray, rng: np.random.Generator
) -> dict[str, FloatArray]:
    """Variable code -> (N, T); `raw` holds what `draw_raw` gave, `yuan_per_usd` (T,) the mean rates."""
    x = {m.code: draw_map(m, z, rng) for m in MAPS}
    people, gdp = raw["population_resident"], raw["gdp_nom"]
    level = gdp / np.maximum(_real_gdp(raw), 1e-9)
    income_rural = draw_map(Map("rural", "", "exp", 9500, 0.0, 0.15, 0.01, 0.09), z, rng)
    consumption = 0.68 * income_rural * x["urban_gap"]
    found = {
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
    found["express_parcels"] = np.maximum(found["express_parcels"], 1.0)
    area = np.exp(9.2 + 0.7 * rng.standard_normal((len(z), 1))) * np.ones_like(z)
    return {name: np.rint(values) for name, values in found.items()} | {"area_km2": np.rint(area)}


def _real_gdp(raw: Mapping[str, FloatArray]) -> FloatArray:
    """GDP in prices of the first year of HORIZON, from the printed real index."""
    growth = np.cumprod(raw["gdp_real_index"][:, 1:] / 100, axis=1)
    return np.asarray(raw["gdp_nom"][:, :1] * np.column_stack([np.ones(len(growth)), growth]))


def draw_investment(
    geography: Geography, z: FloatArray, raw: Mapping[str, FloatArray], rng: np.random.Generator
) -> tuple[tuple[int, ...], FloatArray, FloatArray]:
    """(years from INVESTMENT_FROM, fai_nom (N, Y) in 10k yuan, price of investment, previous year = 100 (N, Y)).

    The capital stock of a city is its fair share of GDP, times a distortion that is smaller where z is high.
    """
    n, early = len(z), HORIZON[0] - INVESTMENT_FROM
    years = tuple(range(INVESTMENT_FROM, HORIZON[-1] + 1))
    real = _real_gdp(raw)
    back = real[:, :1] / 1.10 ** np.arange(early, 0, -1)
    output = np.column_stack([back, real])
    side = np.where(rng.random((n, 1)) < 0.5, -1.0, 1.0)
    # a stock moves slowly: the city's own mean counts more than where it stands this year
    mean = z[:, :BASE_YEARS].mean(axis=1, keepdims=True)
    slow = mean + 0.12 * (z - mean)
    distortion = side * 0.45 * np.exp(-0.45 * np.column_stack([np.tile(slow[:, :1], early), slow]))
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
    base = rng.dirichlet(np.full(len(SECTORS), 6.0))
    own = rng.standard_normal((n, 1, len(SECTORS)))
    strength = 0.55 * np.exp(0.22 * z + ar1(n, years, 0.02, rng))[:, :, None]
    weights = base * np.exp(strength * own)
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
    length = rng.integers(*WORDS_IN_REPORT, len(z))  # a government keeps its manner of writing
    return [
        [_report(float(s), int(n), terms, rng) for s in row]
        for n, row in zip(length, np.clip(share, 0.002, 0.4), strict=True)
    ]


WORDS = (
    "推进",
    "加快",
    "改善",
    "民生",
    "就业",
    "教育",
    "道路",
    "建设",
    "农村",
    "产业",
    "服务",
    "环境",
    "工作",
    "项目",
    "企业",
    "投资",
    "住房",
    "医疗",
    "安全",
    "改革",
    "市场",
    "生态",
    "文化",
    "旅游",
    "居民",
    "收入",
    "城市",
    "交通",
    "社会",
    "保障",
    "水利",
    "粮食",
    "消费",
    "管理",
    "能力",
    "质量",
    "目标",
    "任务",
    "提高",
    "完善",
)
WORDS_IN_REPORT = (90, 220)


def _report(share: float, length: int, terms: Sequence[str], rng: np.random.Generator) -> str:
    digital = rng.random(length) < share
    words = np.where(digital, rng.choice(terms, length), rng.choice(WORDS, length))
    lines = ["，".join(words[i : i + 11]) for i in range(0, length, 11)]
    return "SYNTHETIC。" + "。".join(lines) + "。"
