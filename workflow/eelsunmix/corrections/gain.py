"""Dark and gain: from reference files, or from the data where these show a fixed pattern."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.corrections.common import BEYOND_ONSET, energy_in_ev, interpolate_channels, near_edges, record
from eelsunmix.corrections.gain_options import GainOptions
from eelsunmix.corrections.pattern import (
    GAIN_LIMITS,
    Pattern,
    expected_roughness,
    find_pattern,
    roughness,
)
from eelsunmix.corrections.references import read_reference
from eelsunmix.corrections.statistics import Statistics
from eelsunmix.noise import channel_variance_to_mean

MIN_CORRELATION = 0.3


@dataclass(frozen=True)
class ChannelCorrection:
    """``corrected = (raw - dark) / gain`` per channel, and what the log says of it."""

    dark: np.ndarray
    gain: np.ndarray
    records: list[dict[str, Any]] = field(default_factory=list)


def read_dark(image: xr.DataArray, options: GainOptions) -> np.ndarray:
    """Dark signal per channel in counts; zeros without a file."""
    n_channels = image.shape[-1]
    if options.dark is None:
        return np.zeros(n_channels)
    return read_reference(options.dark, n_channels, options.offset_channels, key="corrections.gain.dark")


def find_gain(
    image: xr.DataArray,
    statistics: Statistics,
    bad: np.ndarray,
    dark: np.ndarray,
    options: GainOptions,
    edges: Mapping[str, Any],
) -> ChannelCorrection:
    """Settle dark and gain of every channel.

    Parameters
    ----------
    image : DataArray
        For its energy axis and noise; its counts are not read.
    statistics : Statistics
        Of the raw image.
    bad : ndarray of bool, shape (channel,)
    dark : ndarray, shape (channel,)
        From the reference file.
    options : GainOptions
    edges : mapping
        Name -> edge; its `onset_eV` is protected.
    """
    means = interpolate_channels(statistics.group_means - dark, bad)
    usable = ~bad & ~near_edges(energy_in_ev(image), edges, options.protect_eV) & (means > 0).all(axis=0)
    pattern = _pattern(image, statistics, means, usable, options)
    dark_record = _dark_record(dark, options)
    if options.reference is not None:
        gain, gain_record = _reference_gain(means.mean(axis=0), usable, bad, options)
    elif options.method in ("none", "already_applied") or not pattern.correlation > MIN_CORRELATION:
        gain, gain_record = np.ones_like(dark), record("gain", False, _why_nothing(options, pattern))
    elif pattern.kind == "dark":
        dark, dark_record = dark + pattern.values, _pattern_record(pattern, options)
        gain, gain_record = (
            np.ones_like(dark),
            record(
                "gain",
                False,
                "Gain left alone: the fixed pattern adds counts and was subtracted as dark signal.",
            ),
        )
    else:
        gain = _gain_of(pattern)
        gain_record = _pattern_record(pattern, options)
    numbers = _roughness_numbers(image, statistics, bad, usable, (dark, gain), options)
    evidence = {"correlation": pattern.correlation, "kind_evidence": pattern.evidence}
    gain_record = record(**(gain_record | numbers | evidence))
    return ChannelCorrection(dark, gain, [dark_record, gain_record])


def _pattern(
    image: xr.DataArray, statistics: Statistics, means: np.ndarray, usable: np.ndarray, options: GainOptions
) -> Pattern:
    # the lines of an EDS spectrum are as narrow as a pattern and in every pixel; so only on demand
    unasked = image.attrs.get("signal") == "EDS" and options.method == "auto"
    if unasked or means.shape[-1] < options.smooth_channels:
        return Pattern("gain", np.zeros(means.shape[-1]), float("nan"), 0.0)
    return find_pattern(
        means,
        statistics.n_pixels[statistics.n_pixels > 0],
        usable,
        window=options.smooth_channels,
        variance_to_mean=channel_variance_to_mean(image),
        kind=options.pattern,
    )


def _gain_of(pattern: Pattern) -> np.ndarray:
    """Divisor of mean 1 over the channels where something is known, exactly 1 elsewhere."""
    gain = np.clip(1 + pattern.values, *GAIN_LIMITS)
    known = pattern.values != 0
    gain[known] /= gain[known].mean()
    return gain


def _reference_gain(
    mean: np.ndarray, usable: np.ndarray, bad: np.ndarray, options: GainOptions
) -> tuple[np.ndarray, dict[str, Any]]:
    values = read_reference(
        str(options.reference),
        mean.size,
        options.offset_channels,
        key="corrections.gain.reference",
        positive_except=bad,
    )
    window = options.smooth_channels
    divisors = {"divide": values, "multiply": 1 / values}
    rough = {kind: roughness(mean / divisor, usable, window) for kind, divisor in divisors.items()}
    kind = options.kind if options.kind != "auto" else min(rough, key=rough.__getitem__)
    before = roughness(mean, usable, window)
    summary = f"Gain of {options.reference} applied ({kind}); roughness {before:.3%} -> {rough[kind]:.3%}."
    numbers: dict[str, Any] = {"method": "reference", "kind": kind, "reference": options.reference}
    if rough[kind] > before:
        numbers["warning"] = (
            f"the reference makes the mean spectrum rougher ({before:.3%} -> {rough[kind]:.3%}): "
            "it may be the wrong file, shifted, or applied already"
        )
    return divisors[kind] / divisors[kind][~bad].mean(), record("gain", True, summary, **numbers)


def _dark_record(dark: np.ndarray, options: GainOptions) -> dict[str, Any]:
    if options.dark is None:
        return record("dark", False, "No dark reference given and no additive pattern removed.")
    summary = f"Dark signal of {options.dark} subtracted: {dark.mean():.4g} counts per channel on average."
    return record("dark", True, summary, method="reference", mean_counts=dark.mean(), reference=options.dark)


def _pattern_record(pattern: Pattern, options: GainOptions) -> dict[str, Any]:
    known = pattern.values != 0
    spread = float(pattern.values[known].std()) if known.any() else 0.0
    size = f"{spread:.3g} counts" if pattern.kind == "dark" else f"{spread:.3%}"
    action = "subtracted" if pattern.kind == "dark" else "divided out"
    summary = (
        f"Fixed pattern of {size} (sd) found in the data and {action} in {known.sum()} of {known.size} "
        f"channels: correlation {pattern.correlation:.2f} between different pixels; nothing is known from "
        f"{options.protect_eV:g} eV before an edge to {BEYOND_ONSET * options.protect_eV:g} eV beyond it."
    )
    return record(
        pattern.kind,
        True,
        summary,
        method="data_driven",
        sd=spread,
        channels=known.sum(),
        correlation=pattern.correlation,
    )


def _why_nothing(options: GainOptions, pattern: Pattern) -> str:
    if options.method == "none":
        return "Gain correction switched off."
    if options.method == "already_applied":
        return "Gain not touched: the configuration says that it is applied already."
    if math.isnan(pattern.correlation):
        return "No gain estimated: too few pixels, channels or counts to compare, or an EDS image."
    return (
        f"No gain applied: different pixels share no fixed pattern "
        f"(correlation {pattern.correlation:.2f}, needed above {MIN_CORRELATION})."
    )


def _roughness_numbers(
    image: xr.DataArray,
    statistics: Statistics,
    bad: np.ndarray,
    usable: np.ndarray,
    correction: tuple[np.ndarray, np.ndarray],
    options: GainOptions,
) -> dict[str, float]:
    dark, gain = correction
    empty = bad | (statistics.mean <= np.maximum(dark, 0))
    if empty.all():
        return {}
    before = interpolate_channels(statistics.mean, empty)
    after = interpolate_channels((statistics.mean - dark) / gain, empty)
    total = before * statistics.n_pixels.sum()
    usable, window = usable & ~empty, options.smooth_channels
    noise = expected_roughness(total, usable, window, channel_variance_to_mean(image))
    return {
        "roughness_before": roughness(before, usable, window),
        "roughness_after": roughness(after, usable, window),
        "roughness_expected_from_noise": noise,
    }
