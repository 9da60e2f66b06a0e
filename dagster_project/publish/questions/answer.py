"""The answer to a worked question: figure, unit, interval, origin, sentence in two languages, citation, statement.

A client need do no arithmetic and look nothing up: what an answer does not say was not asked.
"""

import json
import math
import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from dagster_project.figures import grouped
from dagster_project.paths import Paths
from dagster_project.publish.citation import Cited, citation
from dagster_project.publish.explain.cities import City, NoAnswer, the_city
from dagster_project.publish.inert import visible
from dagster_project.publish.questions.catalogue import Parameter, Question, parameters
from dagster_project.published import sql_text

Row = dict[str, Any]
NAMED = 5  # of a list in a sentence
PRINTED = ("observed", "merged_boundary", "relinked")
RUN_SQL = """
select release, data_vintage, method_version, is_synthetic, year(started_at) from mart.mart_run_manifest
order by started_at desc limit 1
"""
UNSCORED_SQL = """
select drop_reason || coalesce('; it has scores of ' || other_indexes, '') from easy.dropped where city_id = ?
"""
NOTHING = {
    "en": "No row in this release answers it; mart.dim_index, mart.mart_panel_fit and mart.mart_influence_run say why.",
    "zh": "本版本没有可回答的数据；原因见mart.dim_index、mart.mart_panel_fit与mart.mart_influence_run。",
}


@dataclass(frozen=True)
class Answer:
    """One answer. `value` with `unit` is the figure, `lo` and `hi` are the ends of `interval_of`; null: none.

    `origin`: observed, edited, imputed or suspected_fill. `flags`: what to keep in mind. `n`: rows of the whole answer,
    of which `rows` may hold the first only. `sentence`, `sentence_zh`: the answer in words, to be quoted as they are.
    `key` names this answer in this release. `statement`: the query behind it.
    """

    question: str
    value: float | str | None
    unit: str | None
    lo: float | None
    hi: float | None
    interval_of: str | None
    origin: str | None
    flags: list[str]
    n: int
    year: int | None
    release: str
    vintage: str
    is_synthetic: bool
    sentence: str
    sentence_zh: str
    citation: str
    key: str
    statement: str
    columns: list[str]
    rows: list[list[Any]]


class _Words(string.Formatter):
    """A missing value is a dash, whatever its format."""

    def get_value(self, key: int | str, args: Any, kwargs: Mapping[str, Any]) -> Any:
        return kwargs.get(str(key))

    def format_field(self, value: Any, format_spec: str) -> str:
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return "–"
        if match := re.fullmatch(r"figure|\.(\d)g", format_spec):
            return grouped(value, int(match[1] or 6))
        if isinstance(value, list):
            more = f" and {len(value) - NAMED} more" if len(value) > NAMED else ""
            return ", ".join(map(str, value[:NAMED])) + more
        return format(value, format_spec)


def _says(text: str, words: Mapping[str, Any]) -> str:
    """What stands in [[ ]] is left out where a value of it is missing."""
    for whole, clause in re.findall(r"(\[\[(.*?)\]\])", text):
        is_known = all(words.get(name) is not None for name in re.findall(r"\{(\w+)", clause))
        text = text.replace(whole, clause if is_known else "")
    return _Words().vformat(text, (), words)


