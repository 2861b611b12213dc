"""The encoder that a trained autoencoder leaves behind: plain arrays, and a forward pass in NumPy."""

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Literal, Self

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from eelsunmix.methods._models import Abundances, FrameModel, PixelModel, StoredModel, array
from eelsunmix.numerics.rebinning import rebinned, rebinning_matrix
from eelsunmix.typing import Floats

_EPS = 1e-7

_PIECE = 2**22
"""Elements of patches that are treated at a time."""


@dataclass(frozen=True, kw_only=True)
class Encoder(StoredModel):
    """A chain of dense layers from a spectrum, or from a patch of spectra, to abundances.

    The features of a pixel are ``(spectrum @ projection.T - centre) / scale``, zero in a pixel without
    counts.  Layer ``i`` is ``leaky_relu(x @ kernel_i + bias_i) * gain_i + shift_i``; batch normalisation is
    folded into gain and shift.  The last layer gives ``heads`` groups of one number per endmember.  With a
    ``shortcut`` in the weights, ``features @ shortcut`` is added to them.

    Parameters
    ----------
    projection : ndarray, shape (component, channel), optional
        The features are the channels themselves without it.
    centre, scale : ndarray, shape (feature,)
        Location and width of the features.
    weights : dict of ndarray
        ``kernel_i``, ``bias_i``, ``gain_i``, ``shift_i`` for each layer ``i``, and ``slopes``.
    heads : int
        Groups of outputs: one for each pixel of the patch if they belong to different pixels, else averaged.
    ending : {"softmax", "softplus", "ratio"}
        What turns outputs into abundances: a softmax; or positive parts divided by their sum, rounded over
        ``1 / sharpness`` of the weights or not. The last leaves a pixel empty where no output is positive.
    """

    projection: Floats | None = field(metadata=array("component", "channel", units="1/counts"), default=None)
    centre: Floats = field(metadata=array("feature"))
    scale: Floats = field(metadata=array("feature"))
    weights: dict[str, NDArray[np.float32]] = field(metadata=array())
    heads: int = 1
    ending: Literal["softmax", "softplus", "ratio"] = "softmax"

    @property
    def sum_to_one(self) -> bool:
        """Whether the abundances of every pixel sum to one."""
        return self.ending != "ratio"

    @property
    def n_features(self) -> int:
        """Number of inputs of the first layer that come from one spectrum."""
        return len(self.centre)

    def features(self, spectra: Floats) -> NDArray[np.float32]:
        """Input of the first layer, shape (..., feature), for spectra of shape (..., channel)."""
        raw = spectra if self.projection is None else spectra @ self.projection.T
        empty = ~spectra.any(axis=-1, keepdims=True)
        return np.where(empty, 0.0, (raw - self.centre) / self.scale).astype(np.float32)

    def resampled(self, energy: Floats, new_energy: Floats) -> Self:
        """Share the counts of an image out to the model's channels before they are encoded."""
        matrix = rebinning_matrix(new_energy, energy).T
        projection = matrix if self.projection is None else self.projection @ matrix
        endmembers = rebinned(self.endmembers, energy, new_energy)
        return dataclasses.replace(self, endmembers=endmembers, projection=projection)

    def outputs(self, features: NDArray[np.float32]) -> Floats:
        """Abundances of each head, shape (sample, heads, endmember)."""
        values, weights = features, self.weights
        for layer, slope in enumerate(weights["slopes"]):
            values = values @ weights[f"kernel_{layer}"] + weights[f"bias_{layer}"]
            values = np.where(values < 0, np.float32(slope) * values, values)
            values = values * weights[f"gain_{layer}"] + weights[f"shift_{layer}"]
        if "shortcut" in weights:
            values = values + features @ weights["shortcut"]
        return self._ended(values.reshape(len(values), self.heads, -1).astype(np.float64))

    def _ended(self, values: Floats) -> Floats:
        if self.ending == "softmax":
            positive = np.exp(values - values.max(axis=-1, keepdims=True))
        elif self.ending == "softplus":
            sharpness = self.weights["sharpness"]
            positive = np.logaddexp(0.0, values * sharpness) / sharpness
        else:
            positive = np.maximum(values, 0.0)
        total = positive.sum(axis=-1, keepdims=True)
        return positive / (total if self.sum_to_one else total + _EPS)


@dataclass(frozen=True, kw_only=True)
class SpectrumEncoder(Encoder, PixelModel):
    """An encoder that sees one pixel at a time."""

    def abundances(self, spectra: Floats) -> Abundances:
        """Abundances of spectra, shape (pixel, channel); the mean over the heads."""
        return Abundances(self.outputs(self.features(spectra)).mean(axis=1))


@dataclass(frozen=True, kw_only=True)
class PatchEncoder(Encoder, FrameModel):
    """An encoder that sees square patches; beyond its borders an image goes on as its mirror image.

    Parameters
    ----------
    side : int
        Side of a patch in pixels. With one head the abundances are those of the middle pixel; with
        ``side**2`` heads each pixel gets the mean over all patches that it lies in.
    """

    side: int

    def abundances(self, features: NDArray[np.float32]) -> Abundances:
        """Abundances of a frame of features, shape (y, x, feature)."""
        overlap = self.heads > 1
        patches = patches_of(features, self.side, overlap=overlap)
        n_inputs, further = patches[0, 0].size, self.side - 1 if overlap else 0
        result = np.empty((*features.shape[:2], len(self.endmembers)))
        step = max(1, _PIECE // (patches.shape[1] * n_inputs))
        for first in range(0, len(result), step):
            strip = patches[first : min(first + step, len(result)) + further]
            outputs = self.outputs(strip.reshape(-1, n_inputs))
            heads = outputs.reshape(*strip.shape[:2], *((self.side, self.side) if overlap else (1, 1)), -1)
            result[first : first + step] = averaged_overlap(heads)
        return Abundances(result)


def float32(*values: float) -> NDArray[np.float32]:
    """Return a few numbers as an array of float32, for the weights of an `Encoder`."""
    return np.array(values, np.float32)


def patches_of(values: NDArray[Any], side: int, *, overlap: bool) -> NDArray[Any]:
    """All square patches of an image, which goes on as its mirror image beyond the borders.

    Parameters
    ----------
    values : ndarray, shape (y, x, feature)
        An image.
    side : int
        Side of the patches.
    overlap : bool
        Every patch that touches the image; otherwise one patch for each pixel, around it (before the middle
        if the side is even).

    Returns
    -------
    ndarray, shape (row, column, side, side, feature)
        A view of the image and its border.
    """
    before = side - 1 if overlap else (side - 1) // 2
    behind = side - 1 if overlap else side // 2
    padded = np.pad(values, ((before, behind), (before, behind), (0, 0)), mode="symmetric")
    windows = sliding_window_view(padded, (side, side), axis=(0, 1))
    return np.moveaxis(windows, 2, -1)


def averaged_overlap(patches: Floats) -> Floats:
    """Mean, in each pixel, over all patches that it lies in.

    Parameters
    ----------
    patches : ndarray, shape (row, column, side, side, endmember)
        One patch for each place at which it touches the image.

    Returns
    -------
    ndarray, shape (y, x, endmember)
    """
    rows, columns, side = patches.shape[:3]
    height, width = rows - side + 1, columns - side + 1
    total = np.zeros((height, width, patches.shape[-1]))
    for y in range(side):
        for x in range(side):
            top, left = side - 1 - y, side - 1 - x
            total += patches[top : top + height, left : left + width, y, x]
    return total / side**2
