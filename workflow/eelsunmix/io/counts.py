"""Whether counts are counts: what the survey of an image says of its noise and its damage."""

from typing import Any, Literal

from eelsunmix.io.count_warnings import count_warnings
from eelsunmix.io.noise_summary import NoiseSummary, noise_summaries
from eelsunmix.io.saturation import pile_up
from eelsunmix.io.survey import Survey
from eelsunmix.options import Options, Positive

RELATIVE_TOLERANCE = 0.1
STANDARD_ERRORS = 4

LEAST_FACTOR = 1e-6
"""Variance over mean below which there is no noise at all but that of rounding; nothing is divided by it."""


class DetectorOptions(Options):
    """What is known of the detector.

    Parameters
    ----------
    counts_per_electron : float or "auto"
        Variance divided by mean in the limit of wide energy windows; measured on the image by default.
    saturation : float, optional
        Counts at which the detector saturates. By default the largest number of the file's integer type, and
        lower ones where the counts pile up at their highest value.
    """

    counts_per_electron: Positive | Literal["auto"] = "auto"
    saturation: Positive | None = None


def counts_check(found: Survey, options: DetectorOptions) -> dict[str, Any]:
    """Return the entry ``counts_check`` of an imported image.

    The gain is that of the configuration, or else the measured variance-to-mean factor in wide bins, taken as
    1 where it agrees with 1 within 10 % or four times its standard error, and where there is no noise to
    measure.
    """
    narrow, wide = noise_summaries(found.noise)
    piled = pile_up(found.heights) if options.saturation is None else None
    n_values = max(1, found.n_valid * found.spectrum.size)
    n_saturated = max(found.n_saturated, piled.n_values if piled else 0)
    check = {
        "variance_to_mean": narrow.factor,
        "variance_to_mean_wide": wide.factor,
        "wide_channels": found.noise.width,
        **_gain(wide, options),
        "negative_fraction": found.n_negative / n_values,
        "saturated_fraction": n_saturated / n_values,
        "neighbour_correlation": narrow.correlation,
    }
    return check | {"warnings": count_warnings(check, found, piled)}


def _gain(wide: NoiseSummary, options: DetectorOptions) -> dict[str, Any]:
    gain, origin = 1.0, "measured"
    if options.counts_per_electron != "auto":
        gain, origin = float(options.counts_per_electron), "configuration"
    elif wide.factor is None or wide.factor < LEAST_FACTOR:
        origin = "assumed"
    elif abs(wide.factor - 1) > max(RELATIVE_TOLERANCE, STANDARD_ERRORS * wide.standard_error):
        gain = wide.factor
    return {"counts_per_electron": gain, "counts_per_electron_from": origin}
