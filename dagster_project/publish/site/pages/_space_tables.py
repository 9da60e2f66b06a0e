"""Tables of the page on space."""

from __future__ import annotations

from collections import Counter

from dagster_project.publish.site import words
from dagster_project.publish.site.pages._marts import HEADLINE_W, Marts, Row, cell, w_name
from dagster_project.publish.site.pages.base import Section, Table, has_rows, rows
from dagster_project.publish.site.words import NONE

STATISTICS = {"moran": "Moran I", "geary": "Geary c", "getis": "general G"}
QUADRANTS = ("HH", "HL", "LH", "LL")
LISTED = 15  # cities of a list


def moran(marts: Marts) -> list[Table]:
    """Global statistics by year for the headline W, and of the last year for every W."""
    found = marts.read("mart_moran_global", "*", "value is not null", order="year, w_code, statistic desc")
    if not found:
        return []
    digits = {"moran": 3, "geary": 3, "getis": 5}
    heads = ["Year", "Statistic", "n", "Value", "Expected", "95 % of random placings", "z", "Permutation p", "Holm p"]

    def line(r: Row, first: str) -> list[str]:
        d = digits.get(r["statistic"], 3)
        around = f"{words.number(r['lo'], d)} to {words.number(r['hi'], d)}"
        return [
            first,
            STATISTICS.get(r["statistic"], r["statistic"]),
            words.number(r["n_obs"]),
            words.number(r["value"], d),
            words.number(r["expected"], d),
            around,
            words.number(r["z"], 1),
            words.p_value(r["p_perm"]),
            words.p_value(r["p_holm"]),
        ]

    own = [line(r, str(r["year"])) for r in found if r["w_code"] == HEADLINE_W]
    year = found[-1]["year"]
    other = [line(r, w_name(r["w_code"])) for r in found if r["year"] == year and r["statistic"] == "moran"]
    return [
        Table.of("moran-w", f"Moran's I of {year} by W", ["W", *heads[1:]], other, n_text=2),
        Table.of(
            "moran-years",
            f"By year, W: {w_name(HEADLINE_W)}",
            heads,
            own,
            n_text=2,
            fold="Figures by year, also Geary and Getis",
        ),
    ]


def lisa(marts: Marts, year: int) -> list[Table]:
    """How many cities are in which class, by W, raw and corrected; the cities that pass."""
    found = marts.read("mart_lisa", "*", "year = ?", [year], "w_code desc, q_bh, city_id")
    body = []
    for code in dict.fromkeys(r["w_code"] for r in found):
        own = [r for r in found if r["w_code"] == code]
        for name, field in (("corrected (FDR 5 %)", "class_fdr"), ("uncorrected (p up to 0.05)", "class_raw")):
            counts = Counter(r[field] for r in own)
            body.append(
                [
                    w_name(code),
                    name,
                    words.number(len(own)),
                    *(words.number(counts[q]) for q in QUADRANTS),
                    words.number(len(own) - sum(counts[q] for q in QUADRANTS)),
                ]
            )
    if not body:
        return []
    made = [
        Table.of(
            "lisa-counts",
            f"Cities by class, {year}. First letter: the city, second: its neighbours",
            ["W", "mid:Test", "n", *QUADRANTS, "None"],
            body,
            n_text=2,
        )
    ]
    sure = [r for r in found if r["w_code"] == HEADLINE_W and r["class_fdr"] in QUADRANTS]
    if sure:
        cities = marts.cities()
        lines = [
            [
                words.both(*cities.get(r["city_id"], (r["city_id"], ""))),
                r["class_fdr"],
                words.number(r["i_local"], 2),
                words.number(r["z"], 2),
                words.number(r["lag_z"], 2),
                words.p_value(r["p_perm"]),
                words.p_value(r["q_bh"]),
            ]
            for r in sure[: 2 * LISTED]
        ]
        more = f", the {len(lines)} with the lowest q of {len(sure)}" if len(sure) > len(lines) else ""
        made.append(
            Table.of(
                "lisa-cities",
                f"Cities that pass the correction, {year}{more}",
                ["City", "Class", "Local I", "Own score, sd", "Neighbours, sd", "Permutation p", "q"],
                lines,
                n_text=2,
            )
        )
    return made


def lisa_markov(marts: Marts) -> list[Table]:
    """Transitions of the quadrants in a year, with the test that own and neighbours' moves are independent."""
    found = marts.read("mart_lisa_markov", "*", "variant = 'quadrant' and lag = 1", order="state_from, state_to")
    if not found:
        return []
    at = {(r["state_from"], r["state_to"]): r for r in found}
    body = []
    for start in QUADRANTS:
        own = [at[start, end] for end in QUADRANTS if (start, end) in at]
        if own:
            cells = [cell(r, "p", 2, lo="lo", hi="hi") + (" †" if r["thin"] else "") for r in own]
            body.append([start, words.number(own[0]["n_row"]), *cells])
    p = words.p_value(found[0]["p_perm"])
    caption = (
        "Quadrants a year later, chance [95 %]. Test that a city and its neighbours move independently: "
        f"permutation p {p}, "
        f"{words.number(found[0]['n_perm'])} draws, n = {words.number(found[0]['n_obs'])} transitions, W: "
        f"{w_name(found[0]['w_code'])}; "
        "† fewer than 5 in the row"
    )
    return [
        Table.of(
            "lisa-markov", caption, ["From", "n", *(f"to {q}" for q in QUADRANTS)], body, fold="How quadrants change"
        )
    ]