def ask(con: duckdb.DuckDBPyConnection, paths: Paths, question: Question, arguments: Mapping[str, Any]) -> Answer:
    """The answer in the published file. Raises Refusal with what to ask instead."""
    if question.sql is None:
        raise NoAnswer(f"{question.id} is answered by a command: {question.line}")
    arguments_taken, names = values(con, question, arguments)
    statement = with_values(question.sql, arguments_taken)
    result = con.execute(statement)
    columns = [str(column[0]) for column in result.description]
    rows = result.fetchall()
    first = {name: as_data(value) for name, value in zip(columns, rows[0], strict=True)} if rows else {}
    words = {**{f"asked_{name}": value for name, value in arguments_taken.items()}, **first, "n": len(rows)}
    for rule in question.refuse:
        if con.execute(f"select {rule['when']} from ({statement})").fetchall()[0][0]:
            raise NoAnswer(_says(rule["words"], {**names["en"], **words, **arguments_taken}))
    if not rows:
        _why_nothing(con, question, arguments_taken, names["en"])
    says = question.says if rows else {**NOTHING, **question.nothing}
    value, unit, lo, hi, interval_of = question.figure
    return compose(
        con,
        paths,
        question.id,
        list(arguments_taken.values()),
        value=first.get(value or ""),
        unit=first.get("unit") if unit == "unit" else unit,
        lo=first.get(lo or ""),
        hi=first.get(hi or ""),
        interval_of=interval_of,
        origin=_origin(first),
        flags=_flags(first, question),
        n=len(rows),
        year=first.get("year") or (int(arguments_taken["year"]) if "year" in arguments_taken else None),
        sentence=_says(says["en"], {**names["en"], **words}),
        sentence_zh=_says(says["zh"], {**names["zh"], **words}),
        statement=statement,
        columns=columns,
        rows=[list(row) for row in rows],
    )


def compose(con: duckdb.DuckDBPyConnection, paths: Paths, name: str, about: Sequence[Any], **fields: Any) -> Answer:
    """The answer with what every answer says: release, vintage, SYNTHETIC, key (of `about`) and citation."""
    release, vintage, method, is_synthetic, year_built = con.execute(RUN_SQL).fetchall()[0]
    key = "/".join([f"nqpf:{name}", *map(str, about)]) + f"@{release}"
    source = Cited(release, vintage, method, year_built, is_synthetic, file_hash(paths, release), f"{name}, {key}")
    nothing = dict.fromkeys(("value", "unit", "lo", "hi", "interval_of", "origin", "year"))
    if is_synthetic:
        fields["sentence"] = f"SYNTHETIC demo data: {fields['sentence']}"
        fields["sentence_zh"] = f"合成演示数据：{fields['sentence_zh']}"
        fields["flags"] = ["SYNTHETIC: says nothing about China", *fields["flags"]]
    facts = {"question": name, "release": release, "vintage": vintage, "is_synthetic": is_synthetic, "key": key}
    return Answer(**{**nothing, **facts, "citation": citation(source, "text"), **fields})


def as_data(value: Any, longest: int = 200) -> Any:
    """A text of the file: on one line, without control characters, cut."""
    if not isinstance(value, str):
        return value
    text = visible(" ".join(value.split()))
    return text if len(text) <= longest else f"{text[:longest]}…"


def file_hash(paths: Paths, release: str) -> str:
    """sha256 of the published file as the manifest of its release has it; '' without one."""
    manifest = paths.releases / release / "manifest.json"
    if not manifest.is_file():
        return ""
    return str(json.loads(manifest.read_text(encoding="utf-8"))["files"]["city.duckdb"])


