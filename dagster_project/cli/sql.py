"""`nqpf sql`, `nqpf tables` and `nqpf describe`: any question to the published file, and where its answer may lie."""

import re
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import duckdb
from rich.console import Console
from rich.markup import escape

from dagster_project.cli import output
from dagster_project.cli.warehouse_option import announce_release
from dagster_project.errors import Refusal
from dagster_project.paths import Paths
from dagster_project.publish.questions.guard import PERSON, Limits, selects, traps, within
from dagster_project.publish.release.dictionary import described
from dagster_project.published import TABLES, open_read_only, statements
from dagster_project.run.failures import answering, say

SQL = statements(__file__)
NAMES_SQL = f"select schema_name || '.' || table_name from {TABLES} order by schema_name <> 'easy', 1"
INDEX = re.compile(r"index_code\s*(?:=|in\s*\()\s*'([^']*)'", re.IGNORECASE)
TEXT = re.compile(r"\b([a-z]\w*)\s*=\s*'([^']*)'", re.IGNORECASE)
MANY = 12  # values that are all listed
YEAR = re.compile(r"\byear\s*=\s*(\d{4})\b", re.IGNORECASE)


@answering
def run_sql(
    paths: Paths,
    console: Console,
    query: str | None,
    form: str | None,
    as_of: str | None,
    file: Path | None,
    limits: Limits = PERSON,
) -> None:
    """Print the result of each SELECT, given as text or in a file (UTF-8).

    `form`: None is a table on a terminal and CSV in a pipe. `as_of` names the release or data vintage that is asked.
    """
    form = form or ("table" if console.is_terminal else "csv")
    text = query_text(query, file)
    with (
        output.opened(paths, form, settings=limits.settings)
        if as_of is None
        else _opened_as_of(paths, form, as_of, limits) as con
    ):
        print_answers(con, console, text, form, limits, _say_why_empty)


def print_answers(
    con: duckdb.DuckDBPyConnection,
    console: Console,
    text: str,
    form: str,
    limits: Limits,
    why_empty: Callable[[duckdb.DuckDBPyConnection, str], None] | None = None,
) -> None:
    """The result of each SELECT of the text, then what in it is easily read wrongly. `why_empty` speaks of no rows."""
    for statement in selects(con, text):
        with within(con, limits, ends_process=True):
            con.execute(statement)
            if _print_result(con, console, form, limits) == 0 and why_empty is not None:
                why_empty(con, statement.query)
        say(Console(stderr=True), *traps(con, statement.query))


def ask_lines(answer: Callable[[str], int]) -> int:
    """A shell: statements from the keyboard, each up to its semicolon, until the end of input. What is refused is said
    and the shell goes on. Returns 0."""
    with suppress(ImportError):  # arrow keys and the lines before, where the system has them
        import readline  # noqa: F401
    text = ""
    with suppress(EOFError, KeyboardInterrupt):
        while True:
            text += input("   ...> " if text else "nqpf> ") + "\n"
            if not text.strip():
                text = ""
            elif text.rstrip().endswith(";"):
                answer(text)
                text = ""
    return 0


@answering
def show_tables(paths: Paths, console: Console, word: str | None) -> None:
    """Tables of the published file whose name, description or columns hold the word; the easy ones first."""
    with output.opened(paths) as con:
        query = SQL["tables"].format(tables=TABLES, described=described(con))
        listing = con.execute(query, {"word": word}).fetchall()
        rows = [(name, _n_row(con, name) if n is None else n, holds) for name, n, holds in listing]
    if not rows:
        raise Refusal(f"No table, column or description holds '{word}'.")
    if console.is_terminal:
        for name, n, holds in rows:
            console.print(
                f"[bold]{name}[/]  {n:,} rows\n    {escape(str(holds or ''))}", highlight=False, soft_wrap=False
            )
    else:
        print(output.as_text("csv", ["table", "rows", "holds"], rows), end="")


@answering
def describe(paths: Paths, console: Console, table: str) -> None:
    """Columns of one table, their types and meaning in both languages; a name without schema is looked for in all."""
    with output.opened(paths) as con:
        names = [row[0] for row in con.execute(NAMES_SQL).fetchall()]
        full = next((name for name in names if table.lower() in (name, name.split(".")[1])), None)
        if full is None:
            from rapidfuzz import process

            near = ", ".join(match[0] for match in process.extract(table, names, limit=3))
            raise Refusal(f"There is no table '{table}'. Did you mean {near}?")
        columns = con.execute(SQL["columns"].format(described(con)), [full]).fetchall()
        comment, n = con.execute(
            f"select comment, n_row from {TABLES} where schema_name || '.' || table_name = ?", [full]
        ).fetchall()[0]
        n = _n_row(con, full) if n is None else n
    if console.is_terminal:
        console.print(f"[bold]{full}[/]  {n:,} rows\n{escape(str(comment or ''))}", highlight=False)
        for name, kind, *meanings in columns:
            console.print(f"  [bold]{name}[/] {kind}", highlight=False)
            for meaning in filter(None, meanings):
                console.print(f"      {escape(meaning)}", highlight=False)
    else:
        print(output.as_text("csv", ["column", "type", "holds", "comment_zh"], columns), end="")