def gi(marts: Marts, own: list[Row], year: int) -> list[Table]:
    """The hottest and coldest cities that pass; if none passes, no table. `own`: highest Gi* first."""
    cities = marts.cities()
    hot = [r for r in own if r["gi_class"] == "hot"]
    cold = [r for r in reversed(own) if r["gi_class"] == "cold"]
    made = []
    for name, found in (("hot", hot), ("cold", cold)):
        if found:
            body = [
                [
                    words.both(*cities.get(r["city_id"], (r["city_id"], ""))),
                    words.number(r["gi_star"], 2),
                    words.p_value(r["gi_p"]),
                ]
                for r in found[:LISTED]
            ]
            of = f"the {len(body)} strongest of {len(found)}" if len(found) > len(body) else f"all {len(found)}"
            made.append(
                Table.of(
                    f"gi-{name}",
                    f"Cities in a {name} spot, {year}, {of}; n = {words.cities(len(own))}",
                    ["City", "Gi* (z)", "p (normal)"],
                    body,
                )
            )
    return made


def ellipse(found: list[Row]) -> list[Table]:
    """Centre, half axes and yearly move; the last line is the cities themselves."""
    shown = [r for r in found if r["weight_kind"] == "score"] + [r for r in found if r["weight_kind"] == "unweighted"][
        -1:
    ]
    heads = [
        "Year",
        "n",
        "Longitude, °E",
        "Latitude, °N",
        "East, km [95 %]",
        "North, km [95 %]",
        "Half axes, km",
        "Rotation, °",
        "Move since the year before, km [95 %]",
    ]
    body = [
        [
            str(r["year"]) if r["weight_kind"] == "score" else "cities, each once",
            words.number(r["n_obs"]),
            words.number(r["lon"], 2),
            words.number(r["lat"], 2),
            cell(r, "center_x", 0, factor=0.001),
            cell(r, "center_y", 0, factor=0.001),
            f"{words.number(r['major_km'])} and {words.number(r['minor_km'])}",
            words.number(r["rotation_deg"], 1),
            cell(r, "move_km", 1, lo="move_lo", hi="move_hi") if r["weight_kind"] == "score" else NONE,
        ]
        for r in shown
    ]
    return [Table.of("ellipse", "Centre and ellipse of the scores by year", heads, body)]


def network(found: list[Row]) -> list[Table]:
    """The network by year."""
    heads = [
        "Year",
        "n",
        "Links",
        "Density [95 %]",
        "Reciprocity [95 %]",
        "Across provinces [95 %]",
        "Periphery with a core link",
        "Modularity",
        "Communities",
    ]
    body = [
        [
            str(r["year"]),
            words.number(r["n_obs"]),
            words.number(r["n_links"]),
            cell(r, "density"),
            cell(r, "reciprocity"),
            cell(r, "cross_province_share", lo="cross_province_lo", hi="cross_province_hi"),
            words.number(r["centre_reach_share"], 2),
            words.number(r["modularity"], 2),
            words.number(r["n_communities"]),
        ]
        for r in found
    ]
    return [Table.of("network", "Gravity network by year (shares 0–1)", heads, body)]


def weights(marts: Marts) -> Section | None:
    """Profile of every weight matrix. These marts have no index: they hold for all."""
    if not (has_rows(marts.con, "mart_spatial_weight_profile") and has_rows(marts.con, "dim_weight_matrix")):
        return None
    found = rows(
        marts.con,
        "select p.*, m.note, m.normalisation from mart.mart_spatial_weight_profile as p "
        "left join mart.dim_weight_matrix as m using (w_code) order by p.w_code <> ?, p.w_code",
        [HEADLINE_W],
    )
    heads = [
        "W",
        "wide:What it is",
        "Normalisation",
        "n",
        "Islands tied",
        "Islands left",
        "Neighbours: least, mean, most",
        "Not zero, %",
        "Parts",
        "Eigenvalues",
        "Symmetric",
        "Hash",
    ]
    body = [
        [
            str(r["w_code"]),
            str(r["note"] or ""),
            str(r["normalisation"] or ""),
            words.number(r["n"]),
            words.number(r["n_islands_fixed"]),
            words.number(r["n_islands"]),
            f"{words.number(r['min_nb'])}, {words.number(r['mean_nb'], 1)}, {words.number(r['max_nb'])}",
            words.number(r["pct_nonzero"], 1),
            words.number(r["n_components"]),
            f"{words.number(r['eig_min'], 2)} to {words.number(r['eig_max'], 2)}",
            "yes" if r["is_symmetric"] else "no",
            str(r["sha256"] or "")[:8],
        ]
        for r in found
    ]
    tied = next((r["n_islands_fixed"] for r in found if r["w_code"] == HEADLINE_W), None)
    text = (
        ()
        if not tied
        else (
            f"In the headline W {words.cities(tied)} without a neighbour {words.is_are(tied)} tied to the nearest "
            "city, in both directions.",
        )
    )
    return Section(
        "weights",
        "Weight matrices",
        "空间权重矩阵",
        text,
        (),
        (Table.of("weights", "Profile of the weight matrices; a row receives, a column emits", heads, body, n_text=3),),
        "Hash: first eight digits of the SHA-256 of the normalised links; the whole hash stands in "
        "mart_spatial_weight_profile.",
    )
