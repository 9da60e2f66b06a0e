"""The editing models of the dbt project in a throw-away DuckDB: accepted figures in, decisions out."""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd
from dbt_models import DBT, rendered
from text_table import words

MODELS = words("""
    reading/int_borders values/int_edit_cases values/int_series_breaks values/int_price_steps values/int_edits
    values/int_values_edited
""")
SEEDS = words("variable unit source city city_change county_change edit_rule precedence splice")
STABLE_CITIES = """
select city_id, province_code from city where level = 'city' and valid_to is null
    and not exists (select 1 from city_change as h where city.city_id in (h.from_city_id, h.to_city_id))
"""


def with_seeds(*seeds: str) -> duckdb.DuckDBPyConnection:
    """A database of these seeds, in which no figure is of a county."""
    con = duckdb.connect(config={"threads": 1})  # on small tables a second one waits for the first
    for seed in seeds:
        types = "{'city_code': 'varchar', 'province_code': 'varchar'}" if seed == "city" else "{}"
        file = DBT / "seeds" / f"{seed}.csv"
        con.execute(f"create table {seed} as from read_csv('{file}', header = true, types = {types})")
    con.execute("create view int_units as from city")
    return con


def put_frame(con: duckdb.DuckDBPyConnection, name: str, frame: pd.DataFrame, kind: str = "table") -> None:
    con.register("incoming", frame)
    con.execute(f"create or replace {kind} {name} as from incoming")
    con.unregister("incoming")


YEARS = list(range(2010, 2023))
COLUMNS = {"source": "panel_policies", "level": "city", "fill_rule": "", "unit": "", "text": ""}
COLUMNS |= {"correction_action": None, "is_settled": False, "is_corrected": False}


# what the gate takes out of a new edition is judged elsewhere
NO_GATE = """
create or replace table edit_doubt as
select '' as load_id, '' as source_cell_id, '' as rule, '' as evidence where false;
create or replace table edit_load as select '' as load_id, '' as source, 0 as data_year where false;
create or replace table stg_landing__loads as select '' as source, 0 as data_year, true as is_current where false;
"""


class Editing:
    """Seeds of the project, and the rules over whatever figures a test makes up."""

    def __init__(self) -> None:
        self.con = with_seeds(*SEEDS)
        self.cities = [row[0] for row in self.con.execute(f"{STABLE_CITIES} order by city_id").fetchall()]

    def run(self, figures: pd.DataFrame) -> pd.DataFrame:
        """int_edits of these figures; the later models stand in the connection."""
        frame = figures.assign(**{name: value for name, value in COLUMNS.items() if name not in figures})
        frame["source_cell_id"] = [f"{r.source}:{r.variable_code}:{r.city_id}:{r.year}" for r in frame.itertuples()]
        frame["correction_action"] = frame["correction_action"].astype("str").where(frame["correction_action"].notna())
        put_frame(self.con, "int_values_accepted", frame)
        self.con.execute("alter table int_values_accepted alter correction_action type varchar")
        self.con.execute(NO_GATE)
        for model in MODELS:
            self.con.execute(f"create or replace table {model.rpartition('/')[2]} as {self.sql(model)}")
        return self.con.execute("from int_edits order by source, variable_code, city_id, year").df()

    def decided(self, figures: pd.DataFrame) -> dict[tuple[str, int], tuple[str, str]]:
        """(city, year) -> (rule, action), without what is only pending."""
        edits = self.run(figures)
        return {(r.city_id, r.year): (r.rule, r.action) for r in edits.itertuples() if r.action != "pending"}

    def used(self, city: str, year: int, variable: str, source: str = "panel_policies") -> float | None:
        found = self.con.execute(
            "select value from int_values_edited where edit_policy <> 'as_printed' and city_id = ? and year = ?"
            " and variable_code = ? and source = ?",
            [city, year, variable, source],
        ).fetchall()
        return found[0][0] if found else None

    def sql(self, model: str) -> str:
        return rendered(model)


def series(cities, variable, *, level=1e5, growth=0.06, noise=0.03, spread=0.6, years=YEARS, seed=1) -> pd.DataFrame:
    """Trending figures with a level of each city's own: one row a city and year."""
    rng = np.random.default_rng(seed)
    own = rng.normal(0.0, spread, len(cities))[:, None]
    path = np.cumsum(growth + rng.normal(0.0, noise, (len(cities), len(years))), axis=1)
    keys = {"source": "panel_policies", "city_id": np.repeat(cities, len(years)), "year": np.tile(years, len(cities))}
    return pd.DataFrame({**keys, "variable_code": variable, "value": (level * np.exp(own + path)).reshape(-1)})


def times(figures: pd.DataFrame, city: str, years: list[int] | range, factor: float) -> None:
    hit = (figures["city_id"] == city) & figures["year"].isin(list(years))
    assert hit.sum() == len(list(years))
    figures.loc[hit, "value"] *= factor


CORRECTION = ("source", "vintage", "city_id", "year", "variable_code", "scope", "action", "value", "expect", "status")
LANDED = """
create or replace temp table landed_cell as
select 'yearbook' as source, 2018 as year, 'CN110000' as city_id, 'mobile_subscribers' as variable_code,
    'city' as scope, 'yearbook@v:f!s!B2' as source_cell_id, 'accounts' as unit, '万户' as printed_unit,
    3.972e7 as value;
create or replace temp table int_edits_proposed as
select 'yearbook@v:f!s!B2' as source_cell_id, 'mobile_subscribers' as variable_code, 'E3' as rule,
    'quarantine' as action, 'far off' as evidence;
create or replace temp table int_values_corrected as
select c.*, k.action as correction_action
from landed_cell as c left join spoilt_correction as k using (source, city_id, year, variable_code, scope);
"""


class Faults:
    """int_edit_faults over seeds that a test spoils, beside one landed figure that a rule would take out."""

    def __init__(self, editing: Editing) -> None:
        self.con, self.sql = editing.con, editing.sql
        self.rule = self.con.execute("from edit_rule").df()

    def sentences(
        self, rule: pd.DataFrame | None = None, correction: list[dict[str, object]] | None = None
    ) -> list[str]:
        put_frame(self.con, "spoilt_edit_rule", self.rule if rule is None else rule, "temp table")
        own = pd.DataFrame(correction or [], columns=list(CORRECTION))
        put_frame(self.con, "spoilt_correction", own, "temp table")
        for column, kind in (("year", "integer"), ("value", "double"), ("vintage", "varchar")):
            self.con.execute(f"alter table spoilt_correction alter {column} type {kind}")
        self.con.execute(LANDED)
        text = self.sql("edit/int_edit_faults")
        for name in ("edit_rule", "correction"):
            text = text.replace(f"from {name}", f"from spoilt_{name}")
        return [row[0] for row in self.con.execute(text).fetchall()]
