"""Runs commands of dbt one after the other: dbt is imported, and the project parsed, once for all of them.

`python -m dagster_project.run.dbt_child PARENT`; PARENT is a process id. Each line of stdin is a command in JSON:
arguments, environment, and a key that changes with the files of the project. What dbt prints goes to stdout, then a
line of END and how the command ended. The process ends with its parent: after a killed refresh nothing holds the build
file.
"""

import gc
import json
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt.contracts.graph.manifest import Manifest

from dagster_project.run.dbt import END

SECONDS = 0.5  # between two looks at the parent


def end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(SECONDS)
    os._exit(1)  # as if killed too: DuckDB reads its write-ahead log at the next start


def run(arguments: list[str], project: str, parsed: dict[str, Manifest]) -> dbtRunnerResult:
    """parsed: key of the project -> its manifest. Commands share it; builds add their SQL, which docs do not show."""
    if arguments[0] in ("parse", "docs") or project not in parsed:
        file = os.environ["NQPF_BUILD_FILE"]
        os.environ["NQPF_BUILD_FILE"] = Path(file).name  # what is parsed serves every build file of the name
        # of a folder elsewhere nothing that was parsed is true: it names its files there
        outcome = dbtRunner().invoke(["parse", "--vars", json.dumps({"project": os.environ["DBT_PROJECT_DIR"]})])
        os.environ["NQPF_BUILD_FILE"] = file
        parsed.clear()
        if not isinstance(outcome.result, Manifest):  # it failed
            return outcome
        parsed[project] = outcome.result
        if arguments[0] == "parse":
            return outcome
    return dbtRunner(parsed[project]).invoke(arguments)


def results_of(outcome: dbtRunnerResult) -> dict[str, dict[str, Any]]:
    """Nodes that were built or skipped and tests that ran, by unique id."""
    return {
        result.node.unique_id: {
            "status": str(result.status),
            "execution_time": result.execution_time,
            "failures": result.failures,
        }
        for result in getattr(outcome.result, "results", ())
    }


def close_the_build_file() -> None:
    """dbt-duckdb keeps it open from node to node, and forgets it at the end without closing it."""
    with suppress(Exception):  # of that kind where nothing was opened
        DuckDBConnectionManager.env().close()
    DuckDBConnectionManager.close_all_connections()


if __name__ == "__main__":
    gc.set_threshold(100_000)  # the project stays
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides: it ends this process if it stops
    threading.Thread(target=end_with, args=(int(sys.argv[1]),), daemon=True).start()
    parsed: dict[str, Manifest] = {}
    for line in sys.stdin:
        command = json.loads(line)
        os.environ.clear()
        os.environ.update(command["environment"])
        outcome = run(command["arguments"], command["project"], parsed)
        close_the_build_file()
        if outcome.exception:
            print(outcome.exception)
        ended = {"is_ok": outcome.success, "results": results_of(outcome)}
        print(f"{END}{json.dumps(ended)}", flush=True)
