"""How charts get into one file that asks the network for nothing, and how data from the file stay data.

The page carries Vega once, its specs as JSON data blocks, and a content security policy that names the two scripts
by hash: the browser runs nothing else and opens no connection, whatever a name in the data may contain.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import cache, lru_cache
from typing import Any

import altair as alt
import vl_convert
from markupsafe import Markup


def json_block(value: Any) -> Markup:
    """JSON that can stand inside <script type="application/json">: no character in it can end the element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return Markup(text)


@cache
def vega_bundle() -> str:
    """Vega, Vega-Lite and vega-embed of the installed vl-convert, for the Vega-Lite version that Altair writes."""
    return vl_convert.javascript_bundle(vl_version=_vl_version())


def static_svg(spec: dict[str, Any], config: dict[str, Any], *, width: int = 640) -> Markup:
    """The chart as an SVG for readers without scripts. vl-convert escapes the text of marks."""
    return _drawn(json.dumps({**spec, "width": width}), json.dumps(config))


@lru_cache(maxsize=256)
def _drawn(spec: str, config: str) -> Markup:
    """A drawing takes a tenth of a second or more, and the same chart stands in many reports of one process."""
    svg = vl_convert.vegalite_to_svg(spec, vl_version=_vl_version(), config=json.loads(config))
    return Markup(re.sub(r"(\.\d)\d+", r"\1", svg))


def policy(*scripts: str) -> str:
    """Content security policy of a page with exactly these inline scripts."""
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts)
    closed = "default-src 'none'; base-uri 'none'; form-action 'none'"
    return f"{closed}; script-src {hashes}; style-src 'unsafe-inline'; img-src data:"


def _vl_version() -> str:
    major, minor = alt.SCHEMA_VERSION.lstrip("v").split(".")[:2]
    return f"{major}.{minor}"
