"""What a method is given, what it gives back, and how that becomes arrays on disk."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from eelsunmix.energy import axes_in_words
from eelsunmix.errors import MethodFailedError
from eelsunmix.typing import Floats

TileSampler = Callable[[int, int, np.random.Generator], Floats]
"""Function of (number of tiles, side in pixels, rng) that gives spectra, shape (tile, y, x, channel)."""


@dataclass(frozen=True, kw_only=True)
class LearningSet:
    """The bounded part of an image that a method learns from; made by `eelsunmix.learning.learning_set`.

    Parameters
    ----------
    spectra : ndarray of float64, shape (pixel, channel)
        Counts of valid pixels: all of them, or a sample that keeps extremes and rare phases.
    channel_weight : ndarray, shape (channel,)
        Root of the Poisson variance of a channel, up to a factor common to all.
    pixel_weight : ndarray, shape (pixel,)
        The same for each pixel of `spectra`.
    loadings : ndarray, shape (component, channel)
        Of the weighted PCA of the whole image, in counts, most important first.
    energy : ndarray, shape (channel,)
        Centres of the channels.
    counts_per_electron : float
        Variance of the counts divided by their mean.
    tiles : callable, optional
        `TileSampler` over the image, for methods that set ``needs_tiles``; None for the others.
    frame_shape : (int, int), optional
        Pixels along y and x of the image that the tiles come from.
    checkpoint : Path, optional
        File in which a long fit may keep its state, to go on after an interruption; never changes a result.
    device : {"auto", "cpu", "cuda"}
        Where networks are trained.
    """

    spectra: Floats
    channel_weight: Floats
    pixel_weight: Floats
    loadings: Floats
    energy: Floats
    counts_per_electron: float = 1.0
    tiles: TileSampler | None = None
    frame_shape: tuple[int, int] | None = None
    checkpoint: Path | None = None
    device: str = "auto"

    def basis(self, n_components: int) -> Floats:
        """Orthonormal rows that span the first loadings in weighted space, shape (n_components, channel).

        The sign of each row is settled (its largest value is positive), so that it does not hang on the order
        of the pixels.
        """
        weighted = self.loadings[:n_components] / self.channel_weight
        rows = np.linalg.qr(weighted.T)[0].T
        peaks = np.take_along_axis(rows, np.abs(rows).argmax(axis=1)[:, None], axis=1)
        return rows * np.sign(peaks)

    def scores(self, n_components: int) -> Floats:
        """Coordinates of ``spectra / channel_weight`` on `basis`, shape (pixel, n_components)."""
        return (self.spectra / self.channel_weight) @ self.basis(n_components).T


class Method(Protocol):
    """One way of unmixing: a frozen dataclass of options with this one function."""

    needs_tiles: ClassVar[bool]
    """Whether `fit` samples tiles of the image; the learning set has ``tiles=None`` where it is False."""
    # Methods whose abundances sum to one say so with a further ``simplex: ClassVar[bool] = True``.

    def __init__(self, **options: Any) -> None: ...

    def fit(self, learning_set: LearningSet, n_endmembers: int, rng: np.random.Generator) -> "Model":
        """Learn the endmembers; all randomness comes from `rng`, torch seeds too.

        Raises
        ------
        MethodFailedError
            The method cannot give a result on these data; the message says why.
        """
        ...


def array(*dims: str) -> dict[str, tuple[str, ...]]:
    """Metadata of a field of a `Model` that holds an array with these dims; a dict of arrays without any.

    Examples
    --------
    >>> @dataclass(frozen=True, kw_only=True)
    ... class Encoder(Model):
    ...     bias: Floats = field(metadata=array("endmember"))
    ...     weights: dict[str, Floats] = field(metadata=array())
    """
    return {"dims": dims}


@dataclass(frozen=True, kw_only=True)
class Model:
    """What a method has learned: endmembers, and how a pixel's abundances follow from its spectrum.

    Subclasses add fields of arrays (marked by `array`) and plain fields (bool, int, float, str); both go
    through `to_dataset` and back without further code.  Use the dims ``endmember``, ``channel`` and
    ``iteration`` where they apply.

    Parameters
    ----------
    endmembers : ndarray, shape (endmember, channel)
        Counts of a pixel of abundance one: ``abundances @ endmembers`` are counts.
    loss : ndarray, shape (iteration,), optional
        Where the method iterates.
    even_counts : float, optional
        The model is one of spectra that all have this total: every pixel is brought to it before it is
        mapped, and the abundances are shares that take the totals of the endmembers into account. None for
        models of spectra as they are.
    status : {"converged", "not converged"}
        Outcome of the fit.
    message : str
        One line with the numbers behind the status, and what else a user should know.
    """

    maps: ClassVar[Literal["spectra", "image"]] = "spectra"
    """Whether abundances follow from single spectra (`abundances`), or from all pixels of a frame: from a
    few features of each spectrum (`n_features`, `features`), then `abundances_of_features`."""
    has_abundance_sd: ClassVar[bool] = False
    """Whether there is also `abundance_and_sd`; only for models that map spectra."""

    endmembers: Floats = field(metadata=array("endmember", "channel"))
    loss: Floats | None = field(metadata=array("iteration"), default=None)
    even_counts: float | None = None
    status: str = "converged"
    message: str = ""

    @property
    def signed(self) -> bool:
        """Whether abundances may be negative by design, so that the refit must allow it too."""
        return False

    def scaled(self, factors: Floats) -> Self:
        """Return the same model with endmembers of that many times the counts."""
        return dataclasses.replace(self, endmembers=self.endmembers * factors[:, None])

    def abundances(self, spectra: Floats) -> Floats:
        """Return abundances, shape (pixel, endmember), or (y, x, endmember) where the model maps images."""
        raise NotImplementedError

    @property
    def n_features(self) -> int:
        """Number of features of a spectrum, of a model that maps images."""
        raise NotImplementedError

    def features(self, spectra: Floats) -> NDArray[np.float32]:
        """Return what a model that maps images takes from spectra (..., channel), shape (..., feature)."""
        raise NotImplementedError

    def abundances_of_features(self, features: NDArray[np.float32]) -> Floats:
        """Return abundances, shape (y, x, endmember), from the features of a frame (y, x, feature)."""
        raise NotImplementedError

    def abundance_and_sd(self, spectra: Floats) -> tuple[Floats, Floats]:
        """Return abundances and their standard deviations, each of shape (pixel, endmember), at one go."""
        raise NotImplementedError

    def resampled(self, energy: Floats, new_energy: Floats) -> "Model":
        """Return the same model on another energy axis, within the range of its own.

        Raises
        ------
        MethodFailedError
            The model is bound to the channels that it has learned; other methods may not be.
        """
        raise MethodFailedError(
            f"a {type(self).__name__} maps only images on its own energy axis, "
            f"{axes_in_words(energy, new_energy)}; fit again on the axis of the image"
        )

    def to_dataset(self) -> xr.Dataset:
        """Return the model as arrays and attributes; `from_dataset` is the inverse."""
        dataset = xr.Dataset(
            attrs={"model": type(self).__name__, "status": self.status, "message": self.message}
        )
        settings: dict[str, Any] = {}
        for item in dataclasses.fields(self):
            value, dims = getattr(self, item.name), item.metadata.get("dims")
            if dims is None:
                settings[item.name] = value
            elif isinstance(value, dict):
                dataset = dataset.assign(_arrays_of(item.name, value))
            elif value is not None:
                dataset[_stored_name(item.name)] = (dims, np.asarray(value))
        dataset.attrs["model_settings"] = {
            key: settings[key] for key in settings if key not in ("status", "message")
        }
        return dataset

    @classmethod
    def from_dataset(cls, dataset: xr.Dataset) -> Self:
        """Rebuild a model from `to_dataset`, also after a round through a store."""
        parts: dict[str, Any] = dict(dataset.attrs["model_settings"])
        parts |= {"status": dataset.attrs["status"], "message": dataset.attrs["message"]}
        for item in dataclasses.fields(cls):
            name, dims = _stored_name(item.name), item.metadata.get("dims")
            if dims == ():
                start = f"{item.name}."
                names = [str(key) for key in dataset.data_vars if str(key).startswith(start)]
                parts[item.name] = {key.removeprefix(start): dataset[key].to_numpy() for key in names}
            elif dims is not None and name in dataset:
                parts[item.name] = dataset[name].to_numpy()
        return cls(**parts)


def _stored_name(field_name: str) -> str:
    return "endmember_spectrum" if field_name == "endmembers" else field_name


def _arrays_of(name: str, arrays: dict[str, Floats]) -> dict[str, tuple[tuple[str, ...], Floats]]:
    return {
        f"{name}.{key}": (tuple(f"{name}.{key}_{axis}" for axis in range(np.ndim(value))), np.asarray(value))
        for key, value in arrays.items()
    }
