"""Layout of `bs.zarr`."""

from eelsunmix.storage.layout import Layout, attribute, variable
from eelsunmix.storage.layouts.axes import EDGE, IMAGE, PROFILE, VALID

_MAP = "edge navigation"
_PROFILE = "edge profile frames position"
BS = Layout(
    path="bs.zarr",
    variables={
        "net_counts": variable(_MAP, "float", "counts", "above the background, signed, never clipped"),
        "net_counts_sd": variable(_MAP, "float", "counts", "its standard deviation"),
        "independent_sd": variable(
            _MAP, "float", "counts", "of an error that each pixel makes for itself; for means over pixels"
        ),
        "common_sd": variable(_MAP, "float", "counts", "of an error that all pixels share"),
        "snr": variable(_MAP, "float", "1", "the one over the other"),
        "background_counts": variable(
            _MAP, "float", "counts", "of the background, or below the line, in the window"
        ),
        "exponent": variable(_MAP, "float", "1", "of the background before it; NaN of a line of X-rays"),
        "reduced_chi2": variable(_MAP, "float", "1", "of the background in the fit window; NaN of a line"),
        "profile_counts": variable(
            _PROFILE, "float", "counts", "BS of the spectra summed over the width; NaN beyond the end"
        ),
        "profile_counts_sd": variable(_PROFILE, "float", "counts", "its standard deviation"),
        "profile_position": variable("profile position", "float", "nm|px", "along the profile"),
        "region_spectrum": variable(
            "edge region energy", "float", "counts", "mean of the pixels with low, middle, high net counts"
        ),
        "region_background": variable("edge region energy", "float", "counts", "its fitted background"),
        "off_region_mean": variable(
            "edge", "float", "counts", "mean net counts per pixel where the user says the element is absent"
        ),
        "off_region_sd": variable("edge", "float", "counts", "its standard error; NaN without a region"),
    },
    coordinates={name: one for name, one in IMAGE.items() if name not in VALID}
    | EDGE
    | PROFILE
    | {"region": variable("region", "text", None, "`low, middle, high`")},
    attributes={
        "edges": attribute(
            "dict",
            "name -> `element, onset_eV, fit_eV, integrate_eV, reference, background`; lines: `fit_above_eV`",
        ),
        "profiles": attribute("dict", "name -> geometry with `pixels` and `width_nm`"),
        "exponent_from": attribute("str", "`pixel`, `local` or `global`"),
        "local_sigma_px": attribute("float", "width of the average for `local`"),
        "counts_per_electron": attribute("float", "of the image"),
        "flags": attribute("dict", "edge -> pixels with an implausible or unfitted exponent"),
        "energy_axis": attribute(
            "dict",
            "`onsets` (edge -> measured, given and tabulated onset in eV); `offset_eV, offset_sd_eV` (by how "
            "much the energies are too high for the given onsets; None where not measured); "
            "`table_offset_eV, table_offset_sd_eV` (the same by the table); `lines` (of X-rays: "
            "measured and given energy in eV); `summary`; `warnings` (sentences, also among those of the "
            "store)",
        ),
        "reference_problems": attribute(
            "dict", "edge -> sentences on why its background cannot be right; only edges with problems"
        ),
        "warnings": attribute("list", "sentences"),
    },
)
