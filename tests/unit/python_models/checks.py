"""What many tests of the library ask in the same words: a refusal, a derivative, a symmetric neighbourhood."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from python_models.regression import PanelInputError


def refused(message: str, call: Callable, *given: Any, error: type[Exception] = ValueError, **options: Any) -> None:
    """call(*given, **options) raises an error whose text matches `message`."""
    with pytest.raises(error, match=message):
        call(*given, **options)


panel_refused = partial(refused, error=PanelInputError)


def gradient(f: Callable[[np.ndarray], Any], at: np.ndarray, step: float = 1e-6) -> np.ndarray:
    """Central differences of f at a vector, one row a coordinate."""
    steps = step * np.eye(len(at))
    return np.array([(np.asarray(f(at + h)) - np.asarray(f(at - h))) / (2 * step) for h in steps])


def ring(n: int) -> np.ndarray:
    """Both neighbours on a circle: symmetric, row-normalised."""
    return (np.roll(np.eye(n), 1, axis=1) + np.roll(np.eye(n), -1, axis=1)) / 2
