"""Gain from a reference file: its direction, and whether it belongs to this image at all."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from eelsunmix.corrections.common import record
from eelsunmix.corrections.gain_options import GainOptions
from eelsunmix.corrections.pattern import high_pass, roughness
from eelsunmix.corrections.references import read_reference

SIGNIFICANCE = 4.0
LARGEST_SD = 0.2
"""Standard deviation of the likeness beyond which 1, 0 and -1 cannot be told apart."""
SMOOTHER = 0.5
"""Part of the reference's structure that the mean spectrum must show: with less, it becomes rougher."""


@dataclass(frozen=True)
class Likeness:
    """How much of the structure of a reference the mean spectrum shows, and the standard deviation of that.

    1 where the data are to be divided by it, -1 where they are to be multiplied, 0 where it is another
    detector's; NaN where the reference has no structure.
    """

    amount: float
    sd: float

    @property
    def known(self) -> bool:
        """Whether its sign is beyond doubt."""
        return self.sd < LARGEST_SD and abs(self.amount) > SIGNIFICANCE * self.sd


def likeness(mean: np.ndarray, reference: np.ndarray, usable: np.ndarray, window: int) -> Likeness:
    """Regress the structure of the mean spectrum from channel to channel on that of a reference.

    Parameters
    ----------
    mean, reference : ndarray, shape (channel,)
    usable : ndarray of bool, shape (channel,)
        Channels outside edges.
    window : int
        Channels of the high-pass.
    """
    if mean.size < window or np.ptp(reference) < 1e-6 * np.abs(reference).max():
        return Likeness(float("nan"), float("nan"))
    ours, theirs = (high_pass(spectrum, window)[usable] for spectrum in (mean, reference))
    power = float(theirs @ theirs)
    if usable.sum() < 2 * window or power == 0:
        return Likeness(0.0, float("inf"))
    amount = float(ours @ theirs) / power
    scatter = float(np.sum((ours - amount * theirs) ** 2)) / (theirs.size - 1)
    return Likeness(amount, float(np.sqrt(scatter / power)))


def gain_of_reference(
    mean: np.ndarray, usable: np.ndarray, bad: np.ndarray, options: GainOptions
) -> tuple[np.ndarray, dict[str, Any]]:
    """Read the reference and settle whether and how it is applied.

    Without a word of the configuration (`kind`), the direction must be certain, and the mean spectrum must
    become smoother; else nothing is applied. With one, the reference is applied, and a warning says that it
    makes things worse.

    Parameters
    ----------
    mean : ndarray, shape (channel,)
        Mean spectrum without dark signal.
    usable, bad : ndarray of bool, shape (channel,)
    options : GainOptions

    Returns
    -------
    gain : ndarray, shape (channel,)
        The divisor; ones where it is not applied.
    entry : dict
        What the log says.
    """
    values = read_reference(
        str(options.reference),
        mean.size,
        options.offset_channels,
        key="corrections.gain.reference",
        positive_except=bad,
    )
    found = likeness(mean, values, usable, options.smooth_channels)
    kind = options.kind if options.kind != "auto" else "multiply" if found.amount < 0 else "divide"
    divisor = values if kind == "divide" else 1 / values
    before, after = (roughness(m, usable, options.smooth_channels) for m in (mean, mean / divisor))
    change = f"roughness {before:.3%} -> {after:.3%}"
    trouble = _trouble(found, kind, change, options)
    numbers = {"method": "reference", "kind": kind, "reference": options.reference, "likeness": found.amount}
    if trouble and options.kind == "auto":
        text = f"Gain of {options.reference} not applied: {trouble}"
        return np.ones_like(mean), record("gain", False, text, **numbers, warnings=[text])
    summary = f"Gain of {options.reference} applied ({kind}); {change}."
    warnings = [f"Gain of {options.reference} applied ({kind}) as told, but {trouble}"] if trouble else []
    return divisor / divisor[~bad].mean(), record("gain", True, summary, **numbers, warnings=warnings)


def _trouble(found: Likeness, kind: str, change: str, options: GainOptions) -> str:
    """Say what speaks against the reference; empty where nothing does."""
    if np.isnan(found.amount):
        return ""
    gained = found.amount if kind == "divide" else -found.amount
    if options.kind == "auto" and not found.known and (gained > SMOOTHER or found.sd >= LARGEST_SD):
        return (
            "the counts are too few to tell whether the data must be divided or multiplied by it. "
            "Set corrections.gain.kind to divide or multiply."
        )
    doubt = SIGNIFICANCE * found.sd if options.kind != "auto" else 0.0
    if gained + doubt < SMOOTHER:
        return (
            f"it makes the mean spectrum rougher or hardly smoother ({change}): it may be the wrong file, "
            "shifted against the image, or applied already. Check corrections.gain.offset_channels, or "
            "remove the reference; corrections.gain.kind applies it all the same."
        )
    return ""
