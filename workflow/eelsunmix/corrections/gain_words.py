"""What the log says of a fixed pattern found in the data."""

import math
from typing import Any

from eelsunmix.corrections.common import BEYOND_ONSET, record
from eelsunmix.corrections.gain_options import GainOptions
from eelsunmix.corrections.pattern import Pattern

MIN_CORRELATION = 0.3


def undecided(pattern: Pattern) -> str:
    """Say why a pattern was estimated but not removed."""
    return (
        f"A fixed pattern of {spread(pattern):.3g} (sd) was found in the data, but not removed: it is as "
        "broad as lines, so it may be part of every spectrum. Name all edges and let "
        "corrections.gain.method: data_driven remove it, or measure a gain reference."
    )


def spread(pattern: Pattern) -> float:
    """Return the standard deviation of a pattern where it is known."""
    known = pattern.values != 0
    return float(pattern.values[known].std()) if known.any() else 0.0


def pattern_entry(pattern: Pattern, options: GainOptions, size: str, action: str) -> dict[str, Any]:
    """Entry of the log for a pattern of a size that was divided out or subtracted."""
    known = pattern.values != 0
    summary = (
        f"Fixed pattern of {size} (sd) found in the data and {action} in {known.sum()} of {known.size} "
        f"channels: correlation {pattern.correlation:.2f} between different pixels; nothing is known at the "
        f"edges and lines that the data show, and from {options.protect_eV:g} eV before a named edge to "
        f"{BEYOND_ONSET * options.protect_eV:g} eV beyond it."
    )
    numbers = {"sd": spread(pattern), "channels": known.sum(), "correlation": pattern.correlation}
    return record(pattern.kind, True, summary, method="data_driven", **numbers)


def why_nothing(options: GainOptions, pattern: Pattern) -> str:
    """Say why no pattern was looked for, or none removed."""
    if options.method == "none":
        return "Gain correction switched off."
    if options.method == "already_applied":
        return "Gain left alone: according to the configuration it has been applied already."
    if math.isnan(pattern.correlation):
        return "No gain estimated: too few pixels, channels or counts to compare, or an EDS image."
    return (
        f"No gain applied: different pixels share no fixed pattern "
        f"(correlation {pattern.correlation:.2f}, needed above {MIN_CORRELATION})."
    )
