"""A start of dbt, handed to `dbt_server.py`; where none answers, dbt itself. Needs no package and milliseconds.

Arguments: the server's socket, the executable of dbt, and what dbt is to be told.
"""

import os
import signal
import socket
import sys


def main(place: str, dbt: str, arguments: list[str]) -> int:
    code = ask(place, arguments)
    if code is None:
        os.execv(dbt, [dbt, *arguments])
    return code


def ask(place: str, arguments: list[str]) -> int | None:
    """Exit code of dbt, or None where no server took the order. Signals are passed on."""
    folder = os.getcwd()  # noqa: PTH109 pathlib is a tenth of a second
    told = [folder, str(len(arguments)), *arguments, *(f"{name}={value}" for name, value in os.environ.items())]
    order = "\0".join(told).encode()
    try:
        server = socket.socket(socket.AF_UNIX)
        server.connect(place)
        socket.send_fds(server, [len(order).to_bytes(8)], [1])
        server.sendall(order)
        answers = server.makefile("r")
        process = answers.readline()
    except OSError:
        return None
    if not process:
        return None
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _frame: os.kill(int(process), number))
    return int(answers.readline() or 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
