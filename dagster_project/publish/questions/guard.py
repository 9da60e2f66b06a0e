"""What a query of whatever origin may do: read, for so long, in so much memory, and say so much.

The kind of a statement is read before anything runs. Files, network, extensions and settings are shut off where the
file is opened (`open_read_only`); what is shut there stays shut, whoever asks.
"""

import json
import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb

from dagster_project.errors import EXIT_BAD_INPUT, Refusal
from dagster_project.publish.inert import visible

GRACE = 5.0  # seconds after which a function that does not listen ends with the process
PIVOT = re.compile(r"\s*(pivot|select|from)\b", re.IGNORECASE)
SUMS = ("avg", "mean", "sum", "fsum", "kahan_sum", "favg")
NOT_SUMMED = {
    "rank_year": "Ranks are not averaged or summed: ask the median rank, or the mean of score_100 within one index.",
    "gini": "Gini indices are not averaged or summed: ask `inequality_shares` for Dagum's parts.",
    "theil": "Theil indices are not averaged or summed: ask `inequality_of_indexes` for the nested shares.",
    "moran_i": "Moran's I is not averaged or summed: ask `moran`, which has each year.",
}
OF_SEVERAL_INDEXES = "mart holds several indexes, each on its scale: say index_code or is_headline, or ask schema easy."
NO_EFFECT = "A coefficient of a spatial model is no effect: ask `effects` (easy.effects: direct, indirect, total)."


@dataclass(frozen=True)
class Limits:
    """Seconds, memory, threads and spilled bytes of a query; rows and characters of its answer (None: all)."""

    seconds: float
    memory: str = "2GB"
    threads: int = 2
    spilled: str = "2GB"
    rows: int | None = None
    characters: int | None = None

    @property
    def settings(self) -> dict[str, str | int]:
        """What DuckDB is told before its settings are locked."""
        return {"memory_limit": self.memory, "threads": self.threads, "max_temp_directory_size": self.spilled}


PERSON = Limits(seconds=300, memory="4GB", threads=4, rows=1_000_000)
PROGRAM = Limits(seconds=20, rows=200, characters=20_000)


def selects(con: duckdb.DuckDBPyConnection, text: str) -> list[duckdb.Statement]:
    """The statements of a text, each a SELECT; Refusal names the kind of one that is none. Nothing runs."""
    try:
        statements = con.extract_statements(text)
    except duckdb.Error as error:
        raise Refusal(visible(str(error))) from error
    for statement in statements:
        kind = statement.type.name
        # a PIVOT of values that are not named makes their type first, in memory
        if kind != "SELECT" and not (kind == "MULTI" and PIVOT.match(statement.query)):
            raise Refusal(
                f"{kind} is refused: the file is read-only, and a query only reads. Ask with SELECT, FROM, WITH, "
                "DESCRIBE or SUMMARIZE; `nqpf export` writes files."
            )
    return statements


@contextmanager
def within(con: duckdb.DuckDBPyConnection, limits: Limits, *, ends_process: bool = False) -> Iterator[None]:
    """Refusal where the query inside takes longer or needs more memory. A function that cannot be interrupted ends with
    the process some seconds later, if that is allowed."""
    sentence = f"The query was stopped after {limits.seconds:g} s: ask for less (a year, a city, fewer tables)."

    def end() -> None:
        print(sentence, file=sys.stderr, flush=True)
        os._exit(EXIT_BAD_INPUT)

    timers = [threading.Timer(limits.seconds, con.interrupt)]
    timers += [threading.Timer(limits.seconds + GRACE, end)] if ends_process else []
    for timer in timers:
        timer.daemon = True
        timer.start()
    try:
        yield
    except duckdb.InterruptException as error:
        raise Refusal(sentence) from error
    except duckdb.OutOfMemoryException as error:
        raise Refusal(f"The query needs more than {limits.memory} of memory: ask for less.") from error
    except duckdb.Error as error:
        raise Refusal(visible(str(error))) from error
    finally:
        for timer in timers:
            timer.cancel()


def traps(con: duckdb.DuckDBPyConnection, text: str) -> list[str]:
    """Plausible wrong numbers that the syntax of a query shows, each with what to ask instead."""
    (tree,) = con.execute("select json_serialize_sql(?)", [text]).fetchall()[0]
    nodes = list(_nodes(json.loads(tree)))
    columns = {name for node in nodes for name in node.get("column_names", [])}
    tables = {str(node.get("table_name", "")) for node in nodes if node.get("type") == "BASE_TABLE"}
    warnings = []
    for node in nodes:
        inside = {name for child in _nodes(node) for name in child.get("column_names", [])}
        if node.get("type") == "FUNCTION" and node.get("function_name") in SUMS:
            warnings += [words for column, words in NOT_SUMMED.items() if column in inside]
        if "coef" in inside and "effect" in str(node.get("alias", "")).lower():
            warnings.append(NO_EFFECT)
    if tables & {"mart_index_score", "city_ranking"} and not columns & {"index_code", "is_headline", "spec_code"}:
        warnings.append(OF_SEVERAL_INDEXES)
    return list(dict.fromkeys(warnings))


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        yield tree
        tree = list(tree.values())
    if isinstance(tree, list):
        for child in tree:
            yield from _nodes(child)
