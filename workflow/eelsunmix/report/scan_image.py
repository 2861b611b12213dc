"""The image that was recorded with the spectra, such as HAADF, on the pixels of the corrected image."""

import xarray as xr

from eelsunmix.comparison.regrouped import binned, groups_of


def scan_image_on(raw: xr.Dataset, total: xr.DataArray) -> xr.DataArray | None:
    """Return the image cropped, and averaged where pixels were binned; None where the file holds none.

    Parameters
    ----------
    raw : Dataset
        As it was imported.
    total : DataArray, dims (navigation)
        Of the corrected image.

    Returns
    -------
    DataArray, dims (navigation)
        With the attribute `title`, as the file calls it.
    """
    image = raw.get("scan_image")
    if image is None:
        return None
    shown = image.compute().reset_coords(drop=True)
    for dim in ("y", "x"):
        groups = groups_of(image[dim].to_numpy(), total[dim].to_numpy())
        if groups is None:
            return None
        shown = binned(shown, dim, *groups, add=False)
    return shown.assign_attrs(title=str(image.attrs.get("title") or "image of the scan"))
