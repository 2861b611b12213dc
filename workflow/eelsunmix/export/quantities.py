"""What is exported: quantities of a sample, and the single maps, spectra and profiles that they hold."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.comparison.components import REFERENCE

PRIMARY = ("element_map", "net_counts", "element_profile", "profile_counts")
"""What a map of an edge, or its profile, is without a further word in its name."""
FOLDERS = {
    "elements": "counts of each element, as maps and along profiles; bs is background subtraction",
    "components": "spectra of the components of each method, and how much of them is in each pixel",
    "image": "the image without any method: mean spectra, total counts, what was corrected",
    "checks": "what tells how good these are: residuals, chi-squares, ranges, eigenvalues",
}
"""Folders of a format, and what lies there."""
_VARIABLES = {
    "elements": (*PRIMARY, "true_element_map", "true_element_profile"),
    "components": (
        *("endmember_spectrum", "abundance", "thickness_weighted_abundance", "refit_abundance"),
        *("phase", "phase_confidence"),
    ),
    "checks": (
        *("snr", "background_counts", "exponent", "reduced_chi2", "region_spectrum", "region_background"),
        *("eigenvalue", "loading", "parallel_eigenvalue", "residual_deviation", "mean_residual"),
        *("subspace_map", "owner_abundance_low", "owner_abundance_high"),
        *("nuisance_direction", "nuisance_filter", "material_bs_map", "material_bs_profile"),
        *("true_abundance", "true_abundance_profile", "truth_abundance_profile"),
    ),
}
FOLDER_OF = {variable: folder for folder, variables in _VARIABLES.items() for variable in variables}
"""Variable of a store other than those of the image -> its folder; a test asks for each that is declared."""
IMAGE_STORES = ("raw", "corrected")
OWN = {
    "map": ("frame", "y", "x"),
    "spectrum": ("energy_loss", "energy", "raw_energy", "index"),
    "profile": ("position",),
}
"""Kind -> the dims that make it; all others count one after the other."""


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """One array of a store, and all that a reader elsewhere has to know of it.

    Parameters
    ----------
    kind : {"map", "spectrum", "profile"}
    variable : str
        Its name in the store.
    label : str
        Of the method, ``BS``, or empty.
    stem : str
        Name of files that hold all of it.
    array : DataArray
        Dims that count (``edge``, ``endmember``, ``profile`` ...) first, those of `OWN` last.
    deviation : DataArray, optional
        Its standard deviation.
    meaning : str
        A sentence.
    unit : str
    names : mapping of str to tuple of str
        Dim that counts -> names of its entries.
    about : mapping
        Sample, source, method, settings, store and seal; plain values.
    """

    kind: str
    variable: str
    label: str
    stem: str
    array: xr.DataArray
    deviation: xr.DataArray | None
    meaning: str
    unit: str
    names: Mapping[str, tuple[str, ...]]
    about: Mapping[str, Any]

    @property
    def own_dims(self) -> list[str]:
        """Dims that one map, spectrum or profile has."""
        return [str(dim) for dim in self.array.dims if dim in OWN[self.kind]]

    @property
    def title(self) -> str:
        """One line for people."""
        words = self.variable.replace("_", " ")
        return f"{words}, {self.label}" if self.label else words

    @property
    def folder(self) -> str:
        """The one of `FOLDERS` in which its files lie."""
        return "image" if self.about["store"] in IMAGE_STORES else FOLDER_OF[self.variable]

    def folder_in(self, place: Path) -> Path:
        """Return its folder below that of a format, which is made where it is not there yet."""
        folder = place / self.folder
        folder.mkdir(exist_ok=True)
        return folder

    def single(self) -> Iterator["Single"]:
        """Yield each map, spectrum or profile by itself."""
        stack = [str(dim) for dim in self.array.dims if dim not in OWN[self.kind]]
        for index in np.ndindex(*(self.array.sizes[dim] for dim in stack)):
            at = dict(zip(stack, map(int, index), strict=True))
            names = {dim: self.names[dim][number] for dim, number in at.items()}
            yield Single(
                quantity=self,
                names=names,
                array=self.array.isel(at),
                deviation=None if self.deviation is None else self.deviation.isel(at),
            )


@dataclass(frozen=True, kw_only=True)
class Single:
    """One map, spectrum or profile of a quantity; `names` are its places along the dims that count."""

    quantity: Quantity
    names: Mapping[str, str]
    array: xr.DataArray
    deviation: xr.DataArray | None

    @property
    def stem(self) -> str:
        """Name of its file: sample, edge, method, component, and what it is."""
        one = self.quantity
        names = [self.names["edge"]] if "edge" in self.names else []
        names += [one.label.lower() if one.label == REFERENCE else one.label] if one.label else []
        names += [name for dim, name in self.names.items() if dim != "edge"]
        names += [] if one.variable in PRIMARY and "edge" in self.names else [one.variable]
        return "_".join([str(one.about["sample"]), *map(safe, names)])

    @property
    def title(self) -> str:
        """One line for people."""
        return ", ".join([*self.names.values(), self.quantity.title])


def safe(text: str) -> str:
    """Make a name safe for files.

    Examples
    --------
    >>> safe("2 · Mn+La with weak Ti"), safe("Ti_L23")
    ('2-Mn-La-with-weak-Ti', 'Ti_L23')
    """
    return re.sub(r"[^A-Za-z0-9_]+", "-", text).strip("-")
