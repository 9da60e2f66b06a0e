"""Array aliases; the comment beside a variable names its shape."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

type FloatArray = NDArray[np.float64]
type BoolArray = NDArray[np.bool_]
type IntArray = NDArray[np.int64]

__all__ = ["ArrayLike", "BoolArray", "FloatArray", "IntArray"]
