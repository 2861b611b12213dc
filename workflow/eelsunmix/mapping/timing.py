"""How long a fitted model takes to map the abundances of pixels, apart from everything around it."""

import timeit

import xarray as xr

from eelsunmix.errors import MethodFailedError
from eelsunmix.execution import blocks
from eelsunmix.mapping.abundance_maps import map_abundance
from eelsunmix.mapping.models import model_for
from eelsunmix.methods import has_failed

TIMED_PIXELS, N_REPEATS = 64 * 64, 3
"""At most so many pixels are timed, the size of the paper's synthetic images, and so many times."""


def mapping_time(stored: xr.Dataset, image: xr.DataArray) -> dict[str, float | int]:
    """Map the first rows of an image once more, and say how long that takes.

    The pixels are in memory, the model is loaded, and what it compiles or imports at its first call is there:
    nothing is timed but the abundances themselves, in this process, by the repeat that was disturbed least.

    Parameters
    ----------
    stored : Dataset
        Result of `eelsunmix.fit`.
    image : DataArray, dims (navigation, energy)
        With the coordinate ``valid_pixel``; eager or lazy.

    Returns
    -------
    dict
        ``abundance_seconds``, and ``abundance_pixels``, the number of valid pixels that were mapped in that
        time; empty for a model that failed, or that cannot map this image.
    """
    if has_failed(stored):
        return {}
    try:
        model = model_for(stored, image)
    except MethodFailedError:  # the maps have it as their status
        return {}
    rows = blocks.split(image, TIMED_PIXELS * image.shape[-1])[0].compute()
    map_abundance(model, rows)
    seconds = min(timeit.repeat(lambda: map_abundance(model, rows), number=1, repeat=N_REPEATS))
    return {"abundance_seconds": seconds, "abundance_pixels": int(rows["valid_pixel"].sum())}
