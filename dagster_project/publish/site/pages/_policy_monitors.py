"""Sections of the policy page on the monitors of the four principles."""

from __future__ import annotations

from markupsafe import Markup

from dagster_project.publish.site import words
from dagster_project.publish.site.language import said
from dagster_project.publish.site.pages._marts import Marts, Row
from dagster_project.publish.site.pages.base import Section, Table, Text

PRINCIPLES = {
    "compatibility": ("Compatibility", "适配性"),
    "collaborative_networks": ("Collaborative networks", "协同网络"),
    "multi_level_diffusion": ("Multi-level diffusion", "多层级扩散"),
    "regional_integration": ("Regional integration", "区域一体化"),
}
MONITORS = {
    "mean_d": ("Mean coordination of forces and relations", "平均协调度"),
    "mean_d_population": ("Mean coordination, weighted by people", "人口加权平均协调度"),
    "median_d": ("Median coordination", "协调度中位数"),
    "share_synergy": ("Share of cities above the synergy threshold", "达到协同门槛的城市占比"),
    "gap_centre_periphery_d": ("Gap of coordination, centre minus periphery", "中心与外围协调度之差"),
    "share_pr_lagging": ("Share of cities whose relations lag behind", "生产关系滞后城市占比"),
    "network_density": ("Density of the network", "网络密度"),
    "network_reciprocity": ("Reciprocity of the network", "网络互惠性"),
    "network_cross_province": ("Share of links across provinces", "跨省联系占比"),
    "network_centre_reach": ("Periphery that centres reach", "中心可达外围占比"),
    "effect_centre_to_periphery": ("Effect of one centre on the periphery", "单个中心对外围的作用"),
    "effect_on_periphery": ("Effect of all centres on the periphery", "全部中心对外围的作用"),
    "asymmetry_index": ("Asymmetry of centre and periphery", "中心—外围不对称指数"),
    "boundary": ("Reach of the spillover", "溢出边界距离"),
    "half_distance": ("Distance at which the spillover halves", "溢出半衰距离"),
    "link_ratio_centre_periphery_to_centre_centre": (
        "Link centre to periphery over centre to centre",
        "中心—外围与中心—中心联系之比",
    ),
    "link_ratio_periphery_periphery_to_centre_periphery": (
        "Link inside periphery over centre to periphery",
        "外围—外围与中心—外围联系之比",
    ),
    "barrier_index": ("Barrier of province borders", "省界壁垒指数"),
    "segmentation": ("Market segmentation", "市场分割指数"),
    "segmentation_within_province": ("Market segmentation inside provinces", "省内市场分割"),
    "segmentation_across_province": ("Market segmentation across provinces", "跨省市场分割"),
    "segmentation_ratio_across_to_within": ("Segmentation across over inside provinces", "跨省与省内市场分割之比"),
    "between_share_of_gini": ("Share of the Gini between groups", "组间差距占基尼系数比重"),
}
LIGHTS = {
    "green": ("green", "绿", "d", "circle"),
    "amber": ("amber", "黄", "b", "diamond"),
    "red": ("red", "红", "alarm", "square"),
}
SHAPES = {
    "circle": '<circle cx="8" cy="8" r="6"/>',
    "diamond": '<path d="M8 1l7 7-7 7-7-7z"/>',
    "square": '<rect x="2" y="2" width="12" height="12"/>',
}
NOTE = (
    "Lights follow preset bands, a convention that says how a value is read; they are no tests. Where a value has "
    "limits "
    "that reach over a band, the light is as unsure as the value. Change: against the year before, without an interval."
)


