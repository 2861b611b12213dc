"""Layouts of `raw.zarr` and `corrected.zarr`."""

from eelsunmix.storage.layout import Layout, attribute, variable
from eelsunmix.storage.layouts.axes import IMAGE, SERIES

SIMULATED = "simulated"
COUNTS = {
    "counts": variable("navigation energy", "number", "counts", "the image; its attrs are those above"),
    "total_counts": variable("navigation", "float", "counts", "sum over the channels"),
    "mean_spectrum": variable("energy", "float", "counts", "mean over the valid pixels"),
}
TRUTH = {
    "true_endmember_spectrum": variable(
        "true_endmember energy", "float", "counts", "counts of a pixel of abundance 1", when=SIMULATED
    ),
    "true_abundance": variable(
        "navigation true_endmember", "float", "1", "part of each material; sums to one", when=SIMULATED
    ),
    "true_brightness": variable(
        "navigation",
        "float",
        "1",
        "thickness relative to the nominal one, 0 without sample",
        when="simulated with vacuum or a varying thickness",
    ),
    "true_expected_counts": variable(
        "navigation energy", "float", "counts", "image without noise, before gain", when=SIMULATED
    ),
    "true_gain": variable("energy", "float", "1", "factor of each channel", when=SIMULATED),
}
SCAN_IMAGE = {
    "scan_image": variable(
        "navigation",
        "float",
        "1",
        "image that was recorded with the spectra, such as HAADF, as in the file; its attr `title` names it",
        when="the file holds one of the same pixels and calibration",
    )
}
RAW = Layout(
    path="raw.zarr",
    variables=COUNTS | SCAN_IMAGE | TRUTH,
    coordinates=IMAGE
    | {"true_endmember": variable("true_endmember", "text", None, "name of the material", when=SIMULATED)},
    attributes={
        "source": attribute(
            "dict", "`file, sha256, size_bytes, reader, signal, versions`, or `scene, options, seed`"
        ),
        "origin_of_axes": attribute(
            "dict", '`{"energy_loss.offset": "file", ...}`: or "configuration", "assumed", "simulation"'
        ),
        "metadata": attribute("dict", "what the file says of microscope and detector; nothing is required"),
        "composition": attribute(
            "dict", "material -> element -> atoms per formula unit, or parts", when=SIMULATED
        ),
        "counts_check": attribute(
            "dict",
            "`variance_to_mean, counts_per_electron, counts_per_electron_from` (measured or configuration), "
            "`constant_counts, negative_fraction, saturated_fraction, neighbour_correlation`, `warnings` "
            "(what to do), `notes` (what is allowed for) and more",
        ),
    },
)

CORRECTED = Layout(
    path="corrected.zarr",
    variables=COUNTS
    | {
        "vacuum": variable("navigation", "bool", None, "valid pixel without sample: left out of learning"),
        "dark": variable(
            "raw_energy", "float", "counts", "`corrected = (raw - dark) / gain` per channel of the raw axis"
        ),
        "gain": variable("raw_energy", "float", "1", "factor of each channel; ones where nothing was done"),
        "bad_channel": variable(
            "raw_energy", "bool", None, "dead, hot or excluded channel, replaced by interpolation"
        ),
        "spike_position": variable(
            "spike axis", "integer", None, "index in the raw image of each replaced voxel"
        ),
        "spike_found": variable("spike", "float", "counts", "what was there"),
        "spike_replaced": variable("spike", "float", "counts", "what is there now"),
        "energy_shift": variable(
            "navigation", "float", "eV|keV", "added to the axis of the pixel", when="aligned"
        ),
        "frame_spectrum": variable(
            "frame energy", "float", "counts", "mean over the valid pixels of the frame", when=SERIES
        ),
        "frame_energy_shift": variable(
            "frame", "float", "eV|keV", "features of the frame against those of the others", when=SERIES
        ),
        "frame_shift_y": variable(
            "frame", "float", "nm|px", "of what is seen, against the others; NaN: not known", when=SERIES
        ),
        "frame_shift_x": variable("frame", "float", "nm|px", "the same along x", when=SERIES),
    },
    coordinates=IMAGE
    | {
        "raw_energy": variable("raw_energy", "float", "eV|keV", "centre of each channel of the raw image"),
        "axis": variable("axis", "text", None, "names of the dims of the raw image"),
    },
    attributes={
        "corrections": attribute(
            "list",
            "in the order applied: `step, applied, summary` (one sentence), for those that may take signal "
            "`taken_percent` (edge -> part of its signal), of a pattern from the data `disturbed_percent` "
            "(edge -> sd of its net counts by what is left of the pattern), and further numbers",
        ),
        "warnings": attribute("list", "sentences"),
    },
)
