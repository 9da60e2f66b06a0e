"""Charts as SVG for readers without scripts, drawn with the work divided between this process and a second one.

Nearly all of the time goes into measuring texts: vl-convert looks through the fonts for each of them. So one plain
family is named (a list of families takes more than twice as long), and the names leave the drawing: its letters are
those of the page. No chart is drawn twice in one process.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import vl_convert

PROJECT = Path(__file__).resolve().parents[2]
FAMILY = "sans-serif"
KEPT = 256  # drawings: the same charts stand in many reports of one process
FEW = 8  # are drawn here: a second process takes half a second to start
_kept: dict[str, str] = {}


def drawn(specs: Sequence[str], config: str, version: str) -> list[str]:
    """The SVG of each spec (JSON, its width set) under `config` (JSON), in their order. `version` of Vega-Lite."""
    keys = [hashlib.sha256(f"{version}{config}{spec}".encode()).hexdigest() for spec in specs]
    wanted = {key: spec for key, spec in zip(keys, specs, strict=True) if key not in _kept}
    made = dict(zip(wanted, _divided(list(wanted.values()), config, version), strict=True))
    found = [made[key] if key in made else _kept[key] for key in keys]
    _kept.update(made)
    for key in list(_kept)[:-KEPT]:
        del _kept[key]
    return found


def one_by_one(specs: Sequence[str], config: str, version: str) -> list[str]:
    """The same in this process alone."""
    settings = {**json.loads(config), "font": FAMILY}
    return [_plain(vl_convert.vegalite_to_svg(spec, vl_version=version, config=settings)) for spec in specs]


def _plain(svg: str) -> str:
    """One decimal is finer than a pixel; the family is that of the page."""
    return re.sub(r"(\.\d)\d+", r"\1", svg).replace(f' font-family="{FAMILY}"', "")


def _divided(specs: list[str], config: str, version: str) -> list[str]:
    if len(specs) <= FEW or (os.cpu_count() or 1) < 2:
        return one_by_one(specs, config, version)
    order = sorted(range(len(specs)), key=lambda k: -len(specs[k]))  # long specs take long: deal them out in turns
    theirs, ours = order[::2], order[1::2]
    said: list[str] = []
    other = threading.Thread(target=lambda: said.extend(_apart([specs[k] for k in theirs], config, version)))
    other.start()
    own = one_by_one([specs[k] for k in ours], config, version)
    other.join()
    if len(said) != len(theirs):  # the second process broke off: its part is drawn here, with its error if it has one
        said = one_by_one([specs[k] for k in theirs], config, version)
    made = dict(zip([*theirs, *ours], [*said, *own], strict=True))
    return [made[k] for k in range(len(specs))]


def _apart(specs: list[str], config: str, version: str) -> list[str]:
    """What a second Python gives; nothing if it could not."""
    asked = json.dumps([specs, config, version])
    path = os.pathsep.join([str(PROJECT), *filter(None, [os.environ.get("PYTHONPATH", "")])])
    own = {**os.environ, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, "-m", "dagster_project.publish.site.drawings"],
        input=asked,
        env=own,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    return json.loads(done.stdout) if done.returncode == 0 else []  # type: ignore[no-any-return]


if __name__ == "__main__":
    json.dump(one_by_one(*json.load(sys.stdin)), sys.stdout)