def sections(marts: Marts) -> list[Section]:
    """One section: a table for each principle, the nation; the clusters folded."""
    found = marts.read("mart_principle_monitor", "*", order="monitor_code, year")
    nation = [r for r in found if r["level"] == "national"]
    if not nation:
        return []
    last = {
        code: [r for r in nation if r["monitor_code"] == code][-1]
        for code in MONITORS
        if any(r["monitor_code"] == code for r in nation)
    }
    tables = [table for principle in PRINCIPLES if (table := _table(principle, last)) is not None]
    clusters = _clusters(marts, found)
    lit = [r for r in last.values() if r["light"] in LIGHTS]
    counts = {name: sum(r["light"] == name for r in lit) for name in LIGHTS}
    empty = sum(r["value"] is None for r in last.values())
    text = said(
        f"{len(last)} monitors for the nation: {', '.join(f'{n} {name}' for name, n in counts.items())}; "
        f"{empty} without a value, and the others without a band.",
        f"全国共 {len(last)} 项监测指标："
        + "，".join(f"{LIGHTS[k][1]}灯 {n} 项" for k, n in counts.items())
        + f"；{empty} 项无数值，其余不设区间。",
    )
    return [
        Section(
            "monitors",
            "Monitors of the four principles",
            "四项原则监测",
            (text,),
            (),
            (*tables, *([clusters] if clusters else [])),
            NOTE,
        )
    ]


def _table(principle: str, last: dict[str, Row]) -> Table | None:
    own = [r for r in last.values() if r["principle"] == principle]
    if not own:
        return None
    body = [
        (
            said(*MONITORS[r["monitor_code"]]),
            "all years" if r["year"] == 0 else str(r["year"]),
            _value(r),
            words.between(r["lo"], r["hi"]),
            r["unit"] or "",
            words.number(r["change_1y"], 3, sign=True),
            _light(r["light"]),
            _band(r),
            words.number(r["n"]),
            r["note"] or "",
        )
        for r in own
    ]
    heads = ["Monitor", "Year", "Value", "95 % limits", "Unit", "Change", "Light", "Amber between", "n", "Note"]
    kinds = ["mid", "", "num", "num", "mid", "num", "", "num", "num", "mid"]
    return Table(f"monitor-{principle}", PRINCIPLES[principle][0], tuple(zip(heads, kinds, strict=True)), tuple(body))


def _clusters(marts: Marts, found: list[Row]) -> Table | None:
    own = [r for r in found if r["level"] == "cluster" and r["value"] is not None]
    if not own:
        return None
    year = max(r["year"] for r in own)
    body = [
        (
            said(*(part or r["unit_id"] for part in marts.named("cluster19", r["unit_id"]))),
            said(*MONITORS.get(r["monitor_code"], (r["monitor_code"],) * 2)),
            _value(r),
            r["unit"] or "",
            words.number(r["change_1y"], 3, sign=True),
            _light(r["light"]),
            words.number(r["n"]),
        )
        for r in own
        if r["year"] == year
    ]
    heads = ["City cluster", "Monitor", "Value", "Unit", "Change", "Light", "Cities"]
    kinds = ["", "mid", "num", "", "num", "", "num"]
    return Table(
        "monitor-clusters",
        f"Monitors by city cluster, {year}",
        tuple(zip(heads, kinds, strict=True)),
        tuple(body),
        "By city cluster",
    )


def _value(row: Row) -> str:
    value = row["value"]
    return words.NONE if value is None else words.number(value, 1 if abs(value) >= 10 else 3)


def _light(name: str | None) -> Text:
    """Told apart by word and shape, not by colour alone."""
    if name not in LIGHTS:
        return words.NONE
    en, zh, colour, shape = LIGHTS[name]
    mark = Markup('<svg class="light" viewBox="0 0 16 16" aria-hidden="true" fill="var(--{})">{}</svg> ').format(
        colour, Markup(SHAPES[shape])
    )
    return mark + said(en, zh)


def _band(row: Row) -> str:
    if row["better"] == "none" or row["band_low"] is None:
        return words.NONE
    return f"{words.number(row['band_low'], 2)}–{words.number(row['band_high'], 2)}"
