"""What the user should know of the counts, in sentences that say what to do."""

from typing import Any

from eelsunmix.io.count_notes import natural_negatives
from eelsunmix.io.resampled import MOST_MEASURED
from eelsunmix.io.saturation import PileUp
from eelsunmix.io.survey import Survey
from eelsunmix.io.variance_line import Line
from eelsunmix.words import two_digits

NEGATIVE_WORTH_A_WARNING = 1e-3

CONFIGURED_OFF = 1.2
"""Ratio of the given to the measured counts per electron, either way, that is named."""

STANDARD_ERRORS = 4

AVERAGED = 0.9
"""Variance over mean below which an image is called averaged or scaled."""


def count_warnings(
    check: dict[str, Any], found: Survey, piled: PileUp | None, line: Line | None
) -> list[str]:
    """Return the sentences that apply.

    Parameters
    ----------
    check : dict
        Entry ``counts_check`` without its sentences.
    found : Survey
        Of the image.
    piled : PileUp, optional
        Where counts pile up at a highest value.
    line : Line, optional
        Variance against mean.
    """
    said = [
        _saturation(check, piled),
        _configured(check, piled),
        _noise(check, found, piled),
        _copies(found),
        _resampled(check, found),
        _flat(check, line),
        _negative(check, line),
    ]
    return [text for text in said if text]


def _configured(check: dict[str, Any], piled: PileUp | None) -> str:
    measured, given = check["variance_to_mean_wide"], check["counts_per_electron"]
    if check["counts_per_electron_from"] != "configuration" or not measured or piled:
        return ""
    ratio = measured / given
    certain = abs(measured - given) > STANDARD_ERRORS * check["variance_to_mean_error"]
    if not certain or max(ratio, 1 / ratio) < CONFIGURED_OFF:
        return ""
    off = f"{ratio**0.5:.3g} times too small" if ratio > 1 else f"{ratio**-0.5:.3g} times too large"
    return (
        f"detector.counts_per_electron is {given:.3g}, but {measured:.3g} were measured on this image "
        f"(standard error {check['variance_to_mean_error']:.1g}): if so, all standard deviations are {off}; "
        "write detector: {counts_per_electron: auto} to take what is measured"
    )


def _noise(check: dict[str, Any], found: Survey, piled: PileUp | None) -> str:
    factor = check["counts_per_electron"]
    if check["counts_per_electron_from"] == "assumed":
        return _not_measured(check, found)
    if factor >= 1 or check["counts_per_electron_from"] == "configuration":
        return ""
    if piled:
        return (
            f"the variance is only {factor:.3g} times the mean, since saturated values have none; "
            "write detector: {counts_per_electron: ...}, which is 1 for a detector that counts electrons"
        )
    return (
        f"the variance is only {factor:.3g} times the mean: the values look averaged or scaled, and all "
        "standard deviations are scaled accordingly; better import the counts as they were recorded"
    )


def _not_measured(check: dict[str, Any], found: Survey) -> str:
    why = "the noise could not be measured (too few neighbouring pixels that differ)"
    if check["variance_to_mean_wide"] is not None:
        why = "neighbouring pixels differ by no noise (simulated without it, denoised or averaged)"
    elif found.n_valid == 1:
        why = "the noise could not be measured, since this is a single spectrum; nothing can be unmixed in it"
    return (
        f"{why}: a counting detector is assumed; if it is not, write detector: {{counts_per_electron: ...}}"
    )


def _copies(found: Survey) -> str:
    n_copies = max(int(copies.n_sure.sum()) for copies in found.copies.values())
    if not n_copies:
        return ""
    return (
        f"{n_copies} pixels are identical to the pixel before them, channel by channel: they were stored "
        "twice. They carry no information of their own, so noise and the number of components are "
        "misjudged; export the image again as it was recorded, or crop the copies away"
    )


def _resampled(check: dict[str, Any], found: Survey) -> str:
    fraction, factor = check["measured_channel_fraction"], check["variance_to_mean_wide"] or 0.0
    # Denoised and averaged images are named by their low variance.
    if fraction > MOST_MEASURED or factor < AVERAGED:
        return ""
    n_channels = found.spectrum.size
    return (
        f"the noise of {n_channels} channels is that of about {fraction * n_channels:.0f}: neighbouring "
        "channels are no measurements of their own, as after the energy axis was interpolated. Standard "
        "deviations and the number of components are misjudged; import the spectra as they were recorded"
    )


def _flat(check: dict[str, Any], line: Line | None) -> str:
    if line is None or not line.is_flat:
        return ""
    negative = f", and {check['negative_fraction']:.1%} of the values are negative"
    return (
        "the noise hardly depends on the counts: no counts per electron explain it"
        f"{negative if check['negative_fraction'] > NEGATIVE_WORTH_A_WARNING else ''}. Either a background "
        "was subtracted before, or read-out noise outweighs the counts; import the counts as they were "
        "recorded, or trust neither standard deviations nor the number of components"
    )


def _negative(check: dict[str, Any], line: Line | None) -> str:
    fraction = check["negative_fraction"]
    if fraction <= NEGATIVE_WORTH_A_WARNING or check["constant_counts"] or natural_negatives(line):
        return ""
    if line is not None and line.is_flat:
        return ""
    return (
        f"{fraction:.1%} of the values are negative, farther from zero than noise reaches: too much dark "
        "signal or a background was subtracted, or the values are damaged; import the counts as they were "
        "recorded"
    )


def _saturation(check: dict[str, Any], piled: PileUp | None) -> str:
    fraction = check["saturated_fraction"]
    if not fraction:
        return ""
    if piled is None:
        given = check["saturation"]
        where = f"at or above detector.saturation, {given:g}" if given else "at the highest value"
        return (
            f"{two_digits(100 * fraction)}% of the values are saturated: they are {where}, "
            "and counts there are too small; crop these energies or record the image with less exposure"
        )
    level = f"the highest value, {piled.level:g}" if piled.level else "the highest value of their channel"
    first, last = piled.channels[0], piled.channels[-1]
    return (
        f"{two_digits(100 * fraction)}% of the values are saturated: they pile up at {level}, as after "
        f"clipping, in {piled.channels.size} channels between numbers {first} and {last}; counts there are "
        "too small, so crop these energies or record the image with less exposure"
    )
