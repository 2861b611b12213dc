"""Gain of the channels: from a reference file, or from the data where these show a fixed pattern."""

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from eelsunmix.corrections.common import interpolate_channels, record
from eelsunmix.corrections.correction import Correction
from eelsunmix.corrections.dark import Dark
from eelsunmix.corrections.evidence import Evidence
from eelsunmix.corrections.features import find_features
from eelsunmix.corrections.gain_options import GainOptions
from eelsunmix.corrections.gain_reference import gain_of_reference
from eelsunmix.corrections.gain_words import MIN_CORRELATION, pattern_entry, spread, undecided, why_nothing
from eelsunmix.corrections.interpolated import mean_spectrum
from eelsunmix.corrections.losses import excessive, loss_sentences, losses, with_losses
from eelsunmix.corrections.pattern import (
    GAIN_LIMITS,
    Pattern,
    expected_roughness,
    find_pattern,
    roughness,
)
from eelsunmix.corrections.remaining_pattern import disturbed_edges, pattern_warnings

LINE_LIKE = 0.2
"""Correlation of neighbouring channels from which a pattern may be made of lines: -0.35 for a detector whose
channels are independent, after the high-pass over nine; above 0.4 for lines three channels wide."""
CHECK_LOSS = "Compare the edge before and after (report, corrections)."
LOSS_REFUSED = (
    "It was not applied. If it is right all the same, raise corrections.gain.max_taken_percent; else give "
    "another reference or set corrections.gain.method: none."
)


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

    `spectra` (group, channel); `bad` and `usable`, bool (channel,): those that have counts in all groups,
    outside the edges that are named and those that the data show.
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
    means = _means(evidence, dark.values, bad, options)
    pattern = _pattern(evidence, means, options)
    given = dark
    dark, gain = _settled(means, pattern, dark, options)
    dark, gain = _without_loss(evidence, (given, dark), gain, options)
    numbers = _roughness_numbers(evidence, means, (dark.values, gain.values), options.smooth_channels)
    found = {"correlation": pattern.correlation, "kind_evidence": pattern.evidence}
    return dark, replace(gain, entry=record(**(gain.entry | numbers | found)))


def _means(evidence: Evidence, dark: np.ndarray, bad: np.ndarray, options: GainOptions) -> _Means:
    spectra = interpolate_channels(evidence.statistics.group_means - dark, bad)
    usable = ~bad & ~evidence.near_edges(options.protect_eV) & (spectra > 0).all(axis=0)
    # an EDS spectrum is searched on demand alone, and its lines are where the counts are
    if evidence.signal != "EDS" and evidence.n_channels >= options.smooth_channels:
        usable &= ~find_features(spectra, options.smooth_channels)
    return _Means(spectra=spectra, bad=bad, usable=usable)


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
        values, entry = gain_of_reference(means.spectra.mean(axis=0), means.usable, means.bad, options)
        return dark, Gain(values=values, entry=entry)
    if options.method in ("none", "already_applied") or not pattern.correlation > MIN_CORRELATION:
        return dark, _gain_left_alone(dark, why_nothing(options, pattern))
    if options.method == "auto" and _line_likeness(pattern) > LINE_LIKE:
        return dark, _gain_left_alone(dark, undecided(pattern), warn=True)
    if pattern.kind == "dark":
        entry = pattern_entry(pattern, options, f"{spread(pattern):.3g} counts", "subtracted")
        text = "Gain left alone: the fixed pattern adds counts and was subtracted as dark signal."
        return Dark(values=dark.values + pattern.values, entry=entry), _gain_left_alone(dark, text)
    entry = pattern_entry(pattern, options, f"{spread(pattern):.3%}", "divided out")
    return dark, Gain(values=_gain_of_pattern(pattern), entry=entry)


def _without_loss(
    evidence: Evidence, darks: tuple[Dark, Dark], gain: Gain, options: GainOptions
) -> tuple[Dark, Gain]:
    """Go back to the dark signal given where too much is taken from an edge; report what is taken."""
    given, dark = darks
    before = evidence.statistics.mean - given.values
    found = losses(
        before,
        (evidence.statistics.mean - dark.values) / gain.values,
        evidence.energy_eV,
        evidence.edges,
    )
    step: Dark | Gain = gain if dark is given else dark
    what = f"The {step.entry['step']} correction"
    if not excessive(found, options.max_taken_percent):
        warnings = [*step.entry.get("warnings", []), *loss_sentences(what, found, CHECK_LOSS)]
        disturbed = disturbed_edges(step.entry, mean_spectrum(evidence, given.values))
        told = {
            "warnings": warnings + pattern_warnings(step.entry, disturbed),
            "disturbed_percent": disturbed,
        }
        step = replace(step, entry=with_losses(step.entry | told, found))
        return (dark, step) if isinstance(step, Gain) else (step, gain)
    why = " ".join(loss_sentences(what, found, LOSS_REFUSED))
    left = _gain_left_alone(given, why, warn=True)
    return given, replace(left, entry=with_losses(left.entry, found))


def _gain_left_alone(dark: Dark, why: str, *, warn: bool = False) -> Gain:
    entry = with_losses(record("gain", False, why, warnings=[why] if warn else []), {})
    return Gain(values=np.ones_like(dark.values), entry=entry)


def _gain_of_pattern(pattern: Pattern) -> np.ndarray:
    """Divisor of mean 1 over the channels where something is known, exactly 1 elsewhere."""
    gain = np.clip(1 + pattern.values, *GAIN_LIMITS)
    known = pattern.values != 0
    gain[known] /= gain[known].mean()
    return gain


def _line_likeness(pattern: Pattern) -> float:
    """Correlation of the pattern in neighbouring channels."""
    known = pattern.values != 0
    pairs = known[1:] & known[:-1]
    if not pairs.any():
        return 0.0
    return float(np.mean(pattern.values[1:][pairs] * pattern.values[:-1][pairs]) / spread(pattern) ** 2)


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
