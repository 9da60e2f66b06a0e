"""`nqpf ask`: which worked question is meant, and its answer from the published file."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from rich.console import Console

from dagster_project.cli import output
from dagster_project.paths import Paths
from dagster_project.publish.questions.answer import ask as answer
from dagster_project.publish.questions.catalogue import find, question, questions
from dagster_project.publish.questions.guard import PERSON, within
from dagster_project.run.failures import Refusal, answering, say


@answering
def ask(
    paths: Paths, console: Console, words: Sequence[str], given: Mapping[str, object], form: str, *, show_sql: bool
) -> None:
    """Without words all questions; words find some; an id answers. Exit: 0, 2 where nothing is found or answered."""
    if len(words) != 1 or (words[0] not in questions() and not any(given.values())):
        _show_found(console, " ".join(words), form)
        return
    with output.opened(paths, form, settings=PERSON.settings) as con, within(con, PERSON):
        found = answer(con, paths, question(words[0]), given)
    if show_sql:
        print(found.statement)
    elif form == "json":
        print(json.dumps(asdict(found), ensure_ascii=False, default=str))
    elif form == "table":
        say(console, found.sentence, found.sentence_zh)
        console.print(output.as_table(found.columns, list(map(tuple, found.rows)), console.width))
        unit = f" {found.unit}" if found.unit else ""
        ends = f" ({found.lo:,.6g} to {found.hi:,.6g}: {found.interval_of})" if found.lo is not None else ""
        say(console, *([f"answer: {found.value}{unit}{ends}"] if found.value is not None else []))
        say(console, *(f"note: {flag}" for flag in found.flags), f"key: {found.key}", f"cite: {found.citation}")
    else:
        print(output.as_text(form, found.columns, list(map(tuple, found.rows))), end="")


def _show_found(console: Console, words: str, form: str) -> None:
    """One line a question: what to type, and the question in both languages."""
    output.check_form(form)
    found = find(words) if words.strip() else list(questions().values())
    if not found:
        raise Refusal(f"No question has words of '{words}'. `nqpf ask` lists all, `nqpf tables WORD` finds tables.")
    if form != "table":
        rows = [(q.id, q.en, q.zh, q.line) for q in found]
        print(output.as_text(form, ["id", "question", "question_zh", "line"], rows), end="")
        return
    for q in found[:10] if words.strip() else found:
        say(console, f"{q.id}: {q.en} {q.zh}", f"    {q.line}")
