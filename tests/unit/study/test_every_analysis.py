"""What holds of every analysis: its tables have the columns and the key of their marts, whatever the order of rows."""

from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType

import city_frames
import pandas as pd
import panel_frames
import policy_worlds
import pytest
import test_study_county as county_world
import test_study_coupling as coupling_world
import test_study_panel as panel_world
import test_study_production as production_world
import test_study_propagation as propagation_world
import test_study_scores as scores_world
from study_tools import key_of, lacking, settings

from dagster_project.study import (
    convergence,
    county,
    coupling,
    disparity,
    markov,
    panel,
    policy,
    production,
    propagation,
    space,
)
from dagster_project.study.settings import Settings


@dataclass(frozen=True)
class Case:
    """An analysis on a small country. empty: tables without a row there; lacks: columns that none of its rows can have;
    ordered: frames by whose order, that of their query, it draws."""

    analysis: ModuleType
    frames: Callable[[], dict[str, pd.DataFrame]]
    settings: Settings
    empty: set[str] = field(default_factory=set)
    lacks: dict[str, set[str]] = field(default_factory=dict)
    ordered: set[str] = field(default_factory=set)


CASES = {
    "markov": Case(
        markov,
        lambda: city_frames.frames(20, 6, 5),
        settings(markov={"resamples": 9, "permutations": 9, "long_lag": 9}),
    ),
    "space": Case(space, lambda: city_frames.frames(20, 3, 3), settings(space={"permutations": 99, "resamples": 9})),
    "disparity": Case(disparity, scores_world.country, settings(disparity={"bootstrap": 9, "trend": 19})),
    "convergence": Case(
        convergence,
        scores_world.country,
        settings(convergence={"bootstrap": 5, "draws": 3}),
        lacks={"beta_convergence": {"rho"}},  # of a spatial lag, which none of them has
    ),
    "coupling": Case(coupling, coupling_world.country, settings()),
    "county": Case(county, county_world.country, county_world.SETTINGS),
    "policy": Case(policy, policy_worlds.frames, settings(policy={"draws": 5}), ordered={"weights"}),
    "production": Case(production, production_world.country, settings()),
    "propagation": Case(propagation, propagation_world.country, propagation_world.SETTINGS),
    "panel": Case(
        panel,
        lambda: panel_frames.panel_frames(30, range(2012, 2018)),
        settings([panel_world.HEADLINE], panel={"effects": 100}),
        empty={"dynamic_effect", "iv_diagnostic", "gmm_diagnostic"},
        lacks={"panel_fit": {"note"}},
    ),
}


@pytest.fixture(scope="module", params=CASES)
def built(request):
    case = CASES[request.param]
    return case, case.analysis.build(case.frames(), case.settings)


def test_the_tables_are_those_that_are_announced_with_their_columns_and_keys(built):
    case, tables = built
    assert set(tables) == set(case.analysis.TABLES)
    assert lacking(tables) == case.lacks
    assert {name for name, table in tables.items() if table.empty} == case.empty
    for name, table in tables.items():
        key = [column for column in key_of(name) if column in table]
        assert not table.duplicated(key or None).any(), name
        assert "seed" not in table or table["seed"].dropna().eq(case.settings.seed).all(), name


def test_the_order_of_rows_changes_nothing(built):
    case, tables = built
    frames = case.frames().items()
    mixed = {name: f if name in case.ordered else f.sample(frac=1, random_state=3) for name, f in frames}
    again = case.analysis.build(mixed, case.settings)
    for name in set(tables) - case.empty:
        key = [column for column in key_of(name) if column in tables[name]]
        key = key or list(tables[name].select_dtypes(exclude="float"))  # of a table that no mart publishes
        one, two = (found[name].sort_values(key, kind="stable", ignore_index=True) for found in (tables, again))
        pd.testing.assert_frame_equal(two, one, rtol=1e-8, atol=1e-12, obj=name)


def test_nothing_is_made_of_nothing(built):
    case, _ = built
    tables = case.analysis.build({name: frame.iloc[:0] for name, frame in case.frames().items()}, case.settings)
    assert set(tables) == set(case.analysis.TABLES)
    assert {name for name, table in tables.items() if len(table)} <= {"panel_fit", "model_spec"}  # skipped, with reason
