"""Connection to the Dask cluster that computes for a refresh: refused unless its workers give the same numbers.

Not here: how tasks run on it (`python_models.tasks`), and which analysis is a task (`defs/scheduler.py`).
"""

from __future__ import annotations

import importlib.metadata
import platform
import socket
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from threadpoolctl import threadpool_info

from dagster_project.files import hash_of_files
from dagster_project.paths import CODE
from dagster_project.run.resources import current_resources
from dagster_project.run.versions import import_closure

ANSWER_SECONDS = 5
PACKAGES = ("numpy", "pandas", "scipy")
type Client = Any  # distributed.Client, of an extra


class ClusterError(Exception):
    """A cluster that cannot be used, with what to do."""


def check_cluster() -> None:
    """Check that the cluster named by NQPF_CLUSTER, if any, can be used. ClusterError otherwise."""
    if address := current_resources().cluster:
        connect(address).close()


def connect(address: str) -> Client:
    """A client of the scheduler at `address`, its workers compared with this process. ClusterError otherwise."""
    try:
        import dask
        import distributed
    except ImportError:
        raise ClusterError('A cluster needs Dask: install the extra, "nqpf-warehouse[dask]".') from None
    _check_address(address)
    dask.config.set({"distributed.admin.large-graph-warning-threshold": "1GB"})  # the frames of an analysis are large
    client_class: Any = distributed.Client
    try:
        client = client_class(address, timeout=ANSWER_SECONDS, set_as_default=False)
    except Exception as error:
        raise ClusterError(f"What answers at {address} is no Dask scheduler of this version: {error}.") from None
    try:
        _compare(client, address)
    except ClusterError:
        client.close()
        raise
    return client


def _check_address(address: str) -> None:
    """Something speaks at the address: Dask's client waits for ever for a server that is silent."""
    parts = urlsplit(address)
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if parts.scheme not in ("tcp", "tls") or not host or not port:
        raise ClusterError(f"{address!r} is no address of a cluster: write it as tcp://10.0.0.5:8786.")
    try:
        with socket.create_connection((host, port), timeout=ANSWER_SECONDS) as line:
            is_scheduler = parts.scheme == "tls" or bool(line.recv(1))  # a scheduler speaks first
    except TimeoutError:
        is_scheduler = False
    except OSError as error:
        raise ClusterError(
            f"No cluster answers at {address} ({error.strerror or error}): start `dask scheduler` there, or leave"
            " --cluster out."
        ) from None
    if not is_scheduler:
        raise ClusterError(f"Nothing at {address} answers as a Dask scheduler does: look at the address.")


def _compare(client: Client, address: str) -> None:
    threads = client.nthreads()
    if not threads:
        raise ClusterError(f"The cluster at {address} has no worker: start `dask worker {address} --nthreads 1`.")
    if max(threads.values()) > 1:
        raise ClusterError(
            f"Workers of the cluster at {address} have several threads, and sums of several are rounded differently:"
            " start them with --nthreads 1, and more of them with --nworkers."
        )
    here = fingerprint()
    try:
        fingerprints = client.run(fingerprint)
    except Exception as error:
        raise ClusterError(f"A worker at {address} cannot load this project ({error}): install it there.") from None
    for worker, theirs in fingerprints.items():
        for what, value in here.items():
            if theirs[what] != value:
                raise ClusterError(
                    f"Worker {worker} would give other numbers: its {what} is {theirs[what]}, here {value}."
                )


def fingerprint() -> dict[str, str]:
    """Everything but the data that decides the bits of a result: code, packages, BLAS kernel, vector instructions."""
    files = import_closure(CODE, "dagster_project.study.registry")
    simd: Any = np.show_config(mode="dicts")
    kernels = {str(library.get("architecture")) for library in threadpool_info() if library["user_api"] == "blas"}
    return {
        "code": hash_of_files(files)[:12],
        "Python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in PACKAGES},
        "BLAS kernel (OPENBLAS_CORETYPE)": ", ".join(sorted(kernels)),
        "set of vector instructions (NPY_DISABLE_CPU_FEATURES)": ", ".join(
            simd.get("SIMD Extensions", {}).get("found", [])
        ),
    }
