"""Leading directions of spectra, and what lies outside of them."""

import numpy as np

from eelsunmix.typing import Floats


def leading_directions(scatter: Floats, number: int) -> Floats:
    """Eigenvectors of the largest eigenvalues of a symmetric matrix, shape (number, channel).

    Of ``rows.T @ rows`` they are the leading right singular vectors of the rows. Signs are those of LAPACK;
    see `with_settled_signs`.

    Examples
    --------
    >>> np.abs(leading_directions(np.diag([1.0, 3.0, 2.0]), 2))
    array([[0., 1., 0.],
           [0., 0., 1.]])
    """
    return np.linalg.eigh(scatter)[1][:, ::-1][:, :number].T


def with_settled_signs(rows: Floats) -> Floats:
    """Give each row the sign that makes its largest value positive.

    Examples
    --------
    >>> with_settled_signs(np.array([[1.0, -3.0], [2.0, 1.0]]))
    array([[-1.,  3.],
           [ 2.,  1.]])
    """
    if len(rows) == 0:
        return rows
    peaks = np.take_along_axis(rows, np.abs(rows).argmax(axis=1)[:, None], axis=1)
    return rows * np.sign(peaks)


def power_outside(rows: Floats, scores: Floats) -> Floats:
    """Squared length of what a basis does not describe of each row, shape (row,).

    Parameters
    ----------
    rows : ndarray, shape (row, channel)
        Spectra in units of their noise, or as they are.
    scores : ndarray, shape (row, component)
        Their coordinates on an orthonormal basis.

    Examples
    --------
    >>> power_outside(np.array([[3.0, 4.0], [1.0, 0.0]]), np.array([[3.0], [1.0]]))
    array([16.,  0.])
    """
    return np.maximum(np.sum(rows**2, axis=1) - np.sum(scores**2, axis=1), 0.0)
