"""Orchestration of the warehouse: assets, jobs, schedules, the command line and the report.

What belongs here: the order of work, files, connections, messages. What does not: formulas (python_models),
meaning of data (dbt seeds and SQL), rules about a file's quality (expectations).
"""
