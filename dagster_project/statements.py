"""Statements in `.sql` files beside the modules that use them."""

import re
from pathlib import Path


def statements(module: str) -> dict[str, str]:
    """The statements of the .sql file beside a module, by the name that the line `-- name: ...` above each gives it."""
    _, *parts = re.split(r"^-- name: (\w+)\n", Path(module).with_suffix(".sql").read_text(encoding="utf-8"), flags=re.M)
    return dict(zip(parts[::2], parts[1::2], strict=True))
