"""Colours of the page and of its charts, light and dark, in one place.

Charts name colours as CSS variables, so that one drawing serves light screens, dark screens and paper. Text reaches
4.5:1 on its background, marks 3:1. Score classes are viridis, ordered so that a higher class stands out more;
coverage classes stand out more the more is missing.
"""

from __future__ import annotations

FONT = (
    'system-ui, -apple-system, "Segoe UI", "Noto Sans", "PingFang SC", "Microsoft YaHei", '
    '"Noto Sans CJK SC", sans-serif'
)
N_CLASSES = 6

LIGHT = {
    "page": "#ffffff",
    "panel": "#f5f6f8",
    "ink": "#1b1f24",
    "muted": "#545c66",
    "line": "#d5d9df",
    "grid": "#e3e6ea",
    "link": "#0b5cad",
    "a": "#1f6fb2",
    "b": "#b8590a",
    "d": "#1d7a3f",
    "e": "#8a3fa0",
    "blank": "#eceef1",
    "hatch": "#b4bac2",
    "border": "#7b838d",
    "warn": "#fff3d6",
    "warnline": "#b07a00",
    "alarm": "#b00020",
    "alarmink": "#ffffff",
    "c0": "#fde725",
    "c1": "#7ad151",
    "c2": "#22a884",
    "c3": "#2a788e",
    "c4": "#414487",
    "c5": "#440154",
    "g0": "#7a2d04",
    "g1": "#b84f06",
    "g2": "#e88a24",
    "g3": "#f9bd57",
    "g4": "#fbe7b5",
    "g5": "#f3f1ea",
    "onstrong": "#ffffff",
    "onpale": "#1b1f24",
}
DARK = {
    "page": "#14171b",
    "panel": "#1d2127",
    "ink": "#e8eaed",
    "muted": "#aab2bc",
    "line": "#3a414b",
    "grid": "#2c323a",
    "link": "#7db8f2",
    "a": "#5aa5e6",
    "b": "#e8954a",
    "d": "#5fc27e",
    "e": "#c78be0",
    "blank": "#23282f",
    "hatch": "#4c5661",
    "border": "#8b949e",
    "warn": "#33290f",
    "warnline": "#d6a32a",
    "alarm": "#ff8a93",
    "alarmink": "#14171b",
    "c0": "#4a2a75",
    "c1": "#414f96",
    "c2": "#2a788e",
    "c3": "#22a884",
    "c4": "#7ad151",
    "c5": "#fde725",
    "g0": "#ffd28a",
    "g1": "#e39a3b",
    "g2": "#9a6314",
    "g3": "#6f5120",
    "g4": "#4d4022",
    "g5": "#222a31",
    "onstrong": "#14171b",
    "onpale": "#ffffff",
}


def var(name: str) -> str:
    """The colour as a chart names it."""
    if name not in LIGHT:
        raise KeyError(f"No colour {name!r}; known: {', '.join(LIGHT)}.")
    return f"var(--{name})"


def css_variables(colours: dict[str, str]) -> str:
    """`--name: colour;` for every colour."""
    return " ".join(f"--{name}: {value};" for name, value in colours.items())


def vega_config() -> dict[str, object]:
    """Vega-Lite config of every chart: fonts, text, axes. Colours of marks stand in the specs."""
    muted, border = var("muted"), var("border")
    text = {
        "labelColor": muted,
        "titleColor": muted,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
    }
    return {
        "background": None,
        "font": FONT,
        "aria": False,
        "view": {"stroke": None},
        "axis": {**text, "gridColor": var("grid"), "domainColor": border, "tickColor": border},
        "title": {
            "color": var("ink"),
            "subtitleColor": muted,
            "fontSize": 14,
            "subtitleFontSize": 12,
            "anchor": "start",
            "fontWeight": 600,
            "offset": 10,
        },
    }
