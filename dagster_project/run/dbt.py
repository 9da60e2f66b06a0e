"""dbt as every door needs it: its environment, and the manifest of the project."""

from __future__ import annotations

import atexit
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Self

from dagster_project.paths import Paths, dbt_executable
from dagster_project.run.versions import dbt_files


def dbt_environment(paths: Paths) -> dict[str, str]:
    """What dbt reads from the environment: the build file, its own target folder, no telemetry."""
    return {
        "NQPF_BUILD_FILE": str(paths.build_file),
        "DBT_TARGET_PATH": str(paths.dbt_target),
        "DBT_LOG_PATH": str(paths.dbt_target / "logs"),
        "DBT_PROFILES_DIR": str(paths.dbt_project),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DBT_USE_COLORS": "false",
        # a tenth of its time; what dbt says is in the log of the refresh, its SQL in the folder run of its target
        "DBT_LOG_LEVEL_FILE": "none",
        # a fifth of a start; its outcomes are Dagster's events. Only `parse` writes the manifest
        "DBT_WRITE_JSON": "false",
        # a test waits until all its parents are built: the first load of a fresh warehouse has no marts
        "DBT_INDIRECT_SELECTION": "buildable",
    }


def dbt_command() -> Path:
    """What starts dbt: an executable that leaves the work to a child of a process which has imported it already.

    Its imports cost more than a second, and a refresh has half a dozen starts. dbt itself where forking is not sound
    (but on Linux), or where the folder for temporary files runs no program, has too long a name or was cleared.
    """
    command = _served() if sys.platform == "linux" else None
    return command if command and os.access(command, os.X_OK) else dbt_executable()


@cache
def _served() -> Path | None:
    """The executable, and the server behind it for as long as this process lives; None where there is no place."""
    folder = Path(tempfile.mkdtemp(prefix="nqpf-dbt-"))
    command, place, client = folder / "dbt", folder / "socket", Path(__file__).with_name("dbt_client.py")
    started = [sys.executable, "-IS", str(client), str(place), str(dbt_executable())]
    command.write_text(f'#!/bin/sh\nexec {shlex.join(started)} "$@"\n', encoding="utf-8")
    command.chmod(0o700)
    with socket.socket(socket.AF_UNIX) as listener:
        try:
            listener.bind(str(place))
        except OSError:
            shutil.rmtree(folder)
            return None
        listener.listen()  # a caller may come before the server has its imports
        server = subprocess.Popen(
            [sys.executable, "-m", "dagster_project.run.dbt_server", str(listener.fileno()), str(folder)],
            pass_fds=[listener.fileno()],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
        )
    atexit.register(server.communicate)  # the end of its input is the end of the server
    return command


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


class Parsing:
    """Writing the manifest in a process of its own, which does not open the build file; nothing is left of it behind
    the `with`."""

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
        paths = self._paths
        paths.dbt_target.mkdir(parents=True, exist_ok=True)
        self._process = subprocess.Popen(
            [str(dbt_command()), "parse", "--project-dir", str(paths.dbt_project)],
            env={**os.environ, **dbt_environment(paths), "DBT_WRITE_JSON": "true"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def start_if_stale(self) -> None:
        """Unless it was started before, or the manifest is as young as its files."""
        if self._process is None and is_manifest_stale(self._paths):
            self.start()

    def wait(self) -> None:
        """Until the manifest is there; at once if nothing was started. RuntimeError with what dbt says otherwise."""
        if self._process is None:
            return
        said, _ = self._process.communicate()
        if self._process.returncode != 0:
            raise RuntimeError(f"dbt could not parse the project in {self._paths.dbt_project}:\n{said}")
