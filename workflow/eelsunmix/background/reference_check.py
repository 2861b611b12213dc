"""Whether the background subtraction of an edge can serve as a reference: what no right one does, in words.

Each test needs both a significant deviation and one large enough to matter: images of many counts show
that no background is exactly a power law, and images of few counts scatter.
"""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from eelsunmix.background.line_check import LINE_ADVICE, line_below_zero
from eelsunmix.background.lines import LineChannels
from eelsunmix.background.maps import SubtractionMaps
from eelsunmix.background.models import background_model
from eelsunmix.background.onsets import Onset
from eelsunmix.background.power_law import fit_power_law
from eelsunmix.background.windows import EdgeChannels, WindowSums
from eelsunmix.edges import CURVES, Edge
from eelsunmix.execution.blocks import fold
from eelsunmix.execution.kept_maps import PIXELS
from eelsunmix.typing import Floats

USUAL_EXPONENTS = (1.0, 6.5)
"""Of the backgrounds of edges; narrower than what a single noisy pixel may have (`PLAUSIBLE_EXPONENTS`)."""
NEGATIVE_FRACTION = 0.02
"""Net counts below minus this fraction of the background are not those of a right background."""
MISFIT_FRACTION = 0.04
"""Root mean square of the relative deviations from the background in the parts of the fit window."""
MISFIT_PARTS = 6
"""Few: what bends a background is broad, while the fixed pattern of a camera (5 % in narrow bins) is not."""
REDUCED_CHI2 = 6.0
INSIDE_EV = 2.0
"""An edge that rises nearer to an end of the fit window may as well be taken to rise outside."""
EDGE_ADVICE = (
    "Move edges.{name}.fit_eV to a smooth stretch just before the edge. If the edge is not where "
    "you expect it, the energy axis is off: axes: {{energy: {{offset_eV: ...}}}} shifts it."
)
SURE = 5.0
"""Standard errors. With some ten edges per image and three tests each, chance alone never gets there."""


def find_problems(
    results: Mapping[str, SubtractionMaps],
    sums: WindowSums,
    places: Mapping[str, EdgeChannels | LineChannels],
    known: Mapping[str, str] | None = None,
) -> dict[str, list[str]]:
    """Name what is wrong with the background subtractions in their typical pixels.

    Parameters
    ----------
    results : mapping of str to SubtractionMaps
        By the names of the edges in the configuration.
    sums : WindowSums
    places : mapping of str to EdgeChannels or LineChannels
    known : mapping of str to str, optional
        What is known to be wrong with some of them, such as `in_fit_windows`.

    Returns
    -------
    dict of str to list of str
        Edge -> one text that says what is wrong, and what to do; only edges with problems.
    """
    found = {}
    for name, result in results.items():
        place, reasons = places[name], [(known or {}).get(name)]
        if isinstance(place, LineChannels):
            reasons += [line_below_zero(result)]
        else:
            halves = _halves(sums.of_edge[name][..., :-1])
            reasons += _problems(result, halves, place, sums.counts_per_electron)
        if texts := [text for text in reasons if text]:
            advice = LINE_ADVICE if isinstance(place, LineChannels) else EDGE_ADVICE
            found[name] = [_with_advice(texts, advice.format(name=name))]
    return found


def in_fit_windows(onsets: Mapping[str, Onset], edges: Mapping[str, Edge]) -> dict[str, str]:
    """Name the fit windows in which the image shows that the edge rises."""
    found = {}
    for name, onset in onsets.items():
        low, high = edges[name].fit_eV
        margin = max(INSIDE_EV, 2 * onset.sd_eV)
        if low + margin < onset.onset_eV < high - margin:
            found[name] = f"an edge rises at {onset.onset_eV:.0f} eV, in the fit window {low:g}-{high:g} eV"
    return found


def exponent_flags(result: SubtractionMaps) -> dict[str, int]:
    """Numbers of pixels whose exponent is implausible or could not be fitted."""
    return {
        "implausible_exponent": int(np.count_nonzero(result.implausible)),
        "exponent_not_fitted": int(np.count_nonzero(result.not_fitted)),
    }


def _problems(
    result: SubtractionMaps, halves: Floats, place: EdgeChannels, counts_per_electron: float
) -> list[str | None]:
    return [
        _exponent_problem(result, halves, place, counts_per_electron),
        _negative_problem(result),
        _misfit_problem(halves, place, counts_per_electron),
    ]


def _with_advice(reasons: list[str], advice: str) -> str:
    """Write reasons as sentences, then what to do; the edge's name stands before it where it is shown."""
    text = " ".join(f"{reason[0].upper()}{reason[1:]}." for reason in reasons)
    return f"{text} {advice}"


