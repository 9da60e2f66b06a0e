"""`nqpf sql`, `nqpf tables` and `nqpf describe`: any question to the published file, and where its answer may lie."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
from rich.console import Console
from rich.markup import escape

from dagster_project.cli import output
from dagster_project.paths import Paths
from dagster_project.publish.release.dictionary import described
from dagster_project.published import TABLES, open_published, open_read_only
from dagster_project.run.failures import EXIT_BAD_INPUT, EXIT_OK, nothing_published

TABLES_SQL = f"""
select t.schema_name || '.' || t.table_name as "table", t.n_row as rows, t.comment as holds
from {TABLES} as t
where (
    ? is null or contains(lower(t.schema_name || '.' || t.table_name || ' ' || coalesce(t.comment, '')), lower(?))
    or exists (
        select 1 from duckdb_columns() as c
        where c.database_name = t.database_name and c.schema_name = t.schema_name and c.table_name = t.table_name
            and contains(lower(c.column_name || ' ' || coalesce(c.comment, '')), lower(?))
    )
)
order by t.schema_name <> 'easy', t.schema_name, t.table_name
"""
COLUMNS_SQL = """
select column_name, lower(data_type), comment, comment_zh from {} where schema_name || '.' || table_name = ?
order by column_index
"""
NAMES_SQL = f"select schema_name || '.' || table_name from {TABLES} order by schema_name <> 'easy', 1"
COMPUTED_SQL = "select distinct index_code from mart.mart_index_score order by 1"
INDEX = re.compile(r"index_code\s*(?:=|in\s*\()\s*'([^']*)'", re.IGNORECASE)
TEXT = re.compile(r"\b([a-z]\w*)\s*=\s*'([^']*)'", re.IGNORECASE)
PLACES_SQL = """
select schema_name, table_name from duckdb_columns() where column_name = ? and data_type = 'VARCHAR'
order by schema_name <> 'easy', schema_name
"""
MANY = 12  # values that are all listed
YEAR = re.compile(r"\byear\s*=\s*(\d{4})\b", re.IGNORECASE)


def run_sql(
    paths: Paths,
    console: Console,
    query: str | None,
    form: str | None,
    as_of: str | None = None,
    file: Path | None = None,
) -> int:
    """Print the result of each statement, given as text or in a file (UTF-8).

    `form`: None is a table on a terminal and CSV in a pipe. `as_of` names the release or data vintage that is asked.
    """
    form = form or ("table" if console.is_terminal else "csv")
    if form not in output.FORMATS:
        console.print(f"--format must be one of {', '.join(output.FORMATS)}.")
        return EXIT_BAD_INPUT
    text, problem = _query_text(query, file)
    if problem:
        console.print(escape(problem), highlight=False, soft_wrap=True)
        return EXIT_BAD_INPUT
    if as_of is None:
        con = open_published(paths)
    else:
        from dagster_project.publish.release.folder import release_as_of

        release = release_as_of(paths, as_of)
        if release is None:
            return _no_release_as_of(paths, console, as_of)
        con = open_read_only(paths.releases / release / "city.duckdb")
    if con is None:
        return nothing_published(paths, console)
    with con:
        try:
            for statement in con.extract_statements(text):
                con.execute(statement)
                if _print_result(con, console, form) == 0:
                    _say_why_empty(con, statement.query)
        except duckdb.Error as error:
            console.print(escape(output.visible(str(error))), highlight=False)
            return EXIT_BAD_INPUT
    return EXIT_OK


def show_tables(paths: Paths, console: Console, word: str | None) -> int:
    """Tables of the published file whose name, description or columns hold the word; the easy ones first."""
    con = open_published(paths)
    if con is None:
        return nothing_published(paths, console)
    with con:
        found = con.execute(TABLES_SQL, [word, word, word]).fetchall()
        rows = [(name, _n_row(con, name) if n is None else n, holds) for name, n, holds in found]
    if not rows:
        console.print(f"No table, column or description holds '{escape(str(word))}'.", highlight=False)
        return EXIT_BAD_INPUT
    if console.is_terminal:
        for name, n, holds in rows:
            console.print(
                f"[bold]{name}[/]  {n:,} rows\n    {escape(str(holds or ''))}", highlight=False, soft_wrap=False
            )
    else:
        print("".join(output.as_csv(["table", "rows", "holds"], iter([rows]))), end="")
    return EXIT_OK


def describe(paths: Paths, console: Console, table: str) -> int:
    """Columns of one table, their types and meaning in both languages; a name without schema is looked for in all."""
    con = open_published(paths)
    if con is None:
        return nothing_published(paths, console)
    with con:
        names = [row[0] for row in con.execute(NAMES_SQL).fetchall()]
        found = next((name for name in names if table.lower() in (name, name.split(".")[1])), None)
        if found is None:
            from rapidfuzz import process

            near = ", ".join(match[0] for match in process.extract(table, names, limit=3))
            console.print(f"There is no table '{escape(table)}'. Did you mean {near}?", highlight=False)
            return EXIT_BAD_INPUT
        columns = con.execute(COLUMNS_SQL.format(described(con)), [found]).fetchall()
        comment, n = con.execute(
            f"select comment, n_row from {TABLES} where schema_name || '.' || table_name = ?", [found]
        ).fetchall()[0]
        n = _n_row(con, found) if n is None else n
    if console.is_terminal:
        console.print(f"[bold]{found}[/]  {n:,} rows\n{escape(str(comment or ''))}", highlight=False)
        for name, kind, *meanings in columns:
            console.print(f"  [bold]{name}[/] {kind}", highlight=False)
            for meaning in filter(None, meanings):
                console.print(f"      {escape(meaning)}", highlight=False)
    else:
        print("".join(output.as_csv(["column", "type", "holds", "comment_zh"], iter([columns]))), end="")
    return EXIT_OK


def _n_row(con: duckdb.DuckDBPyConnection, table: str) -> int:
    return int(con.execute(f"select count(*) from {table}").fetchall()[0][0])


def _query_text(query: str | None, file: Path | None) -> tuple[str, str]:
    """The SQL, and why there is none."""
    if (query is None) == (file is None):
        return "", "Give one query: as text, or in a file with --file."
    if file is None:
        text = str(query)
    else:
        try:
            text = file.read_text(encoding="utf-8-sig")
        except OSError as error:
            return "", f"{file} cannot be read: {error.strerror}."
        except UnicodeDecodeError:
            return "", f"{file} is not UTF-8 text."
    return (text, "") if text.strip(" \t\r\n;") else ("", "The query is empty.")


def _print_result(con: duckdb.DuckDBPyConnection, console: Console, form: str) -> int:
    """Prints one result; returns its number of rows."""
    names = [str(column[0]) for column in con.description or []]
    if form == "csv":
        header, *_ = output.as_csv(names, iter([]))
        print(header, end="")
        n = 0
        for rows in output.blocks(con):
            n += len(rows)
            print(output.csv_rows(rows), end="")
        return n
    rows = con.fetchall() if names else []
    if form == "json":
        print(output.as_json(names, rows))
    elif form == "markdown":
        print(output.as_markdown(names, rows))
    else:
        console.print(output.as_table(names, rows, console.width))
    return len(rows)


def _say_why_empty(con: duckdb.DuckDBPyConnection, query: str) -> None:
    """Zero rows: on stderr, with the index or the year that is not there."""
    reasons = []
    computed = [row[0] for row in con.execute(COMPUTED_SQL).fetchall()]
    for code in dict.fromkeys(INDEX.findall(query)):
        if code not in computed:
            reasons.append(f"index '{code}' is not computed here (computed: {', '.join(computed)})")
    first, last = con.execute("select min(year), max(year) from mart.mart_index_score").fetchall()[0]
    for year in dict.fromkeys(YEAR.findall(query)):
        if first is not None and not first <= int(year) <= last:
            reasons.append(f"scores are of {first} to {last}, not of {year}")
    reasons += _values_there(con, query)
    why = f": {'; '.join(reasons)}" if reasons else ""
    Console(stderr=True).print(f"0 rows{escape(why)}.", highlight=False, soft_wrap=True)


def _values_there(con: duckdb.DuckDBPyConnection, query: str) -> list[str]:
    """Where a column of a named table is compared with a text that it never holds: what it holds."""
    said = []
    named = set(re.findall(r"\w+", query))
    for column, text in dict.fromkeys(TEXT.findall(query)):
        places = con.execute(PLACES_SQL, [column]).fetchall()
        place = next((f"{schema}.{table}" for schema, table in places if table in named), None)
        if place is None or column.lower() == "index_code":
            continue
        held = [row[0] for row in con.execute(f'select distinct "{column}" from {place} order by all').fetchall()]
        if text not in held:
            said.append(f"{column} of {place} is never '{text}' (it is {', '.join(_near(text, held))})")
    return said


def _near(text: str, held: list[str | None]) -> list[str]:
    """All values where they are few, else those most alike."""
    texts = [str(value) for value in held if value is not None]
    if len(texts) <= MANY:
        return texts
    from rapidfuzz import process

    return [*(match[0] for match in process.extract(text, texts, limit=3)), f"or another of {len(texts)}"]


def _no_release_as_of(paths: Paths, console: Console, name: str) -> int:
    from dagster_project.publish.release.folder import known_releases

    known = sorted({row[column] for row in known_releases(paths) for column in ("release", "data_vintage")})
    console.print(
        f"No release or data vintage is called '{escape(name)}'. Known: {', '.join(known) or 'none'}.",
        highlight=False,
        soft_wrap=True,
    )
    return EXIT_BAD_INPUT
