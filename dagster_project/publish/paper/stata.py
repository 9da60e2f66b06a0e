"""The city-year panel as a Stata 14+ file (format 118, UTF-8) with labels, units and value labels."""

from __future__ import annotations

import io

from dagster_project.publish.exhibits.reader import SYNTHETIC, ExportError, Scope
from dagster_project.publish.paper.city_panel import CityPanel

MAX_NAME, MAX_LABEL = 32, 80


def to_stata(panel: CityPanel, scope: Scope) -> bytes:
    """The file. Units stand in the variable labels, cut at 80 characters from the name, not from the unit.

    Raises ExportError if a name is longer than the 32 characters that Stata takes.
    """
    long = [str(name) for name in panel.frame.columns if len(str(name)) > MAX_NAME]
    if long:
        raise ExportError(f"Stata takes names of at most {MAX_NAME} characters; too long: {', '.join(long)}.")
    frame = panel.frame.copy()
    for name in frame.columns:
        if frame[name].dtype == object or str(frame[name].dtype) in ("str", "string"):
            frame[name] = frame[name].astype(object).fillna("")
    mark = f"{SYNTHETIC.split(':')[0]}; " if scope.is_synthetic else ""
    buffer = io.BytesIO()
    frame.to_stata(
        buffer,
        write_index=False,
        version=118,
        time_stamp=scope.built,
        data_label=f"{mark}NQPF {scope.release}, basis {scope.basis}"[:MAX_LABEL],
        variable_labels={str(name): variable_label(panel, str(name)) for name in frame.columns},
        value_labels={name: {float(k): text for k, text in words.items()} for name, words in panel.values.items()},
    )
    return buffer.getvalue()


def variable_label(panel: CityPanel, name: str) -> str:
    """name (unit), at most 80 characters."""
    unit = panel.units.get(name, "")
    tail = f" ({unit})" if unit else ""
    return panel.labels.get(name, name)[: MAX_LABEL - len(tail)] + tail[:MAX_LABEL]
