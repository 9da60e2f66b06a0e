"""How charts get into one file that asks the network for nothing, and how data from the file stay data.

The page carries Vega once, its specs as JSON data blocks, and a content security policy that names the two scripts
by hash: the browser runs nothing else and opens no connection, whatever a name in the data may contain.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Set
from functools import cache
from typing import Any

import altair as alt
import vl_convert
from markupsafe import Markup

from dagster_project.publish.site import drawings

NARROW, WIDE = 340, 640  # pixels


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


def static_svgs[Key](
    specs: Mapping[Key, dict[str, Any]], config: dict[str, Any], *, narrow: Set[Key]
) -> dict[Key, Markup]:
    """The charts of all pages as SVG for readers without scripts. `narrow`: those that stand three in a row.

    vl-convert escapes the text of marks.
    """
    texts = [json.dumps({**spec, "width": NARROW if key in narrow else WIDE}) for key, spec in specs.items()]
    svgs = drawings.drawn(texts, json.dumps(config), _vl_version())
    return {key: Markup(svg) for key, svg in zip(specs, svgs, strict=True)}


def policy(*scripts: str) -> str:
    """Content security policy of a page with exactly these inline scripts."""
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts)
    closed = "default-src 'none'; base-uri 'none'; form-action 'none'"
    return f"{closed}; script-src {hashes}; style-src 'unsafe-inline'; img-src data:"


def _vl_version() -> str:
    major, minor = alt.SCHEMA_VERSION.lstrip("v").split(".")[:2]
    return f"{major}.{minor}"
