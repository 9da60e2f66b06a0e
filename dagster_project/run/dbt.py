"""Runs dbt, always as a process of its own: its environment, the manifest of the project, builds with their results."""

from __future__ import annotations

import graphlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from dagster_project.paths import Paths, dbt_executable
from dagster_project.run.versions import dbt_files

LINES_KEPT = 200  # of the output of a failed build


class DbtError(RuntimeError):
    """dbt failed. The text is the end of its output; results: nodes that it had finished, by unique id."""

    def __init__(self, output: str, results: dict[str, dict[str, Any]]) -> None:
        super().__init__(output)
        self.results = results


def dbt_environment(paths: Paths) -> dict[str, str]:
    """What dbt reads from the environment: the build file, its own target folder, no telemetry."""
    return {
        "NQPF_BUILD_FILE": str(paths.build_file),
        "DBT_TARGET_PATH": str(paths.dbt_target),
        "DBT_LOG_PATH": str(paths.dbt_target / "logs"),
        "DBT_PROFILES_DIR": str(paths.dbt_project),
        "DBT_PROJECT_DIR": str(paths.dbt_project),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DBT_USE_COLORS": "false",
        # a tenth of its time; what dbt says is in the log of the refresh, its SQL in the folder run of its target
        "DBT_LOG_LEVEL_FILE": "none",
        # a fifth of a start: written only where it is read
        "DBT_WRITE_JSON": "false",
        # a test waits until all its parents are built: the first load of a fresh warehouse has no marts
        "DBT_INDIRECT_SELECTION": "buildable",
    }


def start_dbt(paths: Paths, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Start `dbt <arguments>`, which ends when this process does. Its output is one stream.

    environment: variables beside those of every start.
    """
    runner = (sys.executable, "-P", "-m", "dagster_project.run.dbt_child", str(os.getpid()))
    return subprocess.Popen(
        [*runner, str(dbt_executable()), *arguments],
        env={**os.environ, **dbt_environment(paths), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def build(paths: Paths, nodes: Sequence[str], target: Path, *, threads: int) -> dict[str, dict[str, Any]]:
    """Build seeds and models and run tests, each named by its fqn; the results by unique id, as in run_results.json.

    Prints what dbt prints. DbtError if dbt fails, tests of severity error included.
    """
    target.mkdir(parents=True, exist_ok=True)
    parsed = paths.dbt_target / "partial_parse.msgpack"
    if parsed.exists():
        shutil.copyfile(parsed, target / parsed.name)
    chosen = ("--select", *nodes, "--indirect-selection", "empty", "--exclude-resource-type", "unit_test")
    where = {"DBT_TARGET_PATH": str(target), "DBT_WRITE_JSON": "true"}
    lines = []
    with start_dbt(paths, "build", *chosen, "--threads", str(threads), **where) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                print(line, end="", flush=True)
                lines.append(line)
        except BaseException:
            process.terminate()
            raise
    file = target / "run_results.json"
    content = json.loads(file.read_text(encoding="utf-8"))["results"] if file.exists() else []
    results = {str(result["unique_id"]): dict(result) for result in content}
    if process.returncode != 0:
        raise DbtError("".join(lines[-LINES_KEPT:]), results)
    return results


def is_manifest_stale(paths: Paths) -> bool:
    """True if any file of the dbt project is younger than the manifest (or there is none)."""
    manifest = paths.dbt_manifest
    try:
        json.loads(manifest.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # there is none, or a parse was killed while it wrote
        return True
    written = manifest.stat().st_mtime
    files = [file.stat() for file in dbt_files(paths)]
    return any(max(file.st_mtime, file.st_ctime) > written for file in files)  # a wheel keeps no time of a last write


def parse(paths: Paths) -> None:
    """Write the manifest. Does not open the build file."""
    with Parsing(paths) as parsing:
        parsing.start()
        parsing.wait()


def models_of_the_gate(manifest: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The models that exposure `gate` of dbt's manifest depends on, parents before children."""
    nodes = {**manifest["nodes"], **manifest["exposures"]}
    (gate,) = (name for name, exposure in manifest["exposures"].items() if exposure["name"] == "gate")
    parents: dict[str, list[str]] = {}
    open_nodes = [gate]
    while open_nodes:
        node = open_nodes.pop()
        if node not in parents:
            parents[node] = [parent for parent in nodes[node]["depends_on"].get("nodes", []) if parent in nodes]
            open_nodes += parents[node]
    order = graphlib.TopologicalSorter(parents).static_order()
    return [nodes[node] for node in order if nodes[node]["resource_type"] == "model"]


class Parsing:
    """Writing the manifest in the background; killed at the end of the `with` if it still runs."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.communicate()

    def start(self) -> None:
        self._paths.dbt_target.mkdir(parents=True, exist_ok=True)
        self._process = start_dbt(self._paths, "parse", DBT_WRITE_JSON="true")

    def start_if_stale(self) -> None:
        """Unless it was started before, or the manifest is as young as its files."""
        if self._process is None and is_manifest_stale(self._paths):
            self.start()

    def wait(self) -> None:
        """Until the manifest is there; at once if nothing was started. RuntimeError with dbt's output if it fails."""
        if self._process is None:
            return
        output, _ = self._process.communicate()
        if self._process.returncode != 0:
            raise RuntimeError(f"dbt could not parse the project in {self._paths.dbt_project}:\n{output}")