def _exponent_problem(
    result: SubtractionMaps, halves: Floats, place: EdgeChannels, counts_per_electron: float
) -> str | None:
    valid = np.isfinite(result.net_counts)
    low, high = USUAL_EXPONENTS
    exponent = result.exponent
    # An exponent that could not be fitted (NaN) is outside too: it ran into the limits of the search.
    outside = valid & (~((exponent >= low) & (exponent <= high)) | result.implausible)
    if 2 * np.count_nonzero(outside) <= np.count_nonzero(valid):
        return None
    # Exponents of single pixels in a short window scatter beyond the limits; those of sums hardly do.
    fit = fit_power_law(halves, place.fit_bounds, counts_per_electron=counts_per_electron)
    excess = np.maximum(low - fit.exponent, fit.exponent - high)
    if not (excess > SURE * np.sqrt(fit.exponent_variance)).all():  # NaN without counts
        return None
    typical = fit.exponent[np.argmin(excess)]
    said = "the exponent of the background is"
    if place.background != "power_law":
        said = "the background falls like a power law of exponent"
    return (
        f"{said} {typical:.1f}, and not within {low:g} to {high:g}, as before "
        f"any edge, in {outside[valid].mean():.0%} of the pixels"
    )


def _negative_problem(result: SubtractionMaps) -> str | None:
    net_counts, background = result.net_counts, result.background_counts
    known = np.isfinite(net_counts) & (background > 0)
    if not known.any():
        return None
    net_counts, background = net_counts[known], background[known]
    mean = net_counts.mean()
    # The median: the mean of many backgrounds is too high where the exponents are uncertain.
    net_counts /= background
    relative = float(np.median(net_counts, overwrite_input=True))
    del net_counts, background  # maps of a large image are in memory one or two at a time
    variance = (result.independent_sd[known] ** 2).sum() / np.count_nonzero(known) ** 2
    error = np.sqrt(variance + result.common_sd[known].mean() ** 2)
    deviations = float(mean / error)
    if relative > -NEGATIVE_FRACTION or deviations > -SURE:
        return None
    return (
        f"the net counts are negative, {relative:.0%} of the background in the typical pixel "
        f"and {deviations:.0f} standard errors in the mean"
    )


def _misfit_problem(halves: Floats, place: EdgeChannels, counts_per_electron: float) -> str | None:
    misfit, chi2 = min(_misfit(half, place, counts_per_electron) for half in halves)
    if misfit < MISFIT_FRACTION or chi2 < REDUCED_CHI2:
        return None
    return (
        f"the counts in the fit window deviate from {CURVES[place.background]} by {misfit:.0%} "
        f"(reduced chi-square of the summed spectrum {chi2:.0f}), as across an edge or a peak"
    )


def _halves(binned: xr.DataArray) -> Floats:
    """Sum every other pixel with counts; both sums have to agree, or one spike would condemn an image."""
    n_pixels, halves = fold(_halves_of_part, binned, _joined, elements=PIXELS * binned.shape[-1])
    return halves if n_pixels > 1 else halves[:1]


def _halves_of_part(binned: xr.DataArray) -> tuple[int, Floats]:
    rows = binned.to_numpy().reshape(-1, binned.shape[-1]).astype(float)
    rows = rows[rows.sum(axis=1) > 0]
    return len(rows), np.array([rows[::2].sum(axis=0), rows[1::2].sum(axis=0)])


def _joined(first: tuple[int, Floats], second: tuple[int, Floats]) -> tuple[int, Floats]:
    """Go on with the other half after an odd number of pixels."""
    return first[0] + second[0], first[1] + (second[1][::-1] if first[0] % 2 else second[1])


def _misfit(counts: Floats, place: EdgeChannels, counts_per_electron: float) -> tuple[float, float]:
    """Relative deviation from the kind of background beyond that of counting, and the reduced chi-square."""
    limits = np.linspace(0, counts.size, min(MISFIT_PARTS, counts.size) + 1).round().astype(int)
    parts = np.add.reduceat(counts, limits[:-1])[None]
    model = background_model(place.background, place.fit_bounds[limits])
    fit = model.fit(parts, counts_per_electron=counts_per_electron)
    chi2 = float(fit.reduced_chi2(parts)[0])
    if not np.isfinite(chi2):  # no counts, or as many parameters as parts: nothing can deviate
        return 0.0, 0.0
    freedom = parts.size - int(fit.n_parameters[0])
    excess = max(chi2 - 1, 0.0) * freedom * counts_per_electron / parts.sum()
    return float(np.sqrt(excess)), chi2
