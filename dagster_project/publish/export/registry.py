"""The paper tables by their code, T1 to T20."""

from __future__ import annotations

from dagster_project.publish.export import tables_models, tables_scores
from dagster_project.publish.export.paper import PaperTable

TABLES: dict[str, PaperTable] = {
    value.code: value
    for module in (tables_scores, tables_models)
    for value in vars(module).values()
    if isinstance(value, PaperTable)
}
