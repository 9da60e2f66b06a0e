"""The only place that imports Dagster: assets, checks, jobs, schedules, sensors, executor."""
