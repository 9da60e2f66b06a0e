"""The city-year panel, or any rows, as a Stata 14+ file (format 118, UTF-8) with labels, units, notes, value labels.

Labels stand in two languages: `label language zh` switches to Chinese, `label language en` back. A file of Stata keeps
such things as characteristics (_lang_list, _lang_v_<language>, note<k>), which pandas leaves empty.
"""

import io
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from dagster_project.publish.exhibits.reader import SYNTHETIC, ExportError, Scope
from dagster_project.publish.paper.city_panel import CityPanel

MAX_NAME, MAX_LABEL, MAX_TEXT = 32, 80, 500
NAME_BYTES = 129  # of a name in a characteristic, with the zero that ends it
ID = "city"  # what xtset takes: the six digits of city_id


def to_stata(panel: CityPanel, scope: Scope, notes: Sequence[str] = ()) -> bytes:
    """The file. Units stand in the variable labels, cut at 80 characters from the name, not from the unit.

    `city` is a number (the six digits of city_id, labelled by the name): `xtset city year`. `notes`: of the whole data.
    Raises ExportError if a name is longer than the 32 characters that Stata takes.
    """
    long = [str(name) for name in panel.frame.columns if len(str(name)) > MAX_NAME]
    if long:
        raise ExportError(f"Stata takes names of at most {MAX_NAME} characters; too long: {', '.join(long)}.")
    panel = _with_id(panel)
    frame = _as_stata_takes(panel.frame)
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
        variable_labels={name: variable_label(panel, name) for name in names},
        value_labels={name: {float(k): text for k, text in words.items()} for name, words in panel.values.items()},
    )
    return _with_parts(buffer.getvalue(), _notes(panel, names, notes), panel.values_zh)


def variable_label(panel: CityPanel, name: str) -> str:
    """name (unit), at most 80 characters."""
    return _fitted(panel.labels.get(name, name), panel.units.get(name, ""))


def _fitted(text: str, unit: str) -> str:
    tail = f" ({unit})" if unit else ""
    return text[: max(0, MAX_LABEL - len(tail))] + tail[:MAX_LABEL]


def _with_id(panel: CityPanel) -> CityPanel:
    """With a number for every city that has one in its id."""
    if "city_id" not in panel.frame or ID in panel.frame:
        return panel
    digits = panel.frame["city_id"].astype(str).str.extract(r"(\d{1,9})$")[0]
    if digits.isna().any():
        return panel
    frame = panel.frame.copy()
    frame.insert(0, ID, digits.astype("int32"))
    names = [column for column in ("name_en", "name_zh") if column in frame]
    named = [{ID: dict(zip(frame[ID].tolist(), frame[name].astype(str).tolist(), strict=True))} for name in names]
    return CityPanel(
        frame,
        {ID: "City as a number: xtset city year", **panel.labels},
        panel.units,
        {**(named[0] if named else {}), **panel.values},
        {ID: "城市（数字标识）", **panel.labels_zh},
        {**(named[-1] if "name_zh" in names else {}), **panel.values_zh},
    )


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


def _notes(panel: CityPanel, names: Sequence[str], notes: Sequence[str]) -> list[tuple[str, str, str]]:
    """Characteristics: (variable or _dta, name, text)."""
    held = [("_dta", f"note{k}", text) for k, text in enumerate(notes, start=1)]
    if notes:
        held.append(("_dta", "note0", str(len(notes))))
    if not panel.labels_zh:
        return held
    held += [("_dta", "_lang_c", "en"), ("_dta", "_lang_list", "en zh")]
    for name in names:
        unit = panel.units.get(name, "")
        held.append((name, "_lang_v_zh", _fitted(panel.labels_zh.get(name, panel.labels.get(name, name)), unit)))
        if name in panel.values_zh:
            held.append((name, "_lang_l_zh", _in_chinese(name)))
        elif name in panel.values:
            held.append((name, "_lang_l_zh", name))
    return held


def _in_chinese(name: str) -> str:
    return f"{name[: MAX_NAME - 3]}_zh"


def _with_parts(content: bytes, held: Sequence[tuple[str, str, str]], values: Mapping[str, Mapping[int, str]]) -> bytes:
    """The file with characteristics and with more value labels; its map of 14 places is moved accordingly."""
    start = content.index(b"<map>") + len(b"<map>")
    places = list(struct.unpack("<14Q", content[start : start + 14 * 8]))
    characteristics = b"<characteristics>" + b"".join(_characteristic(*one) for one in held) + b"</characteristics>"
    labels = b"".join(_value_label(_in_chinese(name), words) for name, words in values.items() if words)
    last = places[12] - len(b"</value_labels>")
    longer = len(characteristics) - (places[9] - places[8])
    places = [place + (longer if k > 8 else 0) + (len(labels) if k > 11 else 0) for k, place in enumerate(places)]
    body = content[start + 14 * 8 :]
    data, end = places[9] - longer - start - 14 * 8, last - start - 14 * 8
    empty = data - len(b"<characteristics></characteristics>")
    parts = (body[:empty], characteristics, body[data:end], labels, body[end:])
    return content[:start] + struct.pack("<14Q", *places) + b"".join(parts)


def _characteristic(variable: str, name: str, text: str) -> bytes:
    content = _padded(variable) + _padded(name) + text.encode() + b"\0"
    return b"<ch>" + struct.pack("<I", len(content)) + content + b"</ch>"


def _value_label(name: str, words: Mapping[int, str]) -> bytes:
    """Length, name, three bytes of room, then the table: n, length of the text, place and number of each, the text."""
    numbers = sorted(words)
    texts = [words[number].encode() + b"\0" for number in numbers]
    places = [sum(map(len, texts[:k])) for k in range(len(texts))]
    n, text = len(numbers), b"".join(texts)
    table = struct.pack(f"<II{n}I{n}i", n, len(text), *places, *numbers) + text
    return b"<lbl>" + struct.pack("<I", len(table)) + _padded(name) + b"\0\0\0" + table + b"</lbl>"


def _padded(name: str) -> bytes:
    return name.encode()[: NAME_BYTES - 1].ljust(NAME_BYTES, b"\0")
