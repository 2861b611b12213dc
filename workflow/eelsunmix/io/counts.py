"""Whether counts are counts: what the survey of an image says of its noise and its damage."""

import math
from typing import Annotated, Any, Literal

from pydantic import Field

from eelsunmix.io.count_notes import count_notes
from eelsunmix.io.count_warnings import count_warnings
from eelsunmix.io.noise_summary import NoiseSummary, noise_summaries
from eelsunmix.io.resampled import measured_fraction
from eelsunmix.io.saturation import pile_up
from eelsunmix.io.survey import Survey
from eelsunmix.io.variance_line import Line, fit_line
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
        From 1e-9 to 1e9; other values are refused as typing errors.
    saturation : float, optional
        Counts at which the detector saturates; by default the largest number of the file's integer type.
        Counts that pile up at a highest value below it are called saturated too, in any case.
    """

    counts_per_electron: Annotated[float, Field(ge=1e-9, le=1e9)] | Literal["auto"] = "auto"
    saturation: Positive | None = None


def counts_check(found: Survey, options: DetectorOptions) -> dict[str, Any]:
    """Return the entry ``counts_check`` of an imported image.

    The gain is that of the configuration, or else the measured variance-to-mean factor in wide bins, taken as
    1 where it agrees with 1 within 10 % or four times its standard error, and where there is no noise to
    measure. Where the counts hold a constant that is no signal, the factors are those without it.
    """
    piled = pile_up(found.heights)
    # Clipped counts bend the line; where the saturation is given it is fitted all the same.
    line = None if piled and options.saturation is None else fit_line(found.noise.levels)
    narrow, wide = noise_summaries(found.noise)
    offset = line.offset_of_counts(wide.factor) if line and wide.factor is not None else 0.0
    if line and offset:
        narrow, wide = _without_constant(narrow, line), _without_constant(wide, line)
    n_values = max(1, found.n_valid * found.spectrum.size)
    n_saturated = max(found.n_saturated, piled.n_values if piled else 0)
    check = {
        "variance_to_mean": narrow.factor,
        "variance_to_mean_wide": wide.factor,
        "variance_to_mean_error": wide.standard_error if wide.factor is not None else None,
        "wide_channels": found.noise.width,
        "constant_counts": offset,
        **_gain(wide, options),
        "negative_fraction": found.n_negative / n_values,
        "saturated_fraction": n_saturated / n_values,
        "saturation": options.saturation,
        "neighbour_correlation": narrow.correlation,
        "measured_channel_fraction": measured_fraction(found.noise.parts),
    }
    said = count_warnings(check, found, piled, line)
    return check | {"warnings": said, "notes": count_notes(check, line)}


def noise_attributes(check: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes of an image that say how noisy it is (docs/data-model.md)."""
    names = ("counts_per_electron", "counts_per_electron_from", "constant_counts")
    return {name: check[name] for name in names} | {"channel_variance_to_mean": _channel_ratio(check)}


def _channel_ratio(check: dict[str, Any]) -> float:
    """Of one channel; below that of wide windows where the point spread function couples channels."""
    measured = check["counts_per_electron_from"] == "measured" and check["variance_to_mean"] is not None
    if not measured or check["counts_per_electron"] == 1.0:
        return float(check["counts_per_electron"])
    return float(check["variance_to_mean"])


def _without_constant(summary: NoiseSummary, line: Line) -> NoiseSummary:
    """Return the factors of the signal alone."""
    if summary.factor is None:
        return summary
    factor = summary.factor * line.gain_over_ratio
    error = factor * math.hypot(summary.standard_error / summary.factor, line.gain_deviation / line.gain)
    return NoiseSummary(factor, error, summary.correlation)


def _gain(wide: NoiseSummary, options: DetectorOptions) -> dict[str, Any]:
    gain, origin = 1.0, "measured"
    if options.counts_per_electron != "auto":
        gain, origin = float(options.counts_per_electron), "configuration"
    elif wide.factor is None or wide.factor < LEAST_FACTOR:
        origin = "assumed"
    elif abs(wide.factor - 1) > max(RELATIVE_TOLERANCE, STANDARD_ERRORS * wide.standard_error):
        gain = wide.factor
    return {"counts_per_electron": gain, "counts_per_electron_from": origin}
