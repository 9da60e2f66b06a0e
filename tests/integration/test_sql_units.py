"""dbt's own unit tests: two or three rows in, exact rows out. They read column types from a finished build."""

import os
import subprocess

from dagster_project.paths import dbt_executable
from dagster_project.run.dbt import dbt_environment


def test_sql_unit_tests_pass_on_a_finished_build(copy_of_small_warehouse):
    paths = copy_of_small_warehouse.paths
    command = [str(dbt_executable()), "test", "--select", "test_type:unit", "--project-dir", str(paths.dbt_project)]
    done = subprocess.run(
        command, env={**os.environ, **dbt_environment(paths)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert "PASS=13" in done.stdout


def test_loglinear_gaps_follow_the_formula_between_their_anchors(small_warehouse):
    worst = small_warehouse.published("""
        select count(*) as n, max(abs(value / exp(
            ln(anchor_value_left) + (ln(anchor_value_right) - ln(anchor_value_left))
            * (year - anchor_year_left) / (anchor_year_right - anchor_year_left)
        ) - 1)) as worst
        from mart.mart_indicator_imputation where method = 'interpolated_loglinear'
    """).iloc[0]
    assert worst["n"] > 0
    assert worst["worst"] < 1e-12
