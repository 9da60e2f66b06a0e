"""One error type for a panel that cannot be estimated; its text says what is wrong and where."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import numpy as np


class PanelInputError(ValueError):
    """The data, the weights or the request do not allow the estimate; the message names the city, year or column."""


def require_known(value: object, names: Collection[str], what: str) -> None:
    """PanelInputError where `value` is none of the known names."""
    if value not in names:
        raise PanelInputError(f"{what} must be one of {', '.join(names)}, got {value!r}.")


@contextmanager
def estimable(what: str) -> Iterator[None]:
    """A singular matrix inside means that `what` is not identified by these data: PanelInputError in words."""
    try:
        yield
    except np.linalg.LinAlgError as singular:
        raise PanelInputError(f"{what} cannot be computed from these data: {singular}.") from singular
