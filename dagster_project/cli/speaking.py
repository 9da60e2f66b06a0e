"""The last word of every command: a file that cannot be read ends in a sentence. Heavy imports stay inside."""

from typing import Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from dagster_project.run.failures import EXIT_FAILED, say


class Speaking(TyperGroup):
    """Whatever the command: a published file that cannot be read ends in a sentence, not in a traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except Exception as error:
            sentence = _of_a_file(error)
            if sentence is None:
                raise
            say(Console(stderr=True), sentence)
            raise typer.Exit(EXIT_FAILED) from None


def _of_a_file(error: Exception) -> str | None:
    import duckdb

    from dagster_project.published import PublishedFileError, unreadable

    if isinstance(error, PublishedFileError):
        return str(error)
    if isinstance(error, (duckdb.IOException, duckdb.SerializationException, duckdb.FatalException)):
        return unreadable("A file of the warehouse", error)
    return None
