"""What was measured of the counts and is allowed for: nothing to do, but worth knowing."""

from typing import Any

from eelsunmix.io.variance_line import Line

CORRELATION_WORTH_A_NOTE = 0.1
NEGATIVE_WORTH_A_NOTE = 1e-3


def count_notes(check: dict[str, Any], line: Line | None) -> list[str]:
    """Return the sentences that apply.

    Parameters
    ----------
    check : dict
        Entry ``counts_check`` without its sentences.
    line : Line, optional
        Variance against mean.
    """
    said = [_camera(check), _spread(check), _negative(check, line)]
    return [text for text in said if text]


def natural_negatives(line: Line | None) -> bool:
    """Whether noise reaches below zero where the image is darkest."""
    return line is not None and abs(line.darkest) < REACH * line.darkest_variance**0.5 and line.constant > 0


REACH = 4.0
"""Standard deviations of a channel; beyond, values below zero are no noise."""


def _camera(check: dict[str, Any]) -> str:
    factor = check["counts_per_electron"]
    if check["counts_per_electron_from"] != "measured" or factor <= 1:
        return ""
    return (
        f"the variance is {factor:.3g} times the mean in wide windows: these are camera counts, not "
        "electrons, and all standard deviations are scaled accordingly"
    )


def _spread(check: dict[str, Any]) -> str:
    correlation = check["neighbour_correlation"] or 0
    if correlation <= CORRELATION_WORTH_A_NOTE:
        return ""
    return (
        f"neighbouring channels share noise (correlation {correlation:.2f}), as with a detector's point "
        "spread; standard deviations of single channels and of windows allow for it"
    )


def _negative(check: dict[str, Any], line: Line | None) -> str:
    fraction = check["negative_fraction"]
    if fraction <= NEGATIVE_WORTH_A_NOTE or not natural_negatives(line):
        return ""
    return f"{fraction:.1%} of the values are negative, as read-out noise makes them where counts are few"
