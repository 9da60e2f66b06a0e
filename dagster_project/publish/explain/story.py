"""The short answer: where a city stands, what moved it since the year before, and what to keep in mind. One screen.

Scores are in points (0 to 100). The parts of a change are exact: bounds and weights are fixed on the frozen basis.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from dagster_project.figures import grouped
from dagster_project.publish.explain.queries import Explanation
from dagster_project.publish.locale import catalogue, msg

type Say = Callable[..., str]
MOVERS = 5
IMPUTED = ("suspected_fill", "interpolated_linear", "interpolated_loglinear", "donor_growth", "carried_forward")
MARKS = {
    "is_winsorised": msg("{n} winsorised"),
    "is_capped": msg("{n} capped"),
    "out_of_base_range": msg("{n} out of range"),
}
DOUBTED = {
    "pending": msg("{n} of a figure under question, used as printed ({weight} % of the weight)"),
    "withheld": msg("{n} of a figure under question, left out until a person answers ({weight} % of the weight)"),
}


@dataclass(frozen=True)
class Part:
    """One indicator in the story: points that it moved the score by (or gave), its value, where that was printed."""

    points: float
    code: str
    name: str
    value: str
    printed: str

    @property
    def texts(self) -> tuple[str, str, str]:
        return self.name, self.value, self.printed


@dataclass(frozen=True)
class Story:
    """The answer in pieces; `headline` says what the parts are."""

    title: str
    score: str
    rank: str
    moved: str
    headline: str
    parts: list[Part]
    rest: str
    caveats: list[str]
    more: list[str]
    labels: tuple[str, str, str, str, str]


def story(x: Explanation, language: str = "en") -> Story:
    """Everything that fits on a screen."""
    say = catalogue(language).say
    before = x.part(x.index["index_code"], x.year - 1)
    points = 100 * (x.cells["contribution"] if before is None else _changes(x))
    order = points.abs().sort_values(ascending=False, kind="stable").index
    movers = order[:MOVERS]
    since = say("What moved it most since {year}, points of the score:", year=x.year - 1)
    return Story(
        title=say(
            "{city} in {year}: {index}",
            city=f"{x.city.name_zh} {x.city.name_en} ({x.city.city_id})",
            year=x.year,
            index=f"{x.index['title_zh']} / {x.index['title_en']} ({x.index['index_code']})",
        ),
        score=_score(say, x, before),
        rank=_rank(say, x, before),
        moved=_dimensions(x, before),
        headline=say("What it is made of most, points of the score:") if before is None else since,
        parts=[_part(say, x, x.cells.loc[k], points[k], before is not None) for k in movers],
        rest=_rest(say, points, order[MOVERS:], x),
        caveats=_caveats(say, x, before),
        more=[x.command("--full"), x.command(x.cells.loc[order[0], "indicator_code"])],
        labels=(say("score"), say("rank"), say("parts"), say("Keep in mind:"), say("More:")),
    )


def _changes(x: Explanation) -> pd.Series:
    return x.cells["contribution"] - x.cells["contribution_before"].fillna(0)


def _score(say: Say, x: Explanation, before: pd.Series | None) -> str:
    now = f"{x.score['score_100']:.2f}"
    if before is None:
        return say("{now} of 100; no score in {year}", now=now, year=x.year - 1)
    change, old = f"{x.score['score_100'] - before['score_100']:+.2f}", f"{before['score_100']:.2f}"
    return say("{now} of 100, {change} since {year} ({old})", now=now, change=change, year=x.year - 1, old=old)


def _rank(say: Say, x: Explanation, before: pd.Series | None) -> str:
    text = say("{rank} of {n}", rank=f"{x.score['rank_year']:.0f}", n=x.score["n_cities"])
    if before is None:
        return text
    up, old = int(before["rank_year"] - x.score["rank_year"]), f"{before['rank_year']:.0f}"
    change = msg("up {n} since {year} ({old})") if up > 0 else msg("down {n} since {year} ({old})")
    return f"{text}, {say(change if up else msg('as in {year} ({old})'), n=abs(up), year=x.year - 1, old=old)}"


def _dimensions(x: Explanation, before: pd.Series | None) -> str:
    points = x.cells["contribution"] if before is None else _changes(x)
    parts = (100 * points).groupby(x.cells["dimension"]).sum()
    return ", ".join(f"{name} {value:+.2f}" for name, value in parts.items())


def _part(say: Say, x: Explanation, cell: pd.Series, points: float, has_before: bool) -> Part:
    value = f"{grouped(cell['value'], 4)} {cell['unit']}"
    if has_before and pd.notna(cell["value_before"]):
        value = f"{grouped(cell['value_before'], 4)} -> {value}"
    if cell["direction"] < 0:
        value += f", {say('lower is better')}"
    if cell["value_origin"] in IMPUTED:
        value += f" [{cell['value_origin']}]"
    return Part(points, cell["indicator_code"], f"{cell['name_zh']} / {cell['name_en']}", value, _printed(say, x, cell))


def _printed(say: Say, x: Explanation, cell: pd.Series) -> str:
    """The cell that is most its own: a denominator such as the population serves many indicators."""
    sources = x.sources[x.sources["indicator_code"] == cell["indicator_code"]]
    if sources.empty:
        return say("no printed cell")
    n_indicators = x.sources.groupby("variable_code")["indicator_code"].nunique()
    order = sources["variable_code"].map(n_indicators).sort_values(kind="stable").index
    first = sources.loc[[order[0]]].iloc[0]
    place = " ".join(str(part) for part in (first["file"], first["sheet"], first["cell"]) if part)
    more = f" {say('and {n} more', n=len(sources) - 1)}" if len(sources) > 1 else ""
    figure = first["text"] if pd.isna(first["value"]) else f"{first['value']:,.10g} {first['unit']}"
    return f"{first['variable_code']} = {str(figure)[:40]}: {place}{more}"


def _rest(say: Say, points: pd.Series, others: pd.Index, x: Explanation) -> str:
    """What the indicators that are not shown add up to, and the one that went most against the whole."""
    if others.empty:
        return ""
    rest = points[others]
    text = f"{rest.sum():+.2f}  {say('the other {n} indicators together', n=len(rest))}"
    against = rest[rest * points.sum() < 0]
    if against.empty:
        return text
    worst = against.abs().nlargest(1).index
    code, change = x.cells["indicator_code"][worst].item(), against[worst].item()
    return text + say("; most against the whole: {code} {change}", code=code, change=f"{change:+.2f}")


def _caveats(say: Say, x: Explanation, before: pd.Series | None) -> list[str]:
    caveats = [_interval(say, x, before), _doubtful_values(say, x)]
    if x.score["is_provisional"]:
        caveats.append(say("provisional: the sources of this year may still change"))
    if before is not None and x.cells["contribution_before"].isna().any():
        words = msg("some indicators have no value in {year}; their whole contribution counts as change")
        caveats.append(say(words, year=x.year - 1))
    return caveats


def _interval(say: Say, x: Explanation, before: pd.Series | None) -> str:
    if x.interval is None:
        return say("no interval of the rank: choices are drawn for years of the base window, not at depth quick")
    now, old = x.interval, x.interval_before
    text = say(
        "rank {lo} to {hi} in 90 % of {n} draws of all choices",
        lo=f"{now['rank_p05']:.0f}",
        hi=f"{now['rank_p95']:.0f}",
        n=f"{now['n_draws']:,.0f}",
    )
    if before is None or old is None:
        return text
    apart = now["rank_p95"] < old["rank_p05"] or now["rank_p05"] > old["rank_p95"]
    verdict = msg("; {year}: {lo} to {hi}, apart, so no choice explains the move")
    if not apart:
        verdict = msg("; {year}: {lo} to {hi}, overlapping, so a choice may explain the move")
    return text + say(verdict, year=x.year - 1, lo=f"{old['rank_p05']:.0f}", hi=f"{old['rank_p95']:.0f}")


def _doubtful_values(say: Say, x: Explanation) -> str:
    """How many values are not simply what was printed."""
    doubt_words = doubts(say, x)
    if doubt_words:
        return say("of {n} values: {marked}", n=len(x.cells), marked=", ".join(doubt_words))
    return say("no value of {n} is imputed, cut or outside the base range", n=len(x.cells))


def doubts(say: Say, x: Explanation) -> list[str]:
    """'2 imputed (3.1 % of the weight)', '1 winsorised', ...; nothing where every value is as printed."""
    words = []
    imputed = int(x.cells["value_origin"].isin(IMPUTED).sum())
    if imputed:
        weight = f"{100 * x.score['share_imputed_weight']:.1f}"
        words.append(say("{n} imputed ({weight} % of the weight)", n=imputed, weight=weight))
    for action, sentence in DOUBTED.items():
        codes = x.sources.loc[x.sources["edit_action"] == action, "indicator_code"]
        hit = x.cells["indicator_code"].isin(codes)
        if hit.any():
            words.append(say(sentence, n=int(hit.sum()), weight=f"{100 * x.cells.loc[hit, 'weight'].sum():.1f}"))
    return words + [say(word, n=int(x.cells[name].sum())) for name, word in MARKS.items() if x.cells[name].any()]
