"""Specifications of readers: a YAML or TOML file, or a mapping; every key is known, and what is wrong is named."""

import datetime as dt
import tomllib
from collections.abc import Collection, Hashable, Mapping
from pathlib import Path
from typing import Any

import yaml

from dagster_project.publish.exhibits.reader import ExportError
from dagster_project.publish.own.coinr import coinr_spec

type Given = Path | Mapping[str, Any]


class _Once(yaml.SafeLoader):
    """YAML in which a key may come once: a second one would silently win."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = [key for key in keys if keys.count(key) > 1]
        if twice:
            raise yaml.constructor.ConstructorError(None, None, f"'{twice[0]}' stands twice", node.start_mark)
        return super().construct_mapping(node, deep)


def read_spec(source: Given, keys: Collection[str], needs: Collection[str] = ()) -> tuple[dict[str, Any], Path]:
    """The mapping, and the folder from which it names files. Raises ExportError for what is unknown or unreadable."""
    if isinstance(source, Mapping):
        spec, folder, where = dict(source), Path(), "the specification"
    else:
        spec, folder, where = _from_file(source), source.parent, source.name
        spec.setdefault("name", source.stem)
    check_keys(spec, keys, where)
    for key in needs:
        if key not in spec:
            raise ExportError(f"{where} has no '{key}'. Keys: {', '.join(keys)}.")
    return spec, folder


def check_keys(spec: Mapping[str, Any], keys: Collection[str], where: str) -> None:
    """Raises ExportError for a key that nothing would read."""
    unknown = [str(key) for key in spec if key not in keys]
    if unknown:
        raise ExportError(f"{where}: '{unknown[0]}' is no key here. Keys: {', '.join(keys)}.")


def _from_file(file: Path) -> dict[str, Any]:
    if file.suffix.lower() == ".xlsx":
        return coinr_spec(file)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ExportError(f"{file} cannot be read as UTF-8 text: {error}.") from error
    try:
        content = tomllib.loads(text) if file.suffix.lower() == ".toml" else yaml.load(text, _Once)
    except (tomllib.TOMLDecodeError, yaml.YAMLError) as error:
        raise ExportError(f"{file.name} is no {file.suffix[1:] or 'YAML'}: {' '.join(str(error).split())}.") from error
    if not isinstance(content, dict):
        raise ExportError(f"{file.name} must hold keys and values, e.g. `name: my_index`.")
    return content


def years_of(value: Any, key: str) -> list[int] | None:
    """2021, 2012-2021 or a list of years; None stays None."""
    parts = value if isinstance(value, list) else [value]
    if value is None:
        return None
    years: list[int] = []
    for part in parts:
        if isinstance(part, bool | float | dt.date):
            part = ""
        first, _, last = str(part).replace(" ", "").partition("-")
        if not (first.isdigit() and (last or first).isdigit() and int(first) <= int(last or first)):
            raise ExportError(f"{key}: '{part}' is no year; write 2021, 2012-2021, or [2012, 2016, 2021].")
        years += range(int(first), int(last or first) + 1)
    return sorted(set(years))


def one_of(value: Any, choices: Collection[str], key: str) -> str:
    """`value` if it is known. Raises ExportError with what is."""
    if not isinstance(value, str) or value not in choices:
        raise ExportError(f"{key}: '{value}' is not known. Use one of {', '.join(choices)}.")
    return value


def listed(value: Any, key: str) -> list[str]:
    """A code or a list of codes as a list."""
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(code, str) for code in items):
        raise ExportError(f"{key} must be a code or a list of codes, got {value!r}.")
    return items
