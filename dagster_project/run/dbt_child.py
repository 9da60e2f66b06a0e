"""Runs dbt until the process that started it is gone: after a killed refresh nothing holds the build file.

`python -m dagster_project.run.dbt_child PARENT DBT ARGUMENTS`; PARENT is a process id, DBT the script of dbt.
"""

import os
import runpy
import sys
import threading
import time

SECONDS = 0.5  # between two looks at the parent


def end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(SECONDS)
    os._exit(1)  # as if killed too: DuckDB reads its write-ahead log at the next start


if __name__ == "__main__":
    threading.Thread(target=end_with, args=(int(sys.argv[1]),), daemon=True).start()
    sys.argv = sys.argv[2:]
    runpy.run_path(sys.argv[0], run_name="__main__")
