"""The short answer: where a city stands, what moved it since the year before, and what to keep in mind. One screen.

Scores are in points (0 to 100). The parts of a change are exact: bounds and weights are fixed on the frozen basis.
"""

from dataclasses import dataclass

import pandas as pd

from dagster_project.publish.explain.queries import Explanation

MOVERS = 5
IMPUTED = ("suspected_fill", "interpolated_linear", "interpolated_loglinear", "donor_growth", "carried_forward")
PROVISIONAL = "provisional: the sources of this year may still change"


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


def story(x: Explanation) -> Story:
    """Everything that fits on a screen."""
    before = x.part(x.index["index_code"], x.year - 1)
    points = 100 * (x.cells["contribution"] if before is None else _changes(x))
    order = points.abs().sort_values(ascending=False, kind="stable").index
    movers = order[:MOVERS]
    heading = "What it is made of most" if before is None else f"What moved it most since {x.year - 1}"
    return Story(
        title=f"{x.city.name_zh} {x.city.name_en} ({x.city.city_id}) in {x.year}: "
        f"{x.index['title_zh']} / {x.index['title_en']} ({x.index['index_code']})",
        score=_score(x, before),
        rank=_rank(x, before),
        moved=_dimensions(x, before),
        headline=f"{heading}, points of the score:",
        parts=[_part(x, x.cells.loc[k], points[k], before is not None) for k in movers],
        rest=_rest(points, order[MOVERS:], x),
        caveats=_caveats(x, before),
        more=[x.command("--full"), x.command(x.cells.loc[order[0], "indicator_code"])],
    )


def _changes(x: Explanation) -> pd.Series:
    return x.cells["contribution"] - x.cells["contribution_before"].fillna(0)


def _score(x: Explanation, before: pd.Series | None) -> str:
    now = f"{x.score['score_100']:.2f} of 100"
    if before is None:
        return f"{now}; no score in {x.year - 1}"
    return f"{now}, {x.score['score_100'] - before['score_100']:+.2f} since {x.year - 1} ({before['score_100']:.2f})"


def _rank(x: Explanation, before: pd.Series | None) -> str:
    text = f"{x.score['rank_year']:.0f} of {x.score['n_cities']}"
    if before is not None:
        up = int(before["rank_year"] - x.score["rank_year"])
        word = f"up {up}" if up > 0 else f"down {-up}" if up < 0 else "as"
        text += f", {word} {'in' if up == 0 else 'since'} {x.year - 1} ({before['rank_year']:.0f})"
    return text


def _dimensions(x: Explanation, before: pd.Series | None) -> str:
    points = x.cells["contribution"] if before is None else _changes(x)
    parts = (100 * points).groupby(x.cells["dimension"]).sum()
    return ", ".join(f"{name} {value:+.2f}" for name, value in parts.items())


def _part(x: Explanation, cell: pd.Series, points: float, has_before: bool) -> Part:
    value = f"{cell['value']:,.4g} {cell['unit']}"
    if has_before and pd.notna(cell["value_before"]):
        value = f"{cell['value_before']:,.4g} -> {value}"
    if cell["direction"] < 0:
        value += ", lower is better"
    if cell["value_origin"] in IMPUTED:
        value += f" [{cell['value_origin']}]"
    return Part(points, cell["indicator_code"], f"{cell['name_zh']} / {cell['name_en']}", value, _printed(x, cell))


def _printed(x: Explanation, cell: pd.Series) -> str:
    """The cell that is most its own: a denominator such as the population serves many indicators."""
    sources = x.sources[x.sources["indicator_code"] == cell["indicator_code"]]
    if sources.empty:
        return "no printed cell"
    served = x.sources.groupby("variable_code")["indicator_code"].nunique()
    order = sources["variable_code"].map(served).sort_values(kind="stable").index
    first = sources.loc[[order[0]]].iloc[0]
    place = " ".join(str(part) for part in (first["file"], first["sheet"], first["cell"]) if part)
    more = f" and {len(sources) - 1} more" if len(sources) > 1 else ""
    figure = first["text"] if pd.isna(first["value"]) else f"{first['value']:,.10g} {first['unit']}"
    return f"{first['variable_code']} = {str(figure)[:40]}: {place}{more}"


def _rest(points: pd.Series, others: pd.Index, x: Explanation) -> str:
    """What the indicators that are not shown add up to, and the one that went most against the whole."""
    if others.empty:
        return ""
    rest = points[others]
    text = f"{rest.sum():+.2f}  the other {len(rest)} indicators together"
    against = rest[rest * points.sum() < 0]
    if against.empty:
        return text
    worst = against.abs().nlargest(1).index
    code, change = x.cells["indicator_code"][worst].item(), against[worst].item()
    return f"{text}; most against the whole: {code} {change:+.2f}"


def _caveats(x: Explanation, before: pd.Series | None) -> list[str]:
    caveats = [_interval(x, before), _doubtful_values(x)]
    if x.score["is_provisional"]:
        caveats.append(PROVISIONAL)
    if before is not None and x.cells["contribution_before"].isna().any():
        caveats.append(f"some indicators have no value in {x.year - 1}; their whole contribution counts as change")
    return caveats


def _interval(x: Explanation, before: pd.Series | None) -> str:
    if x.interval is None:
        return "no interval of the rank: the choices are drawn for the years of the base window only"
    now, old = x.interval, x.interval_before
    text = f"rank {now['rank_p05']:.0f} to {now['rank_p95']:.0f} in 90 % of {now['n_draws']:,.0f} draws of all choices"
    if before is None or old is None:
        return text
    apart = now["rank_p95"] < old["rank_p05"] or now["rank_p05"] > old["rank_p95"]
    verdict = "apart, so no choice explains the move" if apart else "overlapping, so a choice may explain the move"
    return f"{text}; {x.year - 1}: {old['rank_p05']:.0f} to {old['rank_p95']:.0f}, {verdict}"


def _doubtful_values(x: Explanation) -> str:
    """How many values are not simply what was printed."""
    marked = doubts(x)
    if marked:
        return f"of {len(x.cells)} values: {', '.join(marked)}"
    return f"no value of {len(x.cells)} is imputed, cut or outside the base range"


def doubts(x: Explanation) -> list[str]:
    """'2 imputed (3.1 % of the weight)', '1 winsorised', ...; nothing where every value is as printed."""
    words = []
    imputed = x.cells["value_origin"].isin(IMPUTED).sum()
    if imputed:
        words.append(f"{imputed} imputed ({100 * x.score['share_imputed_weight']:.1f} % of the weight)")
    for action, what in (("pending", "used as printed"), ("withheld", "left out until a person answers")):
        doubted = x.sources.loc[x.sources["edit_action"] == action, "indicator_code"]
        hit = x.cells["indicator_code"].isin(doubted)
        if hit.any():
            weight = 100 * x.cells.loc[hit, "weight"].sum()
            words.append(f"{hit.sum()} of a figure under question, {what} ({weight:.1f} % of the weight)")
    marks = {"is_winsorised": "winsorised", "is_capped": "capped", "out_of_base_range": "out of range"}
    return words + [f"{int(x.cells[name].sum())} {word}" for name, word in marks.items() if x.cells[name].any()]
