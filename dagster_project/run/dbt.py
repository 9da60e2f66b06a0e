"""Runs dbt, always in a process of its own: its environment, the manifest of the project, builds with their results."""

from __future__ import annotations

import atexit
import graphlib
import json
import os
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar, Self

from dagster_project.paths import PROJECT, Paths, cache_folder
from dagster_project.run.versions import dbt_hash

PARSED = "parsed.txt"  # beside the manifest: the project that it was made of
END = "\x1e"  # begins the last line of a command

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


class DbtCommand:
    """`dbt <arguments>` in a process that has dbt loaded, which ends when this process does. Its output is one stream.

    environment: variables beside those of every command. Results, by unique id, and whether it went through are known
    once all lines are read.
    """

    _idle: ClassVar[list[subprocess.Popen[str]]] = []  # processes that wait for their next command

    def __init__(self, paths: Paths, *arguments: str, **environment: str) -> None:
        self.is_ok: bool | None = None
        self.results: dict[str, dict[str, Any]] = {}
        while self._idle and self._idle[-1].poll() is not None:  # it was killed
            self._idle.pop()
        self._process = self._idle.pop() if self._idle else _loaded_dbt()
        command = {
            "arguments": arguments,
            "environment": {**os.environ, **dbt_environment(paths), **environment},
            "project": project_of(paths),
        }
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()

    def lines(self) -> Iterator[str]:
        """What dbt prints, while it prints it."""
        if self.is_ok is not None:
            return
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(END):
                answer = json.loads(line.removeprefix(END))
                self.is_ok, self.results = answer["is_ok"], answer["results"]
                self._idle.append(self._process)
                return
            yield line
        self.is_ok = False  # it was killed

    def output(self) -> str:
        """All that dbt prints, once it is done."""
        return "".join(self.lines())

    @classmethod
    def load(cls) -> None:
        """Have a process ready for a command to come: it takes seconds until it has dbt loaded."""
        if not cls._idle:
            cls._idle.append(_loaded_dbt())

    @classmethod
    def end_idle(cls) -> None:
        """End the processes that wait."""
        while cls._idle:
            with cls._idle.pop() as process:
                process.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Leave no process behind that still works."""
        if self.is_ok is None:
            self._process.kill()
            self._process.wait()
            self.is_ok = False


@atexit.register
def _end() -> None:
    """Not by the end of its input: dbt would take a second to clear up what goes with the process."""
    DbtCommand.end_idle()


def _loaded_dbt() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "dagster_project.run.dbt_child", str(os.getpid())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def build(paths: Paths, nodes: Sequence[str], target: Path, *, threads: int) -> dict[str, dict[str, Any]]:
    """Build seeds and models and run tests, each named by its fqn; the results by unique id.

    Prints what dbt prints. DbtError if dbt fails, tests of severity error included.
    """
    target.mkdir(parents=True, exist_ok=True)
    selection = ("--select", *nodes, "--indirect-selection", "empty", "--exclude-resource-type", "unit_test")
    words = (*selection, "--threads", str(threads), "--target-path", str(target))
    lines: deque[str] = deque(maxlen=LINES_KEPT)
    with DbtCommand(paths, "build", *words) as command:
        for line in command.lines():
            print(line, end="", flush=True)
            lines.append(line)
    if not command.is_ok:
        raise DbtError("".join(lines), command.results)
    return command.results


def is_manifest_stale(paths: Paths) -> bool:
    """True if the manifest is not of these files of the project in this folder (or there is none).

    Times do not tell: a warehouse that was copied has a young manifest of whatever project made it.
    """
    try:
        json.loads(paths.dbt_manifest.read_text(encoding="utf-8"))
        return (paths.dbt_target / PARSED).read_text(encoding="utf-8") != project_of(paths)
    except (OSError, ValueError):  # there is none, or a parse was killed while it wrote
        return True


def project_of(paths: Paths) -> str:
    """Folder and content of the dbt project: what is parsed of one holds for no other."""
    return f"{paths.dbt_project} {dbt_hash(paths)}"


@contextmanager
def parsing(paths: Paths) -> Iterator[Callable[[], None]]:
    """Write the manifest in the background if it is stale; what is yielded waits for it.

    dbt takes what is still true of what it parsed for another warehouse. RuntimeError with its output if it fails.
    """
    if not is_manifest_stale(paths):
        yield lambda: None
        return
    paths.dbt_target.mkdir(parents=True, exist_ok=True)
    (paths.dbt_target / PARSED).unlink(missing_ok=True)
    parse_file = paths.dbt_target / "partial_parse.msgpack"
    cache_file = cache_folder() / parse_file.name
    if not parse_file.exists():
        _copy_if_possible(cache_file, parse_file)
    project = project_of(paths)
    with DbtCommand(paths, "parse", DBT_WRITE_JSON="true") as command:

        def wait() -> None:
            output = command.output()
            if not command.is_ok:
                raise RuntimeError(f"dbt could not parse the project in {paths.dbt_project}:\n{output}")
            (paths.dbt_target / PARSED).write_text(project, encoding="utf-8")
            if paths.project == PROJECT:
                _copy_if_possible(parse_file, cache_file)

        yield wait


def parse(paths: Paths) -> None:
    """Write the manifest if it is stale, and keep no process: a server parses once. Does not open the build file."""
    if is_manifest_stale(paths):
        with parsing(paths) as wait:
            wait()
        DbtCommand.end_idle()


def _copy_if_possible(source: Path, target: Path) -> None:
    with suppress(OSError):
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_name(f".{target.name}.{os.getpid()}")
        shutil.copyfile(source, fresh)
        fresh.replace(target)


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
