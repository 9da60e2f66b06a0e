"""What a policy does to its pilot cities and to their neighbours, on the index of a headline regression."""

from __future__ import annotations

from functools import partial

import pandas as pd

from dagster_project.study.frames import LIMITS, PLACE, Tables, rows_with
from dagster_project.study.groups import ObjectArray
from dagster_project.study.samples import MODEL_KEYS, Job, Skipped, World
from dagster_project.study.settings import PilotSpec
from python_models.inference import holm
from python_models.influence import pilot_effects, placebo_dates, placebo_pilots
from python_models.influence.pilots import LEAST_BEFORE
from python_models.regression import PanelInputError

INPUTS = {"pilot": "select policy_code, city_id, start_year from int.int_pilots_accepted order by all"}
TABLES = ("pilot_effect", "pilot_event")


def jobs(world: World, spec: PilotSpec, draws: int) -> list[Job]:
    """One a policy of the warehouse."""
    policies = world.frames["pilot"]["policy_code"].unique().tolist()
    return [("pilots", policy, partial(_policy, world, policy, spec, draws)) for policy in policies]


def with_holm(effects: pd.DataFrame) -> pd.DataFrame:
    """The effects with p_holm: Holm's p over all policies and terms of one regression and estimator."""
    if effects.empty:
        return effects
    adjusted = effects.groupby([*MODEL_KEYS, "estimator"])["p"].transform(lambda p: holm(p.to_numpy()))
    return effects.assign(p_holm=adjusted)


def _policy(world: World, policy: str, spec: PilotSpec, draws: int) -> Tables:
    y, start, points = _inputs(world, policy)
    years, edges = [int(year) for year in y.columns], spec.edges_km
    provinces = world.frames["city"].set_index("city_id")["province_code"].reindex(y.index)
    clusters = provinces.where(provinces.notna(), provinces.index.to_series()).to_numpy(dtype=object)
    effects = pilot_effects(y, start, points, years, edges, horizon=spec.horizon, leads=spec.leads, clusters=clusters)
    if effects.n_controls < spec.least_controls:
        near = f"never nearer than {edges[-1]:g} km to a pilot, at least {spec.least_controls} are needed"
        raise Skipped(f"{effects.n_controls} cities of the sample are {near}.")
    seed = int(world.rng(f"pilots:{policy}").integers(2**32))
    lots = placebo_pilots(y, start, points, years, edges, draws=draws, seed=seed).to_frame().set_index("term")
    has_values = y.notna().any(axis=1)
    honest = {"lower_honest": "honest_lo", "upper_honest": "honest_hi"}
    table = effects.to_frame().rename(columns={**LIMITS, **honest}).assign(policy_code=policy)
    earlier = _earlier(y, start, points, spec, clusters)
    beside = {"p_placebo": lots["p"], "n_placebo": lots["n_draws"]}
    for name, values in {**beside, **{f"{name}_earlier": earlier[name] for name in earlier}}.items():
        table[name] = table["term"].map(values).where(table["estimator"] == "imputation")
    counts = {
        "n_pilots": int((start[has_values] <= years[-1]).sum()),
        "n_controls": effects.n_controls,
        "n_left_out": effects.n_left_out,
        "n_obs": int(y.notna().to_numpy().sum()),
    }
    events = effects.events.rename(columns=LIMITS).assign(policy_code=policy, n_obs=counts["n_obs"])
    return {"pilot_effect": table.assign(p_pretrend_all=effects.p_pretrend, **counts), "pilot_event": events}


def _earlier(
    y: pd.DataFrame, start: pd.Series, points: pd.DataFrame, spec: PilotSpec, clusters: ObjectArray
) -> pd.DataFrame:
    """The imputed effects of earlier dates by term; no rows where there are too few years or cities before."""
    try:
        years, edges = [int(year) for year in y.columns], spec.edges_km
        table = placebo_dates(y, start, points, years, edges, shift=spec.shift, clusters=clusters).table
    except PanelInputError:
        return pd.DataFrame(columns=["estimate", "se", "p"], dtype=float)
    table = table[table["n_cities"] >= LEAST_BEFORE]
    return rows_with(table, estimator="imputation").set_index("term")[["estimate", "se", "p"]]


def _inputs(world: World, policy: str) -> tuple[pd.DataFrame, pd.Series, pd.DataFrame]:
    """y (NaN outside the sample) of the longest segment of years, start and coordinates of every city that the source
    of the policy lists.

    A pilot without an index still has neighbours. A city that the source does not list may be a pilot: it is left out.
    """
    start = rows_with(world.frames["pilot"], policy_code=policy).set_index("city_id")["start_year"].astype(float)
    points = world.frames["city"].set_index("city_id")[PLACE].astype(float)
    cities = start.index.intersection(points.index).sort_values()
    sample = world.sample
    y = pd.DataFrame(sample.y_by_year, index=list(sample.cities), columns=list(sample.years)).loc[:, sample.is_longest]
    return y.reindex(cities), start.reindex(cities), points.reindex(cities)
