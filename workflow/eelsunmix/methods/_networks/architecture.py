"""What distinguishes the autoencoders of the ``eels`` setting."""

from dataclasses import dataclass

STEPS_PER_EPOCH = 25


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """What distinguishes the autoencoders.

    Parameters
    ----------
    side : int
        Side of a patch in pixels; 1 for single spectra.
    overlap : bool
        Whether all pixels of a patch are predicted, or the middle one.
    hidden : tuple of int
        Widths of the hidden layers.
    slope : float
        Of the leaky ReLU.
    learning_rate : float
        At the start of the training.
    """

    side: int
    overlap: bool
    hidden: tuple[int, ...]
    slope: float
    learning_rate: float = 0.01

    @property
    def targets(self) -> tuple[int, ...]:
        """Predicted pixels of a patch, in reading order."""
        return tuple(range(self.side**2)) if self.overlap else (self.side**2 // 2,)
