"""How a warehouse publishes: by itself, or by hand after a review. `settings.yml` in its folder says so."""

from __future__ import annotations

from dataclasses import dataclass

import yaml

from dagster_project.errors import Refusal
from dagster_project.paths import Paths

BY_HAND, BY_ITSELF = "by_hand", "by_itself"


class SettingsError(Refusal):
    """settings.yml cannot be used; the text says why."""


@dataclass(frozen=True)
class Publishing:
    """by_hand: a refresh builds a candidate, `nqpf release promote` publishes it. two_persons: who examined it may not
    be who signs."""

    by_hand: bool = False
    two_persons: bool = False


def read_publishing(paths: Paths) -> Publishing:
    """What settings.yml says; without the file a warehouse publishes by itself."""
    settings = _settings(paths)
    publish, two = settings.pop("publish", BY_ITSELF), settings.pop("two_persons", False)
    where = f"{paths.settings_file}:"
    if settings:
        raise SettingsError(f"{where} unknown setting {', '.join(map(str, settings))}; known: publish, two_persons.")
    if publish not in (BY_HAND, BY_ITSELF):
        raise SettingsError(f"{where} publish must be {BY_HAND} or {BY_ITSELF}, not {publish!r}.")
    if not isinstance(two, bool):
        raise SettingsError(f"{where} two_persons must be true or false, not {two!r}.")
    return Publishing(publish == BY_HAND, two)


def publish_by_hand(paths: Paths) -> None:
    """From now on, unless settings.yml says something else."""
    settings = _settings(paths)
    if "publish" not in settings:
        scratch = paths.settings_file.with_suffix(".tmp")
        scratch.write_text(yaml.safe_dump({"publish": BY_HAND, **settings}, sort_keys=False), encoding="utf-8")
        scratch.replace(paths.settings_file)


def _settings(paths: Paths) -> dict[str, object]:
    if not paths.settings_file.exists():
        return {}
    try:
        content = yaml.safe_load(paths.settings_file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(f"{paths.settings_file} cannot be read: {' '.join(str(error).split())}.") from error
    if not isinstance(content or {}, dict):
        raise SettingsError(f"{paths.settings_file} must hold lines like `publish: {BY_HAND}`.")
    return dict(content or {})
