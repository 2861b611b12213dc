"""Shift of one spectrum against another, found by correlation and refined by least squares."""

from dataclasses import dataclass

import numpy as np
import scipy

BACKGROUND_ORDER = 1
"""A straight line beside the reference: a parabola takes so much of a broad edge that its shift is known
a fifth less well."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """Reference, its derivative, and a polynomial for the background: what a spectrum in a window is made of.

    `solve`, (term, channel): least-squares amounts of a spectrum. The first is the reference's, the second
    its derivative's.
    """

    design: np.ndarray
    solve: np.ndarray

    @classmethod
    def of(
        cls, reference: np.ndarray, window: tuple[int, int, int], order: int = BACKGROUND_ORDER
    ) -> "Model":
        """Build it in a window: first channel, one past the last, largest shift."""
        first, last, _ = window
        background = _background(last - first, order)
        # a channel of smoothing: the derivative of noise is no direction
        slope = np.gradient(scipy.ndimage.gaussian_filter1d(reference, 0.7, mode="nearest"))
        design = np.column_stack([reference[first:last], slope[first:last], background])
        return cls(design=design, solve=np.linalg.pinv(design))

    def change(self, spectra: np.ndarray) -> np.ndarray:
        """Shift of spectra that are nearly in place, in channels."""
        amount = spectra @ self.solve[:2].T
        with np.errstate(divide="ignore", invalid="ignore"):
            # moving the reference up by d adds -d times its slope
            return np.nan_to_num(-amount[:, 1] / amount[:, 0], posinf=0.0, neginf=0.0)


def estimate_shifts(
    spectra: np.ndarray,
    reference: np.ndarray,
    window: tuple[int, int, int],
    *,
    background_order: int = BACKGROUND_ORDER,
) -> np.ndarray:
    """Shift of each spectrum against a reference, in channels; positive towards higher channels.

    The whole channel of the best correlation first, then its fraction by one step of least squares on the
    reference, a smooth background, and the derivative of the reference [1]_ (three rounds).

    Parameters
    ----------
    spectra : ndarray, shape (pixel, channel)
    reference : ndarray, shape (channel,)
    window : tuple of int
        First channel, one past the last, and the largest shift; the window plus the shift lies on the axis.
    background_order : int
        Of the polynomial beside the reference.

    References
    ----------
    .. [1] Lucas, Kanade, Proc. IJCAI (1981) 674, eq. 6.
    """
    first, last, reach = window
    steps = np.arange(-reach, reach + 1)
    background = _background(last - first, background_order)
    template = _without(background, reference[None, first:last])[0]
    likeness = [_correlation(_without(background, spectra[:, first + s : last + s]), template) for s in steps]
    shift = steps[np.argmax(likeness, axis=0)].astype(float)
    model, channels = Model.of(reference, window, background_order), np.arange(first, last)
    for _ in range(3):
        shift = shift + np.clip(model.change(interpolated(spectra, channels, shift)), -0.5, 0.5)
    return np.clip(shift, -reach - 1, reach + 1)


def interpolated(spectra: np.ndarray, channels: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Values of each spectrum at ``channels + shift`` by linear interpolation, the ends repeated."""
    place = np.clip(channels + shift[:, None], 0, spectra.shape[1] - 1)
    below = np.minimum(place.astype(int), spectra.shape[1] - 2)
    part = place - below
    rows = np.arange(len(spectra))[:, None]
    return spectra[rows, below] * (1 - part) + spectra[rows, below + 1] * part


def _background(n_channels: int, order: int) -> np.ndarray:
    """Orthonormal polynomials, (channel, order + 1); fewer in a window too short for all."""
    order = max(min(order, n_channels - 5), 0)
    return np.linalg.qr(np.vander(np.linspace(-1, 1, n_channels), order + 1))[0]


def _without(background: np.ndarray, windows: np.ndarray) -> np.ndarray:
    return windows - (windows @ background) @ background.T


def _correlation(windows: np.ndarray, template: np.ndarray) -> np.ndarray:
    norm = np.sqrt((windows**2).sum(axis=1))
    return (windows @ template) / np.maximum(norm, 1e-300)
