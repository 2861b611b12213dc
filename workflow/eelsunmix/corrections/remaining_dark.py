"""Noise and remaining constant of the counts once a dark reference is subtracted; what to do about it."""

import xarray as xr

from eelsunmix.io.counts import DetectorOptions, counts_check, noise_attributes
from eelsunmix.io.survey import survey

WITHOUT_REFERENCE = (
    "The counts hold a constant of about {offset:.3g} in every channel that is no signal: variance grows "
    "with the mean as if it began there. A dark signal was not subtracted, so net counts and standard "
    "deviations are wrong. Give a dark reference as corrections.gain.dark: a file with one value per channel."
)
TOO_MUCH = (
    "The counts lack about {offset:.3g} in every channel: variance grows with the mean as if it began below "
    "zero. Too much dark signal was subtracted (or read-out noise adds to the counts): net counts are wrong. "
    "Import the counts as they were recorded, or give a file of -{offset:.3g} in every channel as "
    "corrections.gain.dark."
)
WITH_REFERENCE = (
    "After the dark reference was subtracted, about {offset:.3g} counts {found} in every channel: the "
    "reference does not belong to this exposure. Scale it, or give another as corrections.gain.dark."
)


def noise_measured_again(image: xr.DataArray, detector: DetectorOptions) -> xr.DataArray:
    """Measure counts per electron without the dark signal; the image itself where they were not measured.

    `detector` is what the configuration says of it. This is one more pass over the image.
    """
    if image.attrs.get("counts_per_electron_from") not in ("measured", "assumed"):
        return image
    check = counts_check(survey(image, detector.saturation), detector)
    return image.assign_attrs(noise_attributes(check))


def constant_warnings(image: xr.DataArray, *, has_reference: bool) -> list[str]:
    """Name the constant that the counts hold or lack.

    Parameters
    ----------
    image : DataArray
        With the attribute `constant_counts`, if it was measured.
    has_reference : bool
        Whether a dark reference was subtracted.
    """
    offset = float(image.attrs.get("constant_counts", 0.0))
    if not offset:
        return []
    if has_reference:
        found = "remain" if offset > 0 else "are missing"
        return [WITH_REFERENCE.format(found=found, offset=abs(offset))]
    return [(WITHOUT_REFERENCE if offset > 0 else TOO_MUCH).format(offset=abs(offset))]
