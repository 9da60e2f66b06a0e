"""The city-year panel, or any rows, as a Stata 14+ file (format 118, UTF-8) with labels, units and value labels.

Notes and a second language of labels are not written: pandas has no way to, and neither has pyreadstat.
"""

import io
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pandas as pd

from dagster_project.publish.exhibits.reader import SYNTHETIC, ExportError, Scope
from dagster_project.publish.paper.city_panel import CityPanel

MAX_NAME, MAX_LABEL, MAX_TEXT = 32, 80, 500
ID = "city"  # what xtset takes: the six digits of city_id
ID_LABEL = {"en": "City as a number: xtset city year", "zh": "城市（数字标识）"}


def to_stata(panel: CityPanel, scope: Scope, language: str = "en") -> bytes:
    """The file, with labels in the language: en, or zh where there are Chinese ones.

    `city` is a number (the six digits of city_id, labelled by the name): `xtset city year`. Labels of variables hold
    the unit; they and the labels of values are unique. Raises ExportError if a name is longer than the 32 characters
    that Stata takes.
    """
    long = [str(name) for name in panel.frame.columns if len(str(name)) > MAX_NAME]
    if long:
        raise ExportError(f"Stata takes names of at most {MAX_NAME} characters; too long: {', '.join(long)}.")
    labels = {**panel.labels, **(panel.labels_zh if language == "zh" else {})}
    values = {**panel.values, **(panel.values_zh if language == "zh" else {})}
    frame = panel.frame.copy()
    if (numbers := _city_numbers(frame)) is not None:
        frame.insert(0, ID, numbers)
        labels[ID] = ID_LABEL.get(language, ID_LABEL["en"])
        values = {ID: _city_names(frame, language), **values}
    frame = _as_stata_takes(frame)
    names = [str(name) for name in frame.columns]
    mark = f"{SYNTHETIC.split(':')[0]}; " if scope.is_synthetic else ""
    buffer = io.BytesIO()
    frame.to_stata(
        buffer,
        write_index=False,
        byteorder="little",
        version=118,
        convert_strl=[name for name in names if frame[name].dtype == object and frame[name].str.len().max() > MAX_TEXT],
        time_stamp=scope.built,
        data_label=f"{mark}NQPF {scope.release}, basis {scope.basis}"[:MAX_LABEL],
        variable_labels=variable_labels(names, labels, panel.units),
        value_labels={name: {float(k): text for k, text in words.items()} for name, words in values.items() if words},
    )
    return buffer.getvalue()


def variable_labels(names: list[str], labels: Mapping[str, str], units: Mapping[str, str]) -> dict[str, str]:
    """ "label (unit)" by name, at most 80 characters; those that would be alike begin with the name."""
    fitted = {name: _fitted(labels.get(name, name), units.get(name, "")) for name in names}
    count = Counter(fitted.values())
    return {
        name: text if count[text] == 1 else _fitted(f"{name}: {labels.get(name, name)}", units.get(name, ""))
        for name, text in fitted.items()
    }


def _fitted(text: str, unit: str) -> str:
    """What explains the unit goes first, then the middle of the label: what tells labels apart stands at its ends."""
    for tail in (unit, unit.partition(",")[0]):
        tail = f" ({tail})" if tail else ""
        if len(text) + len(tail) <= MAX_LABEL:
            return text + tail
    tail = tail[:30]
    room = MAX_LABEL - len(tail) - 1
    return f"{text[: room - room // 2]}…{text[-(room // 2) :]}{tail}"


def _city_numbers(frame: pd.DataFrame) -> "pd.Series[int] | None":
    """A number for every city, where each has one in its id."""
    if "city_id" not in frame or ID in frame:
        return None
    digits = frame["city_id"].astype(str).str.extract(r"(\d{1,9})$")[0]
    return None if digits.isna().any() else digits.astype("int32")


def _city_names(frame: pd.DataFrame, language: str) -> dict[int, str]:
    """Names of the cities by their numbers; several of one name have their province behind it, or their number."""
    name = "name_zh" if "name_zh" in frame and (language == "zh" or "name_en" not in frame) else "name_en"
    if name not in frame:
        return {}
    names = frame.drop_duplicates(ID).set_index(ID)[[name, *(["province_en"] if "province_en" in frame else [])]]
    texts = names[name].astype(str)
    for beside in (names.iloc[:, -1].astype(str), names.index.astype(str)):
        texts = texts.where(~texts.duplicated(keep=False), texts + " (" + beside + ")")
    return dict(zip(names.index.tolist(), texts.tolist(), strict=True))


def _as_stata_takes(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.copy()
    for name in frame.columns:
        kind = str(frame[name].dtype)
        if kind in ("bool", "boolean"):
            frame[name] = frame[name].astype("Int8")
        elif kind in ("object", "str", "string"):
            whole = frame[name].map(lambda value: value if value is None or isinstance(value, str) else _text(value))
            frame[name] = whole.astype(object).fillna("")
    return frame


def _text(value: Any) -> str:
    if isinstance(value, float) and value != value:
        return ""
    return "; ".join(map(str, value)) if hasattr(value, "__iter__") else str(value)
