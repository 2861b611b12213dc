"""What the user should know of the counts, in sentences that say what to do."""

from typing import Any

from eelsunmix.io.saturation import PileUp
from eelsunmix.io.survey import Survey

NEGATIVE_WORTH_A_WARNING = 1e-3
CORRELATION_WORTH_A_WARNING = 0.1


def count_warnings(check: dict[str, Any], found: Survey, piled: PileUp | None) -> list[str]:
    """Return the sentences that apply.

    Parameters
    ----------
    check : dict
        Entry ``counts_check`` without its warnings.
    found : Survey
        Of the image.
    piled : PileUp, optional
        Where counts pile up at a highest value.
    """
    said = [_saturation(check, piled), _noise(check, piled), _copies(found), _negative(check), _spread(check)]
    return [text for text in said if text]


def _noise(check: dict[str, Any], piled: PileUp | None) -> str:
    factor, measured = check["counts_per_electron"], check["variance_to_mean_wide"]
    if check["counts_per_electron_from"] == "assumed":
        why = "the noise could not be measured (too few neighbouring pixels that differ)"
        if measured is not None:
            why = "neighbouring pixels differ by no noise (simulated without it, denoised or averaged)"
        return (
            f"{why}: a counting detector is assumed; if it is not, write detector: "
            "{counts_per_electron: ...}"
        )
    if factor > 1:
        return (
            f"the variance is {factor:.3g} times the mean in wide windows: these are camera counts, not "
            "electrons, and all standard deviations are scaled accordingly"
        )
    if factor < 1 and piled:
        return (
            f"the variance is only {factor:.3g} times the mean, since saturated values have none; "
            "write detector: {counts_per_electron: ...}, which is 1 for a detector that counts electrons"
        )
    if factor < 1:
        return (
            f"the variance is only {factor:.3g} times the mean: the values look averaged or scaled, and all "
            "standard deviations are scaled accordingly; better import the counts as they were recorded"
        )
    return ""


def _copies(found: Survey) -> str:
    n_copies = max(int(copies.n_sure.sum()) for copies in found.copies.values())
    if not n_copies:
        return ""
    return (
        f"{n_copies} pixels are identical to the pixel before them, channel by channel: they were stored "
        "twice. They carry no information of their own, so noise and the number of components are "
        "misjudged; export the image again as it was recorded, or crop the copies away"
    )


def _negative(check: dict[str, Any]) -> str:
    fraction = check["negative_fraction"]
    return f"{fraction:.1%} of the values are negative" if fraction > NEGATIVE_WORTH_A_WARNING else ""


def _saturation(check: dict[str, Any], piled: PileUp | None) -> str:
    fraction = check["saturated_fraction"]
    if not fraction:
        return ""
    if piled is None:
        return f"{fraction:.2g} of the values are saturated"
    level = f"the highest value, {piled.level:g}" if piled.level else "the highest value of their channel"
    first, last = piled.channels[0], piled.channels[-1]
    return (
        f"{fraction:.2g} of the values are saturated: they pile up at {level}, as after clipping, in "
        f"{piled.channels.size} channels between numbers {first} and {last}; counts there are too small, so "
        "crop these energies or record the image with less exposure"
    )


def _spread(check: dict[str, Any]) -> str:
    correlation = check["neighbour_correlation"] or 0
    if correlation <= CORRELATION_WORTH_A_WARNING:
        return ""
    return (
        f"neighbouring channels share noise (correlation {correlation:.2f}): "
        "the detector's point spread couples them"
    )
