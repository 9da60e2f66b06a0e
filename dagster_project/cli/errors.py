"""How a command ends by a file that cannot be read, or by a signal: with a sentence. Heavy imports stay inside."""

import signal
import threading
from typing import Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from dagster_project.errors import EXIT_FAILED
from dagster_project.run.failures import say


class CommandGroup(TyperGroup):
    """Every command ends in a sentence, not in a traceback: on an unreadable published file, SIGINT or SIGTERM."""

    def invoke(self, ctx: Any) -> Any:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, signal.default_int_handler)  # also where a shell has SIGINT ignored
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            say(Console(stderr=True), "Interrupted.")
            raise typer.Exit(EXIT_FAILED) from None
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
