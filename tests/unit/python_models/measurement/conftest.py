"""One complete panel with imputed cells, and the procedure of its index."""

import numpy as np
import pytest

from python_models import Panel
from python_models.measurement.choices import ChoiceModel
from python_models.measurement.fast import Procedure

DIMENSIONS = ("new", "new", "new", "quality", "quality")


@pytest.fixture(scope="session")
def procedure(spec) -> Procedure:
    names = tuple(spec["directions"])
    return Procedure(
        np.array([float(spec["directions"][n]) for n in names]),
        np.array([spec["caps"].get(n, np.inf) for n in names]),
        np.array([spec["winsor"].get(n, False) for n in names]),
    )


@pytest.fixture(scope="session")
def model(panel: Panel, procedure: Procedure) -> ChoiceModel:
    imputed = np.random.default_rng(9).random(panel.values.shape) < 0.1
    return ChoiceModel(panel.values, imputed, procedure, DIMENSIONS)