def values(
    con: duckdb.DuckDBPyConnection, question: Question, arguments: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """(values as the statement takes them, their names in each language) of the parameters."""
    unknown = [name for name, value in arguments.items() if value is not None and name not in question.parameters]
    if unknown:
        takes = ", ".join(question.parameters) or "nothing"
        raise NoAnswer(f"{question.id} takes {takes}, not {', '.join(unknown)}. E.g.: {question.line}")
    taken_values, names = dict[str, Any](), {"en": dict[str, Any](), "zh": dict[str, Any]()}
    for name in question.parameters:
        parameter = parameters()[name]
        value = arguments.get(name)
        if value is None and parameter.default is None:
            raise NoAnswer(f"{question.id} needs {name} ({parameter.words}). E.g.: {question.line}")
        if (parameter.like or name) == "city":
            city: City = the_city(con, str(value))
            taken_values[name], names["en"][name], names["zh"][name] = city.city_id, city.name_en, city.name_zh
        else:
            taken_values[name] = names["en"][name] = names["zh"][name] = _one_of_file(con, parameter, value)
    if "other" in taken_values and taken_values["other"] == taken_values.get("city"):
        raise NoAnswer(f"{names['en']['city']} is compared with itself: name two cities.")
    return taken_values, names


def _one_of_file(con: duckdb.DuckDBPyConnection, parameter: Parameter, value: Any) -> Any:
    """The value, if the file has it; NoAnswer names those that it has."""
    choices = sorted(row[0] for row in con.execute(str(parameter.among)).fetchall())
    if value is None and choices:
        value = choices[-1] if parameter.default == "last" else parameter.default
    match = [one for one in choices if str(one).casefold() == str(value).strip().casefold()]
    if match:
        return match[0]
    if choices and isinstance(choices[0], int):
        raise NoAnswer(f"Scores are of {choices[0]} to {choices[-1]}, not of {value}: ask a year between.")
    from rapidfuzz import process

    nearest = choices if len(choices) <= 12 else [match[0] for match in process.extract(str(value), choices, limit=5)]
    more = "" if len(nearest) == len(choices) else f", or another of {len(choices)} ({parameter.words})"
    raise NoAnswer(f"There is no {parameter.name} '{value}'. Ask {', '.join(nearest) or 'another release'}{more}.")


def with_values(sql: str, arguments: Mapping[str, Any]) -> str:
    """The statement as it can be typed: values in place of $names."""

    def literal(match: re.Match[str]) -> str:
        value = arguments[match[1]]
        return str(value) if isinstance(value, int) else f"'{sql_text(str(value))}'"

    return re.sub(r"\$(\w+)", literal, sql).strip()


def _why_nothing(
    con: duckdb.DuckDBPyConnection, question: Question, arguments: Mapping[str, Any], names: Mapping[str, Any]
) -> None:
    """NoAnswer where a city has no score; an answer that may be empty (`reason`) is said to be so."""
    for name in ("city", "other"):
        if name in arguments and question.reason is None:
            reasons = con.execute(UNSCORED_SQL, [arguments[name]]).fetchall()
            if reasons:
                raise NoAnswer(f"{names[name]} has no score of the headline index: {reasons[0][0]}.")
    if question.reason is None and "city" in arguments:
        first = [str(value) for name, value in names.items() if name not in ("city", "other")]
        raise NoAnswer(f"There is no figure of {names['city']} for {', '.join(first)}. `series` has all years.")


def _origin(row: Row) -> str | None:
    """In four words, what stands in value_origin."""
    origin, in_print = row.get("value_origin"), row.get("value_as_printed")
    if origin is None:
        return None
    if origin == "suspected_fill":
        return "suspected_fill"
    if row.get("edit_action") in ("quarantine", "replace", "relink", "withheld") or (
        in_print is not None and row.get("value") is not None and not math.isclose(in_print, row["value"], rel_tol=1e-9)
    ):
        return "edited"
    return "observed" if origin in PRINTED else "imputed"


def _flags(row: Row, question: Question) -> list[str]:
    """What a reader of the figure must know beside its interval."""
    marks = {
        "is_provisional": "provisional: the sources of this year may still change",
        "thin": "thin: too few cases to say much",
        "is_corrected": "the printed figure was corrected",
    }
    flags = [words for name, words in marks.items() if row.get(name)]
    if row.get("rank_p05", 0) is None:
        flags.append("no interval of the rank: choices are drawn for years of the base window, not at depth quick")
    if row.get("imputed_weight_percent"):
        flags.append(f"{row['imputed_weight_percent']:.1f} % of the weight is imputed")
    if row.get("pending_weight_percent"):
        flags.append(f"{row['pending_weight_percent']:.1f} % of the weight rests on figures under question")
    if row.get("n_withheld"):
        flags.append(f"{row['n_withheld']} figures under question are left out until a person answers")
    if _origin(row) not in (None, "observed"):
        flags.append(f"value_origin {row['value_origin']}")
    return [*flags, question.trap] if question.trap else flags
