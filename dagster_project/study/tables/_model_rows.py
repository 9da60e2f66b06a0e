"""What the tables of every regression share: their keys, the row that says done or skipped, and joining."""

import pandas as pd

from dagster_project.study.tables._panel_spec import PanelSpec

KEYS = ["basis", "index_code", "weight_scheme", "model_id"]


def model_keys(spec: PanelSpec, basis: str) -> dict[str, str]:
    """Values of KEYS."""
    return dict(zip(KEYS, (basis, spec.y.code, spec.y.weight_scheme, spec.model_id), strict=True))


def run_row(spec: PanelSpec, basis: str, analysis: str, variant: str, reason: str) -> pd.DataFrame:
    """One row: an analysis of a regression was done, or skipped with the reason."""
    row = {"analysis": analysis, "variant": variant, "status": "skipped" if reason else "done", "skip_reason": reason}
    return pd.DataFrame([{**model_keys(spec, basis), **row}])


def joined(parts: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    """All parts with exactly these columns; an empty table has them too."""
    full = [part for part in parts if not part.empty]
    if not full:
        return pd.DataFrame(columns=columns)
    # a column that one part lacks must not turn the others into objects
    return pd.concat([part.dropna(axis=1, how="all") for part in full], ignore_index=True).reindex(columns=columns)
