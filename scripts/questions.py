"""The page docs/questions.md, from the worked questions themselves: `python -m scripts.questions` writes it."""

from dagster_project.paths import PROJECT
from dagster_project.publish.questions.catalogue import Question, questions

PAGE = PROJECT / "docs" / "questions.md"
HEAD = """# One line a question

<!-- written by `python -m scripts.questions` from dagster_project/publish/questions/questions.yml -->

Questions that are known to be right, in both languages, with the line that answers each. `nqpf ask WORDS` finds them;
`nqpf ask ID` answers with figure, unit, interval, a sentence in both languages, and a citation (`--format json`: for
programs). `nqpf ask ID --show-sql` prints the statement, to be changed and given to `nqpf sql`. A parameter that is not
given has its default: the last year, `east_vs_cw`, `gdp_nom`. What the tables hold: `nqpf tables WORD`.
The same answers for a client of your own: [ask with a client](howto/ask-with-a-client.md).

| question | 问题 | line | it avoids |
|---|---|---|---|
"""


def page() -> str:
    """The whole page."""
    return HEAD + "".join(map(_row, questions().values()))


def _row(question: Question) -> str:
    return f"| {question.en} | {question.zh} | `{question.line}` | {question.trap} |\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
