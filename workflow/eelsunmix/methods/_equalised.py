"""Models of spectra that all have the same total counts, made to map spectra of any.

A mixture whose abundances sum to one is a point of a simplex.  Where the brightness varies, pixels leave the
simplex along their own direction.  Divided by their total counts, spectra lie in a simplex again, whatever
their brightness; the shares found there become abundances by the totals of the endmembers.

References
----------
.. [1] Craig, IEEE Trans. Geosci. Remote Sens. 32 (1994) 542, for the projection onto the plane of equal sums.
"""

from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from eelsunmix.methods._linear import LinearModel
from eelsunmix.methods._models import COUNTS_ATTRIBUTE, Abundances, FrameModel, Model, PixelModel, StoredModel
from eelsunmix.numerics.equal_counts import EMPTY, with_equal_counts
from eelsunmix.numerics.share_noise import share_covariance
from eelsunmix.typing import Floats


class _Stored(Protocol):
    """What wrapping needs of a `StoredModel`."""

    @property
    def endmembers(self) -> Floats: ...
    @property
    def knows_sd(self) -> bool: ...
    @property
    def sd_of_counts(self) -> bool: ...
    @property
    def endmember_noise(self) -> float: ...
    @property
    def signed(self) -> bool: ...
    def scaled(self, factors: Floats) -> Self: ...
    def normalised(self, counts: float) -> Self: ...
    def resampled(self, energy: Floats, new_energy: Floats) -> Self: ...
    def to_dataset(self) -> xr.Dataset: ...


class _StoredPixels(_Stored, Protocol):
    def abundances(self, spectra: Floats) -> Abundances: ...


class _StoredFrames(_Stored, Protocol):
    @property
    def n_features(self) -> int: ...
    def features(self, spectra: Floats) -> NDArray[np.float32]: ...
    def abundances(self, features: NDArray[np.float32]) -> Abundances: ...


def equalised(model: StoredModel, counts: float) -> "EqualisedPixels | EqualisedFrames":
    """Wrap a model of pixels or of frames that was fitted to spectra of the same counts.

    Parameters
    ----------
    model : StoredModel
        A `PixelModel` or a `FrameModel`. Its endmembers have the counts of a pixel of abundance one; they
        need not have the same totals.
    counts : float
        Total of each spectrum that the model was fitted to.
    """
    if isinstance(model, FrameModel):
        return EqualisedFrames(inner=model, counts=counts)
    if isinstance(model, PixelModel):
        return EqualisedPixels(inner=model, counts=counts)
    raise TypeError(f"{type(model).__name__} is neither a PixelModel nor a FrameModel")


@dataclass(frozen=True, kw_only=True)
class _Equalised(Model):
    """What both wrapping models share.

    Parameters
    ----------
    inner : StoredModel
        The model that is wrapped.
    counts : float
        Total counts of the spectra that it knows.
    """

    inner: _Stored
    counts: float

    @property
    def knows_sd(self) -> bool:
        """Whether abundances come with standard deviations."""
        return self.inner.knows_sd

    @property
    def sd_of_counts(self) -> bool:
        """As the model inside."""
        return self.inner.sd_of_counts

    @property
    def endmember_noise(self) -> float:  # type: ignore[override]
        """As the model inside."""
        return self.inner.endmember_noise

    @property
    def endmembers(self) -> Floats:  # type: ignore[override]
        """Counts of a pixel of abundance one, shape (endmember, channel)."""
        return self.inner.endmembers

    @property
    def signed(self) -> bool:
        """As the model inside."""
        return self.inner.signed

    @property
    def _scales(self) -> Floats:
        """Factors that give all endmembers the total counts of the spectra."""
        scales: Floats = self.counts / self.endmembers.sum(axis=1)
        return scales

    def resampled(self, energy: Floats, new_energy: Floats) -> Self:
        """Return the same model on another energy axis, where its spectra have fewer counts."""
        moved = self.inner.scaled(self._scales).resampled(energy, new_energy)
        totals = moved.endmembers.sum(axis=1)
        counts = float(np.mean(totals))
        inner = moved.normalised(counts).scaled(totals / (counts * self._scales))
        return type(self)(inner=inner, counts=counts)

    def to_dataset(self) -> xr.Dataset:
        """Return the wrapped model as arrays and attributes, and its counts as one more attribute."""
        return self.inner.to_dataset().assign_attrs({COUNTS_ATTRIBUTE: self.counts})


@dataclass(frozen=True, kw_only=True)
class EqualisedPixels(_Equalised, PixelModel):
    """A model of single spectra of the same counts, for spectra of any counts."""

    inner: _StoredPixels

    def abundances(self, spectra: Floats) -> Abundances:
        """Abundances of spectra, shape (pixel, channel); they sum to one."""
        scales = self._scales
        inner = self.inner.scaled(scales)
        shares = inner.abundances(with_equal_counts(spectra, self.counts, least=EMPTY))
        sums = shares.mean @ scales
        mean = shares.mean * scales / sums[:, None]
        if isinstance(inner, LinearModel):
            # Those of the model inside know nothing of the division by noisy totals.
            brightness = np.maximum(spectra.sum(axis=1, keepdims=True), 1.0) / self.counts
            return Abundances(mean, _linear_sd(inner, shares.mean, brightness, self.counts, scales))
        sd = None if shares.sd is None else shares.sd * scales / sums[:, None]
        return Abundances(mean, sd)


def _linear_sd(
    model: LinearModel, shares: Floats, brightness: Floats, counts: float, scales: Floats
) -> Floats:
    """Deviations of the abundances that follow from shares of the counts, shape (pixel, endmember)."""
    taking_part, sums = model.taking_part(shares), (shares @ scales)[:, None]
    propagation = model.propagation()
    covariance = share_covariance(propagation, shares, taking_part, counts, brightness)
    slopes = (np.eye(len(scales)) - (shares * scales / sums)[:, :, None]) * (scales / sums[:, :, None])
    variance = np.einsum("pij,pjk,pik->pi", slopes, covariance, slopes, optimize=True)
    alone = propagation.sd(shares, taking_part, brightness) * np.abs(scales / sums)
    return np.where(taking_part, np.sqrt(np.maximum(variance, 0.0)), alone)


@dataclass(frozen=True, kw_only=True)
class EqualisedFrames(_Equalised, FrameModel):
    """A model of frames of spectra of the same counts, for spectra of any counts."""

    inner: _StoredFrames

    @property
    def n_features(self) -> int:
        """Number of features of a pixel."""
        return self.inner.n_features

    def features(self, spectra: Floats) -> NDArray[np.float32]:
        """Features of spectra, shape (..., channel), as if they all had the same counts."""
        return self.inner.features(with_equal_counts(spectra, self.counts))

    def abundances(self, features: NDArray[np.float32]) -> Abundances:
        """Abundances of a frame of features, shape (y, x, feature); they sum to one."""
        totals = self.endmembers.sum(axis=1)
        shares = self.inner.abundances(features)
        sums = (shares.mean / totals).sum(axis=-1, keepdims=True)
        sd = None if shares.sd is None else shares.sd / totals / sums
        return Abundances(shares.mean / totals / sums, sd)
