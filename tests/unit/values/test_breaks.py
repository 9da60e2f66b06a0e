"""Breaks of series: found with a known size, declared, bridged; each on figures that a test makes up."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from dbt_models import rendered
from editing import put_frame, with_seeds
from text_table import words

from python_models.regression import average_effects, by_segment, fit_panel
from python_models.space import build_weights, to_sparse

MODELS = words("int_changes int_breaks int_break_links int_bridges int_values_completed")
SEEDS = words("variable city city_change edit_rule indicator_part concept_break")
YEARS = np.arange(2010, 2023)
NONE_DECLARED = """
create or replace table series_break as
select '' as variable_code, '' as area_code, 0 as break_year, '' as kind, '' as treatment, '' as note where false;
create or replace table int_borders as select '' as city_id, 0 as effective_year where false;
create or replace table index_spec as select 2012 as window_start, 2021 as window_end;
"""
BORDERS = ("CN340700", "CN340800", "CN510100")  # Tongling, Anqing, Chengdu
# first year, share of the cities, directions
PLANTED = {
    "retail_sales_nom": (2019, 0.25, (-1, 1)),
    "emp_total": (2016, 0.2, (1,)),
    "loans_balance_nom": (2019, 0.2, (1,)),
}
CITIES = "select city_id, province_code from city where level = 'city' and valid_to is null order by 1"


class Breaks:
    """The models over one value a city and year of some variables."""

    def __init__(self) -> None:
        self.con = with_seeds(*SEEDS)
        self.con.execute(NONE_DECLARED)
        self.city = self.con.execute(CITIES).df()
        self.sql = {model: rendered(f"values/{model}") for model in MODELS}

    def run(self, planes: dict[str, np.ndarray]) -> pd.DataFrame:
        """int_breaks of these levels (city, year)."""
        at = {"city_id": self.city["city_id"].repeat(len(YEARS)), "year": np.tile(YEARS, len(self.city))}
        rows = [pd.DataFrame({**at, "variable_code": code, "value": plane.ravel()}) for code, plane in planes.items()]
        put_frame(
            self.con, "int_values_unbridged", pd.concat(rows).assign(edit_policy="edited", value_origin="observed")
        )
        for model, sql in self.sql.items():
            self.con.execute(f"create or replace table {model} as {sql}")
        return self.con.execute("from int_breaks order by all").df()

    def bridged(self, code: str) -> np.ndarray:
        query = "select value from int_values_completed where variable_code = ? order by city_id, year"
        return self.con.execute(query, [code]).df()["value"].to_numpy().reshape(len(self.city), len(YEARS))

    def levels(self, rng: np.random.Generator, noise: float = 0.03) -> np.ndarray:
        """Levels that grow: shocks of cities with fat tails, and some that a province shares."""
        provinces = self.city["province_code"].astype("category").cat.codes.to_numpy()
        own = noise * rng.standard_t(3, (len(self.city), len(YEARS)))
        shared = noise / 3 * rng.standard_normal((provinces.max() + 1, len(YEARS)))[provinces]
        return 1e5 * np.exp(np.cumsum(0.06 + own + shared, axis=1))


@pytest.fixture(scope="module")
def breaks():
    return Breaks()


def from_year(year: int) -> np.ndarray:
    return year <= YEARS


@pytest.mark.parametrize(("code", "factor"), [("retail_sales_nom", 1.8), ("emp_total", 2.5), ("industrial_so2", 0.4)])
def test_a_break_in_a_share_of_cities_is_found_and_its_earlier_values_are_carried_to_the_later_level(
    breaks, code, factor
):
    rng = np.random.default_rng(5)
    sound = breaks.levels(rng)
    hit = rng.random(len(sound)) < 0.2
    broken = np.where(hit[:, None] & from_year(2019), sound * factor, sound)
    (row,) = breaks.run({code: broken, "loans_balance_nom": breaks.levels(rng)}).to_dict("records")
    assert (row["variable_code"], row["area_code"], row["break_year"]) == (code, "all", 2019)
    assert (row["treatment"], row["decided_by"], bool(row["is_found"])) == ("split", "rule E8", True)
    assert row["p_holm"] <= 0.05
    # the sum of a share of cities that jumped by chance in that year, and of those that broke
    assert hit.sum() * 0.9 <= row["n_beyond"] <= hit.sum() + 0.1 * len(sound)
    used = breaks.bridged(code)
    assert used[:, YEARS >= 2019] == pytest.approx(broken[:, YEARS >= 2019])
    far = np.abs(np.log(used[:, YEARS < 2019] / (sound * np.where(hit[:, None], factor, 1))[:, YEARS < 2019]))
    assert np.median(far[hit]) < abs(np.log(factor)) / 5
    assert np.median(far[~hit]) == 0


def test_a_city_that_a_break_moves_by_more_than_ten_times_is_not_carried_over_it(breaks):
    plane = breaks.levels(np.random.default_rng(5))
    plane[::5] *= np.where(from_year(2019), 1.8, 1.0)
    plane[0] *= np.where(from_year(2019), 20.0, 1.0)
    breaks.run({"retail_sales_nom": plane})
    city = breaks.city["city_id"][0]
    query = "select year, value from int_values_completed where city_id = ? order by year"
    used = breaks.con.execute(query, [city]).df()
    assert used["year"].tolist() == YEARS[YEARS >= 2019].tolist()
    assert used["value"].to_numpy() == pytest.approx(plane[0, YEARS >= 2019])
    factors = breaks.con.execute("select factor from int_bridges where city_id = ?", [city]).fetchall()
    assert factors == [(None,)] * int((YEARS < 2019).sum())


def test_a_break_of_one_province_is_bridged_there_alone(breaks):
    rng = np.random.default_rng(6)
    plane = breaks.levels(rng)
    hubei = (breaks.city["province_code"].astype(str) == "420000").to_numpy()
    plane[hubei] *= np.where(from_year(2020), 1.6, 1.0)
    (row,) = breaks.run({"wage_avg_nom": plane}).to_dict("records")
    assert (row["area_code"], row["break_year"], row["treatment"]) == ("420000", 2020, "bridge")
    assert row["cause"].startswith("only units that are not private")
    moved = ~np.isclose(breaks.bridged("wage_avg_nom"), plane).all(axis=1)
    assert not moved[~hubei].any()
    assert moved[hubei].mean() > 0.8


def test_the_border_between_two_sectors_moves_and_their_sum_stays(breaks):
    rng = np.random.default_rng(7)
    total, share = breaks.levels(rng), rng.uniform(0.4, 0.6, len(breaks.city))
    share = share[:, None] + np.zeros(len(YEARS)) + 0.002 * rng.standard_normal((len(share), len(YEARS)))
    hit = rng.random(len(share)) < 0.25
    share[hit] += np.where(from_year(2019), 0.15, 0.0)
    (row,) = breaks.run({"va_tertiary_nom": total * share, "va_secondary_nom": total * (1 - share)}).to_dict("records")
    assert (row["variable_code"], row["break_year"], row["treatment"]) == ("va_tertiary_nom", 2019, "split")
    tertiary, secondary = breaks.bridged("va_tertiary_nom"), breaks.bridged("va_secondary_nom")
    assert tertiary + secondary == pytest.approx(total)
    ratio = tertiary / secondary
    assert np.abs(np.log(ratio[hit, 8] / ratio[hit, 9])).max() < 0.05  # 2018 and 2019


def test_a_row_of_a_person_decides_and_a_slip_of_one_year_is_no_level(breaks):
    rng = np.random.default_rng(8)
    plane = breaks.levels(rng)
    hit = rng.random(len(plane)) < 0.2
    plane[hit] *= np.where(from_year(2016), 2.0, 1.0)
    slip = int(np.flatnonzero(~hit)[3])
    plane[slip, 6] *= 9.0  # 2016 alone
    breaks.run({"retail_sales_nom": plane})
    assert breaks.bridged("retail_sales_nom")[slip] == pytest.approx(plane[slip])
    breaks.con.execute("insert into series_break values ('retail_sales_nom', 'all', 2016, 'event', 'keep', 'true')")
    try:
        (row,) = breaks.run({"retail_sales_nom": plane}).to_dict("records")
    finally:
        breaks.con.execute("delete from series_break")
    assert (row["treatment"], row["decided_by"], row["cause"]) == ("keep", "series_break.csv", "true")
    assert breaks.bridged("retail_sales_nom") == pytest.approx(plane)


def test_a_break_is_declared_of_a_variable_that_no_indicator_is_made_of(breaks):
    plane = breaks.levels(np.random.default_rng(8))
    of_anhui = (breaks.city["province_code"] == "340000").to_numpy()
    plane[of_anhui, -1] /= 4  # after the base window: the level before holds
    breaks.con.execute("insert into series_break values ('fdi_usd', '340000', 2022, 'definition', 'bridge', 'anew')")
    try:
        (row,) = breaks.run({"fdi_usd": plane}).to_dict("records")
    finally:
        breaks.con.execute("delete from series_break")
    assert (row["treatment"], row["decided_by"], row["n_beyond"]) == ("bridge", "series_break.csv", of_anhui.sum())
    change = breaks.bridged("fdi_usd")[:, -1] / plane[:, -2]
    assert np.median(change[of_anhui]) == pytest.approx(np.median(change[~of_anhui]), abs=0.05)


@pytest.mark.slow
def test_no_more_than_one_in_twenty_sound_panels_has_a_break(breaks):
    """Six variables, shocks with fat tails and of provinces: the share of panels in which any break is found."""
    codes = words("retail_sales_nom emp_total industrial_so2 loans_balance_nom wage_avg_nom he_students")
    rng, n = np.random.default_rng(9), 100
    found = [len(breaks.run({code: breaks.levels(rng) for code in codes})) > 0 for _ in range(n)]
    assert sum(found) <= 9  # 95 % of the counts of 100 draws at 5 %


def test_a_border_that_moved_breaks_every_sum_of_the_city_in_the_year_in_which_it_shows(breaks):
    rng = np.random.default_rng(8)
    codes = words("population mobile_subscribers he_students gdp_nom")
    true = {code: breaks.levels(rng, noise=0.005) for code in codes}
    planes = {code: plane.copy() for code, plane in true.items()}
    tongling, anqing, chengdu = (int(np.flatnonzero(breaks.city["city_id"] == c)[0]) for c in BORDERS)
    # Zongyang comes in 2015 by some sources, in 2016 by others; it has no students
    for code, year, share in (("population", 2015, 0.6), ("mobile_subscribers", 2016, 0.4), ("gdp_nom", 2016, 0.2)):
        planes[code][tongling, year > YEARS] *= np.exp(-share)
        planes[code][anqing, year > YEARS] *= np.exp(share / 3)
        planes[code][chengdu, YEARS < 2016] *= np.exp(-0.05)
    breaks.run(planes)
    for code in codes:
        bridged = breaks.bridged(code)
        for city in (tongling, anqing):
            assert bridged[city] == pytest.approx(true[code][city], rel=0.1), code
        assert bridged[chengdu] == pytest.approx(planes[code][chengdu])


@pytest.mark.slow
def test_effects_between_the_breaks_that_are_found_cover_the_truth(breaks):
    """x is made of three printed variables, each with a break in a share of the cities (another definition, another
    scope of the survey, a census), which is found, bridged and cut at: intervals of the direct effect cover it."""
    rng, first, n_draws = np.random.default_rng(12), 2012, 200
    n, used = len(breaks.city), first <= YEARS
    points = pd.DataFrame(rng.uniform(0, 10, (n, 2)), columns=["lon", "lat"])
    w = to_sparse(build_weights("knn", points=points, k=5)).toarray()
    w /= w.sum(axis=1, keepdims=True)
    solved = np.linalg.inv(np.eye(n) - 0.3 * w)
    truth, n_cover, found = np.diag(solved @ (0.4 * np.eye(n) + 0.2 * w)).mean(), 0, Counter()
    for _ in range(n_draws):
        true = {code: breaks.levels(rng) for code in PLANTED}
        printed = {}
        for code, (year, share, signs) in PLANTED.items():
            hit = rng.random((n, 1)) < share
            size = rng.choice(signs, (n, 1)) * rng.uniform(0.25, 0.7, (n, 1))
            printed[code] = true[code] * np.exp(np.where(hit & from_year(year), size, 0.0))
        rows = breaks.run(printed)
        found.update(zip(rows["variable_code"], rows["break_year"], strict=True))
        x_true, x = (
            np.sum([np.log(plane[:, used]) for plane in planes], axis=0)
            for planes in (true.values(), map(breaks.bridged, PLANTED))
        )
        x_true, x = x_true - x_true.mean(), x - x_true.mean()
        noise = rng.normal(size=(n, 1)) + 0.1 * rng.normal(size=x.shape)
        y = solved @ (0.4 * x_true + 0.2 * w @ x_true + noise)
        segments = [int((rows["break_year"] <= year).sum()) for year in YEARS[used]]
        fit = fit_panel(by_segment(y, segments), by_segment(x[:, :, None], segments), w)
        effects = average_effects(fit)
        n_cover += bool(effects.lower[0, 0] <= truth <= effects.upper[0, 0])
    assert all(found[code, year] >= 0.98 * n_draws for code, (year, _, _) in PLANTED.items())
    assert sum(found.values()) <= 1.05 * n_draws * len(PLANTED)
    assert 0.92 <= n_cover / n_draws <= 0.98
