"""Two changed copies that several files look at, each made once a session."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from changed import Refused, Revised, refuse, revise
from house import House


@pytest.fixture(scope="session")
def revised(copy_small_warehouse: Callable[[str], House]) -> Revised:
    """A second edition of the yearbook of 2014 was landed and published."""
    return revise(copy_small_warehouse("revised"))


@pytest.fixture(scope="session")
def refused(copy_small_warehouse: Callable[[str], House]) -> Refused:
    """Files that the gate must refuse were landed, and the run was refused."""
    return refuse(copy_small_warehouse("refused"))
