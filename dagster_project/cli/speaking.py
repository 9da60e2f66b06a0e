"""The last word of every command: a file that cannot be read ends in a sentence. Heavy imports stay inside."""

from __future__ import annotations

from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from typer.core import TyperGroup


class Speaking(TyperGroup):
    """Whatever the command: a published file that cannot be read ends in a sentence, not in a traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except Exception as error:
            sentence = _of_a_file(error)
            if sentence is None:
                raise
            Console(stderr=True).print(escape(sentence), highlight=False, soft_wrap=True)
            raise typer.Exit(1) from None


def _of_a_file(error: Exception) -> str | None:
    import duckdb

    from dagster_project.published import PublishedFileError, unreadable

    if isinstance(error, PublishedFileError):
        return str(error)
    if isinstance(error, (duckdb.IOException, duckdb.SerializationException, duckdb.FatalException)):
        return unreadable("A file of the warehouse", error)
    return None
