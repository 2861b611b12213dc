"""Eigenvalues of large symmetric matrices, where one of them is enough."""

import numpy as np

from eelsunmix.typing import Floats


def largest_eigenvalue(matrix: Floats, steps: int = 20) -> float:
    """Estimate the largest eigenvalue of a positive semidefinite matrix by power iteration."""
    vector = np.sqrt(np.maximum(np.diagonal(matrix), 0.0))
    vector = vector * np.where(np.arange(len(vector)) % 2, 1.0, 0.7)
    norm = float(np.linalg.norm(vector))
    for _ in range(steps):
        if norm == 0:
            break
        vector = matrix @ (vector / norm)
        norm = float(np.linalg.norm(vector))
    return norm
