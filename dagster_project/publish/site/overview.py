"""The first page: the finding as its title, what is not supported, the ranking, four cards."""

from typing import Any

from markupsafe import Markup

from dagster_project.publish.exhibits.exhibit import number
from dagster_project.publish.exhibits.reader import Reader
from dagster_project.publish.site import findings

RANKED_SQL = """
select s.city_id, city.name, s.score_100 as score, s.rank_year as rank, u.rank_p05 as lo, u.rank_p95 as hi,
    count(*) over () as n
from mart.mart_index_score as s join city using (city_id)
left join mart.mart_index_uncertainty as u using (index_code, basis, city_id, year)
where s.index_code = $index and s.basis = $basis and s.weight_scheme = $scheme and s.year = $last
    and s.score is not null
order by s.rank_year, s.city_id limit 20
"""


def bar(low: Any, high: Any, middle: Any, n: int) -> Markup:
    """Rank and its range on a line from 1 to n."""

    def x(rank: float) -> float:
        return 3 + 114 * (rank - 1) / max(1, n - 1)

    line = '<line x1="{:.1f}" x2="{:.1f}" y1="6" y2="6" stroke="var(--a)" stroke-width="4" stroke-opacity=".5"/>'
    span = line.format(x(low), max(x(high), x(low) + 1)) if low is not None else ""
    dot = f'<circle cx="{x(middle):.1f}" cy="6" r="3" fill="var(--a)"/>' if middle is not None else ""
    return Markup(
        '<svg class="bar" viewBox="0 0 120 12" width="120" height="12" aria-hidden="true"><line x2="120" y1="6" y2="6"'
        f' stroke="var(--grid)"/>{span}{dot}</svg>'
    )


def spark(values: list[float | None], width: int = 90, height: int = 22) -> Markup:
    """A small line; nothing for fewer than two values."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return Markup("")
    low, span = min(known), (max(known) - min(known)) or 1.0
    points = [
        f"{3 + (width - 6) * k / (len(values) - 1):.0f},{height - 3 - (height - 6) * (v - low) / span:.0f}"
        for k, v in enumerate(values)
        if v is not None
    ]
    x, y = points[-1].split(",")
    return Markup(
        f'<svg class="spark" viewBox="0 0 {width} {height}" width="{width}" height="{height}" aria-hidden="true">'
        f'<path d="M{"L".join(points)}" fill="none" stroke="var(--a)" stroke-width="1.5"/>'
        f'<circle cx="{x}" cy="{y}" r="2.2" fill="var(--a)"/></svg>'
    )


def headline(reader: Reader) -> findings.Said:
    """The finding, no more than the ranges of the ranks allow."""
    own = findings.overview()
    return [*findings.said(reader, own["headline"]), *findings.said(reader, own["bare"])][0]


def findings_held(reader: Reader) -> list[findings.Said]:
    """What the files say about the findings that the study set out to test; nothing where no regression was planned."""
    return [said for claim in findings.overview()["findings"] for said in findings.said(reader, claim)]


def cards(reader: Reader) -> list[dict[str, Any]]:
    """Level, gap, movers, trust: one sentence, one small line, one link each; without those that cannot be said."""
    made = []
    for card in findings.overview()["cards"]:
        slug, question, claim = card.get("same", ("", 0, 0))
        held = findings.pages()[slug]["questions"][question]["claims"][claim] if slug else card
        found = findings.said(reader, held)
        series = reader.rows(card["spark"]) if "spark" in card and reader.has(*card["marts"]) else []
        if found:
            line = spark([row["v"] for row in series])
            title = reader.words.gettext(card["title"])
            made.append({"title": title, "href": card["href"], "said": found[0], "spark": line})
    return made


def top(reader: Reader) -> list[dict[str, Any]]:
    """The first rows of the ranking for readers without scripts."""
    return [
        {**row, "score": number(row["score"], 1), "bar": bar(row["lo"], row["hi"], row["rank"], row["n"])}
        for row in reader.rows(RANKED_SQL)
    ]
