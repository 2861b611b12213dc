"""The candidates of the recommended result, in words, and how they did on simulated images."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from eelsunmix.comparison.words import listed
from eelsunmix.report.formatting import number

MOST_NAMED = 3
"""Methods and items that a sentence names."""
ANCHORED = "anchored by edges"
ASSUMED = ", if each component holds its own edges alone, as anchoring assumes of yours and of these"
WORDS = {
    "many neighbours": "mapped on averages over many similar neighbours",
    "neighbours": "mapped on averages over similar neighbours",
    "posterior of many neighbours": "mapped by its posterior means on averages over many similar neighbours",
    "consensus": "the median of all candidates",
    "VCA of averages": "VCA of spectra averaged over similar neighbours",
}


def on_twins(known: Mapping[str, Any], ended: str = "") -> str:
    """Say which candidate it is, and how it and the others did on simulated images."""
    errors = errors_of(known)
    best = str(known["method"])
    others: dict[str, float] = {}
    for label, error in errors.items():
        base = label.partition(",")[0]
        if label != best and base != best.partition(",")[0]:
            others[base] = min(error, others.get(base, np.inf))
    worse = sorted(others.items(), key=lambda item: item[1])[:MOST_NAMED]
    named = [f"of {'the ' * (base == 'consensus')}{base} by {number(error, 2)} %" for base, error in worse]
    beside = f", those {listed(named)}" if worse else ""
    off = f"its component maps are off by {number(errors[best], 2)} % of their size (rms){beside}"
    given = ASSUMED * best.endswith(ANCHORED)
    return f"{in_words(best)}{ended}. On images simulated from these results {off}{given}"


def in_words(candidate: str) -> str:
    """Name a candidate as a reader would.

    Examples
    --------
    >>> in_words("BLU, neighbours, anchored by edges"), in_words("consensus")
    ('BLU, mapped on averages over similar neighbours, anchored by edges', 'the median of all candidates')
    """
    return ", ".join(WORDS.get(part, part) for part in candidate.split(", "))


def errors_of(known: Mapping[str, Any]) -> dict[str, float]:
    """Return by how many per cent the maps of each candidate are off on simulated images."""
    errors = dict(known.get("twin_error") or {})
    return {str(label): 100 * float(np.sqrt(error)) for label, error in errors.items()}
