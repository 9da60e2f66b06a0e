"""Group memberships of the 337 cities: schemes, codes and names."""

from typing import Any

import pandas as pd

COLUMNS = ["scheme", "city_id", "group_code", "group_name_zh", "group_name_en", "valid_from", "valid_to", "source"]

# fmt: off
REGIONS = {
    "东部": ("east", "东部地区", "East"), "中部": ("central", "中部地区", "Central"),
    "西部": ("west", "西部地区", "West"), "东北": ("northeast", "东北地区", "Northeast"),
}
# first two digits of the adcode of a province: east, centre and west as the statistics office and the western
# development have them since 2000
THREE_REGIONS = {
    ("east", "东部地区", "East"): "11 12 13 21 31 32 33 35 37 44 46",
    ("central", "中部地区", "Central"): "14 22 23 34 36 41 42 43",
    ("west", "西部地区", "West"): "15 45 50 51 52 53 54 61 62 63 64 65",
}
EIGHT_ZONES = {
    ("zone_northeast", "东北综合经济区", "Northeast zone"): "21 22 23",
    ("zone_north_coast", "北部沿海综合经济区", "Northern coastal zone"): "11 12 13 37",
    ("zone_east_coast", "东部沿海综合经济区", "Eastern coastal zone"): "31 32 33",
    ("zone_south_coast", "南部沿海综合经济区", "Southern coastal zone"): "35 44 46",
    ("zone_middle_yellow", "黄河中游综合经济区", "Middle Yellow River zone"): "14 15 41 61",
    ("zone_middle_yangtze", "长江中游综合经济区", "Middle Yangtze River zone"): "34 36 42 43",
    ("zone_southwest", "西南综合经济区", "Southwestern zone"): "45 50 51 52 53",
    ("zone_northwest", "大西北综合经济区", "Northwestern zone"): "54 62 63 64 65",
}
EAST_CW = {"east": ("east", "东部地区", "East"), "other": ("central_west", "中西部地区", "Central and West")}

# name in city_attributes.csv: code, Chinese name, English name
CLUSTERS = {
    "京津冀": ("beijing_tianjin_hebei", "京津冀城市群", "Beijing-Tianjin-Hebei"),
    "长三角": ("yangtze_delta", "长江三角洲城市群", "Yangtze River Delta"),
    "珠三角": ("pearl_delta", "珠江三角洲城市群", "Pearl River Delta"),
    "成渝": ("chengdu_chongqing", "成渝城市群", "Chengdu-Chongqing"),
    "长江中游": ("middle_yangtze", "长江中游城市群", "Middle Yangtze"),
    "山东半岛": ("shandong_peninsula", "山东半岛城市群", "Shandong Peninsula"),
    "海峡西岸(粤闽浙沿海)": ("strait_west_coast", "粤闽浙沿海城市群", "Guangdong-Fujian-Zhejiang Coast"),
    "中原": ("central_plains", "中原城市群", "Central Plains"),
    "关中平原": ("guanzhong", "关中平原城市群", "Guanzhong Plain"),
    "北部湾": ("beibu_gulf", "北部湾城市群", "Beibu Gulf"),
    "哈长": ("harbin_changchun", "哈长城市群", "Harbin-Changchun"),
    "辽中南": ("central_south_liaoning", "辽中南城市群", "Central and Southern Liaoning"),
    "晋中(山西中部)": ("central_shanxi", "山西中部城市群", "Central Shanxi"),
    "黔中": ("central_guizhou", "黔中城市群", "Central Guizhou"),
    "滇中": ("central_yunnan", "滇中城市群", "Central Yunnan"),
    "呼包鄂榆": ("hohhot_baotou_ordos_yulin", "呼包鄂榆城市群", "Hohhot-Baotou-Ordos-Yulin"),
    "兰州-西宁": ("lanzhou_xining", "兰州—西宁城市群", "Lanzhou-Xining"),
    "宁夏沿黄": ("ningxia_yellow_river", "宁夏沿黄城市群", "Ningxia along the Yellow River"),
    "天山北坡": ("tianshan_north", "天山北坡城市群", "North Slope of Tianshan"),
}
# fmt: on
FIVE = ("京津冀", "长三角", "珠三角", "成渝", "长江中游")
NO_CLUSTER = ("no_cluster", "非城市群", "Outside the 19 clusters")

OFFICIAL_REGIONS = "four regions of the national statistics office"
EAST_CENTRE_WEST = (
    "east, centre and west of the national statistics office, with the provinces of the western development"
)
ZONES = "eight comprehensive economic zones, Development Research Center of the State Council 2005"
CLUSTER_LIST = "19 city clusters, list of 2026 written from the names in the plans: dated and replaceable"
CORE_LIST = "4 municipalities, 15 sub-provincial cities and the other provincial capitals (36)"


def group_rows(attributes: pd.DataFrame) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Columns and rows of city_group.csv.

    Each scheme gives each city one group; the only exception is `east_vs_cw_exne`, which has no row for
    north-eastern cities because they are left out of that comparison. A city in several clusters takes the
    first one listed.
    """
    rows: list[tuple[Any, ...]] = []
    a: Any
    for a in attributes.sort_values("adcode").itertuples():
        clusters = [c for c in a.agglomerations.split("|") if c]
        core = a.core_city_36 == "1"
        first = CLUSTERS[clusters[0]] if clusters else NO_CLUSTER
        five = next((CLUSTERS[c] for c in clusters if c in FIVE), ("other", "其他城市", "Other cities"))
        schemes = {
            "four_region": (*REGIONS[a.region4], OFFICIAL_REGIONS),
            "three_region": (*_by_province(a.adcode, THREE_REGIONS), EAST_CENTRE_WEST),
            "eight_zone": (*_by_province(a.adcode, EIGHT_ZONES), ZONES),
            "east_vs_cw": (*EAST_CW["east" if a.region4 == "东部" else "other"], OFFICIAL_REGIONS),
            "cluster": (*_in_cluster(bool(clusters)), CLUSTER_LIST),
            "cluster19": (*first, CLUSTER_LIST),
            "cluster5": (*five, CLUSTER_LIST),
            "core": (*_core(core), CORE_LIST),
            "core_cluster": (*_core_cluster(core, bool(clusters)), f"{CORE_LIST}; {CLUSTER_LIST}"),
        }
        if a.region4 != "东北":
            schemes["east_vs_cw_exne"] = schemes["east_vs_cw"]
        rows += [(s, "CN" + a.adcode, code, zh, en, None, None, src) for s, (code, zh, en, src) in schemes.items()]
    return COLUMNS, sorted(rows, key=lambda r: (r[0], r[1]))


def _by_province(adcode: str, groups: dict[tuple[str, str, str], str]) -> tuple[str, str, str]:
    return next(group for group, provinces in groups.items() if adcode[:2] in provinces.split())


def _in_cluster(member: bool) -> tuple[str, str, str]:
    if member:
        return "cluster", "城市群城市", "In a city cluster"
    return "non_cluster", "非城市群城市", "Outside city clusters"


def _core(core: bool) -> tuple[str, str, str]:
    return ("core", "核心城市", "Core city") if core else ("periphery", "外围城市", "Peripheral city")


def _core_cluster(core: bool, member: bool) -> tuple[str, str, str]:
    if not member:
        return "outside", "城市群以外", "Outside city clusters"
    if core:
        return "core", "城市群核心城市", "Core of its cluster"
    return "cluster_periphery", "城市群外围城市", "Periphery of its cluster"
