"""The recommended result as a dataset, with its deviations."""

from collections.abc import Hashable, Sequence
from dataclasses import replace

import numpy as np
import xarray as xr

from eelsunmix.image import valid_pixels
from eelsunmix.nuisance import nuisance_arrays
from eelsunmix.recommendation.ambiguity import ambiguity_of
from eelsunmix.recommendation.choosing import Choice
from eelsunmix.recommendation.deviations import deviation_by_value, map_deviation, spectrum_deviation
from eelsunmix.typing import Bools, Floats


def labelled(choice: Choice, image: xr.DataArray, amounts: Floats, empty: Bools) -> xr.Dataset:
    """Lay out a result.

    Parameters
    ----------
    choice : Choice
        Made on the image, or on a sample of it.
    image : DataArray, dims (navigation, energy)
    amounts : ndarray, shape (pixel, endmember)
        Of its valid pixels that have sample.
    empty : ndarray of bool, shape (navigation)
        Valid pixels without sample.
    """
    best, chosen = replace(choice.best, amounts=amounts), valid_pixels(image)
    trials = choice.ranking.trials[best.label]
    ambiguity = ambiguity_of(choice)
    maps: dict[str, Floats] = {}
    for name, kind, others in (
        ("abundance", "shares", ambiguity.of_shares),
        ("thickness_weighted_abundance", "amounts", ambiguity.of_amounts),
    ):
        values = getattr(best, kind)
        total = _noise(choice, [getattr(one, kind) for one in trials], kind, values, chosen)
        total[chosen] = np.hypot(total[chosen], others(values))
        maps[name] = _map(values, chosen, empty)
        maps[f"{name}_sd"] = np.where((chosen | empty)[..., None], total, np.nan)
    spectra_sd = np.hypot(
        spectrum_deviation([one.spectra for one in trials]), ambiguity.of_spectra(best.endmembers)
    )
    result = _dataset(maps, best.endmembers, spectra_sd, image)
    nuisance = choice.data.nuisance
    return result if nuisance is None else result.assign(nuisance_arrays(nuisance, image.dims[-1]))


def in_callers_order(result: xr.Dataset, image: xr.DataArray) -> xr.Dataset:
    """Put the dims in the order of the image of the caller."""
    energy = next(dim for dim in result["endmember_spectrum"].dims if dim != "endmember")
    place: Sequence[Hashable] = ["endmember" if dim == energy else dim for dim in image.dims]
    return result.transpose(..., *place, energy)


def _noise(choice: Choice, errors: list[Floats], kind: str, values: Floats, chosen: Bools) -> Floats:
    """Errors on the twins: of the pixel and its neighbours, or of pixels of the sample with such a value."""
    if choice.data.chosen.shape == chosen.shape:
        return map_deviation(errors, chosen)
    filled = np.zeros((*chosen.shape, values.shape[1]))
    filled[chosen] = deviation_by_value(errors, getattr(choice.best, kind), values)
    return filled


def _dataset(
    maps: dict[str, Floats], endmembers: Floats, spectra_sd: Floats, image: xr.DataArray
) -> xr.Dataset:
    dims, energy = (*image.dims[:-1], "endmember"), image.dims[-1]
    spectra = {"endmember_spectrum": endmembers, "endmember_spectrum_sd": spectra_sd}
    coords = {name: one for name, one in image.coords.items() if energy not in one.dims}
    coords |= {energy: image[energy], "endmember": np.arange(len(endmembers))}
    variables = {name: (dims, values.astype(np.float32), {"units": "1"}) for name, values in maps.items()}
    spectral = {
        name: (("endmember", energy), values, {"units": "counts"}) for name, values in spectra.items()
    }
    return xr.Dataset(variables | spectral, coords=coords)


def _map(rows: Floats, chosen: Bools, empty: Bools) -> Floats:
    """Put the rows of the chosen pixels into their places: zero in empty pixels, NaN in invalid ones."""
    filled = np.full((*chosen.shape, rows.shape[1]), np.nan)
    filled[empty] = 0.0
    filled[chosen] = rows
    return filled
