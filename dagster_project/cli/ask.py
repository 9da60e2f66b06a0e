"""`nqpf ask`: which worked question is meant, and its answer from the published file."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from rich.console import Console

from dagster_project.cli import output
from dagster_project.errors import Refusal
from dagster_project.figures import grouped
from dagster_project.paths import Paths
from dagster_project.publish.questions.answer import ask as answer
from dagster_project.publish.questions.catalogue import find, question, questions
from dagster_project.publish.questions.guard import PERSON, within
from dagster_project.run.failures import answering, say


@answering
def ask(
    paths: Paths, console: Console, words: Sequence[str], arguments: Mapping[str, object], form: str, *, show_sql: bool
) -> None:
    """Without words all questions; words find some; an id answers. Exit: 0, 2 where nothing is found or answered."""
    if len(words) != 1 or (words[0] not in questions() and not any(arguments.values())):
        _show_found(console, " ".join(words), form)
        return
    with output.opened(paths, form, settings=PERSON.settings) as con, within(con, PERSON):
        reply = answer(con, paths, question(words[0]), arguments)
    if show_sql:
        print(reply.statement)
    elif form == "json":
        print(json.dumps(asdict(reply), ensure_ascii=False, default=str))
    elif form == "table":
        say(console, reply.sentence, reply.sentence_zh)
        console.print(output.as_table(reply.columns, list(map(tuple, reply.rows)), console.width))
        unit = f" {reply.unit}" if reply.unit else ""
        ends = (
            f" ({grouped(reply.lo)} to {grouped(reply.hi)}: {reply.interval_of})"
            if reply.lo is not None and reply.hi is not None
            else ""
        )
        value = grouped(reply.value) if isinstance(reply.value, float) else reply.value
        say(console, *([f"answer: {value}{unit}{ends}"] if value is not None else []))
        say(console, *(f"note: {flag}" for flag in reply.flags), f"key: {reply.key}", f"cite: {reply.citation}")
    else:
        print(output.as_text(form, reply.columns, list(map(tuple, reply.rows))), end="")


def _show_found(console: Console, words: str, form: str) -> None:
    """One line a question: what to type, and the question in both languages."""
    output.check_form(form)
    reply = find(words) if words.strip() else list(questions().values())
    if not reply:
        raise Refusal(f"No question has words of '{words}'. `nqpf ask` lists all, `nqpf tables WORD` finds tables.")
    if form != "table":
        rows = [(q.id, q.en, q.zh, q.line) for q in reply]
        print(output.as_text(form, ["id", "question", "question_zh", "line"], rows), end="")
        return
    for q in reply[:10] if words.strip() else reply:
        say(console, f"{q.id}: {q.en} {q.zh}", f"    {q.line}")