def _n_row(con: duckdb.DuckDBPyConnection, table: str) -> int:
    return int(con.execute(f"select count(*) from {table}").fetchall()[0][0])


def query_text(query: str | None, file: Path | None) -> str:
    """The SQL. Raises Refusal where there is none."""
    if (query is None) == (file is None):
        raise Refusal("Give one query: as text, or in a file with --file.")
    try:
        text = str(query) if file is None else file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise Refusal(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise Refusal(f"{file} is not UTF-8 text.") from error
    if not text.strip(" \t\r\n;"):
        raise Refusal("The query is empty.")
    return text


def _opened_as_of(paths: Paths, form: str, name: str, limits: Limits) -> duckdb.DuckDBPyConnection:
    """The file of the release that was current then."""
    from dagster_project.publish.release.folder import known_releases, release_as_of

    output.check_form(form)
    release = release_as_of(paths, name)
    if release is None:
        names = sorted({row[column] for row in known_releases(paths) for column in ("release", "data_vintage")})
        raise Refusal(f"No release or data vintage is called '{name}'. Known: {', '.join(names) or 'none'}.")
    file = release / "city.duckdb"
    con = open_read_only(file, limits.settings)
    announce_release(con, file, release.name)
    return con


def _print_result(con: duckdb.DuckDBPyConnection, console: Console, form: str, limits: Limits) -> int:
    """Prints one result, its first rows where it is longer than the limit; returns the number of rows printed."""
    names = [str(column[0]) for column in con.description or []]
    left = sys.maxsize if limits.rows is None else limits.rows
    blocks = output.blocks(con, left)
    if form == "csv":
        print(output.as_text("csv", names, []), end="")
        n = 0
        for rows in blocks:
            n += len(rows)
            print(output.csv_rows(rows), end="")
    else:
        every = [row for rows in blocks for row in rows]
        n = len(every)
        if form == "table":
            console.print(output.as_table(names, every, console.width))
        else:
            print(output.as_text(form, names, every), end="")
    if n == limits.rows and con.fetchone() is not None:
        say(Console(stderr=True), f"The first {n:,} rows are printed; --rows N prints more.")
    return n


def _say_why_empty(con: duckdb.DuckDBPyConnection, query: str) -> None:
    """Zero rows: on stderr, with the index or the year that is not there."""
    reasons = []
    index_codes = [row[0] for row in con.execute(SQL["computed"]).fetchall()]
    for code in dict.fromkeys(INDEX.findall(query)):
        if code not in index_codes:
            reasons.append(f"index '{code}' is not computed here (computed: {', '.join(index_codes)})")
    first, last = con.execute("select min(year), max(year) from mart.mart_index_score").fetchall()[0]
    for year in dict.fromkeys(YEAR.findall(query)):
        if first is not None and not first <= int(year) <= last:
            reasons.append(f"scores are of {first} to {last}, not of {year}")
    reasons += _values_there(con, query)
    why = f": {'; '.join(reasons)}" if reasons else ""
    say(Console(stderr=True), f"0 rows{why}.")


def _values_there(con: duckdb.DuckDBPyConnection, query: str) -> list[str]:
    """Where a column of a named table is compared with a text that it never holds: what it holds."""
    sentences = []
    words = set(re.findall(r"\w+", query))
    for column, text in dict.fromkeys(TEXT.findall(query)):
        places = con.execute(SQL["places"], [column]).fetchall()
        place = next((f"{schema}.{table}" for schema, table in places if table in words), None)
        if place is None or column.lower() == "index_code":
            continue
        texts = [row[0] for row in con.execute(f'select distinct "{column}" from {place} order by all').fetchall()]
        if text not in texts:
            sentences.append(f"{column} of {place} is never '{text}' (it is {', '.join(_near(text, texts))})")
    return sentences


def _near(text: str, values: list[str | None]) -> list[str]:
    """All values where they are few, else those most alike."""
    texts = [str(value) for value in values if value is not None]
    if len(texts) <= MANY:
        return texts
    from rapidfuzz import process

    return [*(match[0] for match in process.extract(text, texts, limit=3)), f"or another of {len(texts)}"]
