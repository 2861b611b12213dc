"""Names of types that several annotations use."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Indices = NDArray[np.intp]

Brightness = Literal["auto", "constant", "variable"]
Anchor = Literal["none", "edges"]
Device = Literal["auto", "cpu", "cuda"]
