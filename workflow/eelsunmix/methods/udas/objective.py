"""The two alternating steps of an untied denoising autoencoder with sparse encoder: decoder, then encoder."""

from dataclasses import dataclass

import numpy as np

from eelsunmix.typing import Floats


@dataclass(frozen=True, kw_only=True)
class Autoencoder:
    """Objective of the fit.

    ``[gain |D - H W|^2 + delta^2 |1 - H 1|^2] / (2 n) + penalty / 2 * sum_r |E_r|`` with the abundances
    ``H = max(Y E^T, 0)`` of the encoder ``E`` and the endmembers ``W`` between zero and a limit.

    Parameters
    ----------
    inputs : ndarray, shape (pixel, input)
        What the encoder sees (Y).
    targets : ndarray, shape (pixel, channel)
        What the decoder is to give (D).
    delta : float
        Weight of the sum of a pixel's abundances.
    penalty : float
        Of the lengths of the rows of the encoder.
    gain : float
        Weight of the reconstruction.
    upper : float
        Largest value of an endmember.
    """

    inputs: Floats
    targets: Floats
    delta: float
    penalty: float
    gain: float = 1.0
    upper: float = np.inf

    def hidden(self, encoder: Floats) -> Floats:
        """Abundances, shape (pixel, endmember)."""
        return np.maximum(self.inputs @ encoder.T, 0.0)

    def objective(self, decoder: Floats, encoder: Floats) -> float:
        """Value of the objective."""
        return self._misfit(decoder, self.hidden(encoder)) + self._sparsity(encoder)

    def decoder_step(self, decoder: Floats, encoder: Floats) -> Floats:
        """Best endmembers for the abundances of the encoder, shape (endmember, channel)."""
        hidden = self.hidden(encoder)
        return bounded_least_squares(hidden.T @ hidden, hidden.T @ self.targets, decoder, upper=self.upper)

    def encoder_step(self, decoder: Floats, encoder: Floats) -> Floats:
        """One step down the gradient, shape (endmember, input); halved until the objective falls."""
        hidden = self.hidden(encoder)
        slope = self._slope(decoder, hidden)
        lengths = np.linalg.norm(encoder, axis=1, keepdims=True)
        direction = -(slope.T @ self.inputs) - 0.5 * self.penalty * encoder / np.where(
            lengths > 0, lengths, 1.0
        )
        change = (self.inputs @ direction.T) * (hidden > 0)
        curvature = self._curvature(decoder, change)
        if not curvature > 0:
            return encoder
        step, value = float(np.sum(direction**2)) / curvature, self.objective(decoder, encoder)
        for _ in range(40):
            found = encoder + step * direction
            if self.objective(decoder, found) < value:
                return found
            step /= 2
        return encoder

    def _misfit(self, decoder: Floats, hidden: Floats) -> float:
        squares = self.gain * np.sum((self.targets - hidden @ decoder) ** 2)
        sums = self.delta**2 * np.sum((1.0 - hidden.sum(axis=1)) ** 2)
        return float(squares + sums) / (2 * len(hidden))

    def _sparsity(self, encoder: Floats) -> float:
        return 0.5 * self.penalty * float(np.linalg.norm(encoder, axis=1).sum())

    def _slope(self, decoder: Floats, hidden: Floats) -> Floats:
        """Return the derivative by the inputs of the rectifier; zero where it is closed."""
        slope = self.gain * (hidden @ (decoder @ decoder.T) - self.targets @ decoder.T)
        slope += self.delta**2 * (hidden.sum(axis=1, keepdims=True) - 1.0)
        return slope * (hidden > 0) / len(hidden)

    def _curvature(self, decoder: Floats, change: Floats) -> float:
        squares = self.gain * np.sum((change.T @ change) * (decoder @ decoder.T))
        return float(squares + self.delta**2 * np.sum(change.sum(axis=1) ** 2)) / len(change)


def bounded_least_squares(
    gram: Floats, pull: Floats, start: Floats, *, upper: float = np.inf, n_sweeps: int = 1000
) -> Floats:
    """Minimise ``|T - H W|^2`` over ``0 <= W <= upper``, row by row; no sweep makes it larger.

    Parameters
    ----------
    gram, pull : ndarray, shapes (endmember, endmember) and (endmember, channel)
        ``H^T H`` and ``H^T T``.
    start : ndarray, shape (endmember, channel)
        Rows without weight in `gram` stay as they are.
    n_sweeps : int
        Limit.

    References
    ----------
    .. [1] Cichocki, Zdunek, Amari, Proc. ICA (2007) 169, for the rows; the limit is the project's.
    """
    found = np.clip(start, 0.0, upper)
    for _ in range(n_sweeps):
        before = found.copy()
        for row in np.flatnonzero(np.diag(gram) > 0):
            better = found[row] + (pull[row] - gram[row] @ found) / gram[row, row]
            found[row] = np.clip(better, 0.0, upper)
        if np.abs(found - before).max(initial=0.0) <= 1e-9 * np.abs(found).max(initial=0.0):
            break
    return found
