"""Gain of the channels: from a reference file, or from the data where these show a fixed pattern."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.corrections.common import BEYOND_ONSET, interpolate_channels, record
from eelsunmix.corrections.correction import Correction
from eelsunmix.corrections.dark import Dark
from eelsunmix.corrections.evidence import Evidence
from eelsunmix.corrections.gain_options import GainOptions
from eelsunmix.corrections.pattern import (
    GAIN_LIMITS,
    Pattern,
    expected_roughness,
    find_pattern,
    roughness,
)
from eelsunmix.corrections.references import read_reference

MIN_CORRELATION = 0.3


@dataclass(frozen=True, kw_only=True)
class Gain(Correction):
    """Gain per channel: `values`, (channel,), by which counts are divided."""

    values: np.ndarray

    @property
    def changes(self) -> bool:
        """Whether any channel differs from 1."""
        return bool((self.values != 1).any())

    def apply(self, image: xr.DataArray) -> xr.DataArray:
        """Divide by it, in float64."""
        return image / self.values


@dataclass(frozen=True, kw_only=True)
class _Means:
    """Mean spectra of the groups less the dark signal, bad channels interpolated.

    `spectra` (group, channel); `bad` and `usable`, bool (channel,): those outside edges that have counts in
    all groups.
    """

    spectra: np.ndarray
    bad: np.ndarray
    usable: np.ndarray


def measure_gain(evidence: Evidence, dark: Dark, bad: np.ndarray, options: GainOptions) -> tuple[Dark, Gain]:
    """Settle the gain of every channel, and with it the dark signal: a fixed pattern may be either.

    Parameters
    ----------
    evidence : Evidence
        Of the raw image.
    dark : Dark
        From the reference file.
    bad : ndarray of bool, shape (channel,)
    options : GainOptions

    Raises
    ------
    InputError
        The reference file is missing, of the wrong length, or holds values that cannot be used.
    """
    spectra = interpolate_channels(evidence.statistics.group_means - dark.values, bad)
    usable = ~bad & ~evidence.near_edges(options.protect_eV) & (spectra > 0).all(axis=0)
    means = _Means(spectra=spectra, bad=bad, usable=usable)
    pattern = _pattern(evidence, means, options)
    dark, gain = _settled(means, pattern, dark, options)
    numbers = _roughness_numbers(evidence, means, (dark.values, gain.values), options.smooth_channels)
    found = {"correlation": pattern.correlation, "kind_evidence": pattern.evidence}
    return dark, replace(gain, entry=record(**(gain.entry | numbers | found)))


def _pattern(evidence: Evidence, means: _Means, options: GainOptions) -> Pattern:
    n_pixels = evidence.statistics.n_pixels
    # the lines of an EDS spectrum are as narrow as a pattern and in every pixel; so only on demand
    unasked = evidence.signal == "EDS" and options.method == "auto"
    if unasked or evidence.n_channels < options.smooth_channels:
        return Pattern("gain", np.zeros(evidence.n_channels), float("nan"), 0.0)
    return find_pattern(
        means.spectra,
        n_pixels[n_pixels > 0],
        means.usable,
        window=options.smooth_channels,
        variance_to_mean=evidence.variance_to_mean,
        kind=options.pattern,
    )


def _settled(means: _Means, pattern: Pattern, dark: Dark, options: GainOptions) -> tuple[Dark, Gain]:
    """Choose between the reference, the pattern as gain, the pattern as dark signal, and nothing."""
    if options.reference is not None:
        return dark, _gain_of_reference(means, options)
    if options.method in ("none", "already_applied") or not pattern.correlation > MIN_CORRELATION:
        return dark, _gain_left_alone(dark, _why_nothing(options, pattern))
    if pattern.kind == "dark":
        entry = _pattern_entry(pattern, options, f"{_spread(pattern):.3g} counts", "subtracted")
        text = "Gain left alone: the fixed pattern adds counts and was subtracted as dark signal."
        return Dark(values=dark.values + pattern.values, entry=entry), _gain_left_alone(dark, text)
    entry = _pattern_entry(pattern, options, f"{_spread(pattern):.3%}", "divided out")
    return dark, Gain(values=_gain_of_pattern(pattern), entry=entry)


def _gain_left_alone(dark: Dark, why: str) -> Gain:
    return Gain(values=np.ones_like(dark.values), entry=record("gain", False, why))


def _gain_of_pattern(pattern: Pattern) -> np.ndarray:
    """Divisor of mean 1 over the channels where something is known, exactly 1 elsewhere."""
    gain = np.clip(1 + pattern.values, *GAIN_LIMITS)
    known = pattern.values != 0
    gain[known] /= gain[known].mean()
    return gain


def _gain_of_reference(means: _Means, options: GainOptions) -> Gain:
    mean, bad = means.spectra.mean(axis=0), means.bad
    key = "corrections.gain.reference"
    values = read_reference(
        str(options.reference), mean.size, options.offset_channels, key=key, positive_except=bad
    )
    window = options.smooth_channels
    divisors = {"divide": values, "multiply": 1 / values}
    rough = {name: roughness(mean / each, means.usable, window) for name, each in divisors.items()}
    kind = options.kind if options.kind != "auto" else min(rough, key=rough.__getitem__)
    before = roughness(mean, means.usable, window)
    summary = f"Gain of {options.reference} applied ({kind}); roughness {before:.3%} -> {rough[kind]:.3%}."
    numbers: dict[str, Any] = {"method": "reference", "kind": kind, "reference": options.reference}
    if rough[kind] > before:
        numbers["warning"] = (
            f"the reference makes the mean spectrum rougher ({before:.3%} -> {rough[kind]:.3%}): "
            "it may be the wrong file, shifted, or applied already"
        )
    gain = divisors[kind] / divisors[kind][~bad].mean()
    return Gain(values=gain, entry=record("gain", True, summary, **numbers))


def _spread(pattern: Pattern) -> float:
    known = pattern.values != 0
    return float(pattern.values[known].std()) if known.any() else 0.0


def _pattern_entry(pattern: Pattern, options: GainOptions, size: str, action: str) -> dict[str, Any]:
    known = pattern.values != 0
    summary = (
        f"Fixed pattern of {size} (sd) found in the data and {action} in {known.sum()} of {known.size} "
        f"channels: correlation {pattern.correlation:.2f} between different pixels; nothing is known from "
        f"{options.protect_eV:g} eV before an edge to {BEYOND_ONSET * options.protect_eV:g} eV beyond it."
    )
    numbers = {"sd": _spread(pattern), "channels": known.sum(), "correlation": pattern.correlation}
    return record(pattern.kind, True, summary, method="data_driven", **numbers)


def _why_nothing(options: GainOptions, pattern: Pattern) -> str:
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


def _roughness_numbers(
    evidence: Evidence, means: _Means, correction: tuple[np.ndarray, np.ndarray], window: int
) -> dict[str, float]:
    mean, (dark, gain) = evidence.statistics.mean, correction
    empty = means.bad | (mean <= np.maximum(dark, 0))
    if empty.all():
        return {}
    before, after = (interpolate_channels(spectrum, empty) for spectrum in (mean, (mean - dark) / gain))
    usable = means.usable & ~empty
    total = before * evidence.statistics.n_pixels.sum()
    noise = expected_roughness(total, usable, window, evidence.variance_to_mean)
    return {
        "roughness_before": roughness(before, usable, window),
        "roughness_after": roughness(after, usable, window),
        "roughness_expected_from_noise": noise,
    }
