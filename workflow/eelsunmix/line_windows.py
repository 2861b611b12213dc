"""Where the windows of an X-ray line lie by default: between the lines around it and the ends of the axis."""

import math
from collections.abc import Sequence
from statistics import NormalDist

from eelsunmix.edge_windows import NoRoomError, Span, Window
from eelsunmix.line_table import Line, full_width, single_lines

SIGNAL = 1.1
"""Half of the integration window, in FWHM of the line: 99 % of a Gaussian."""
GAP = 0.3
"""From there to the windows of the background: 0.1 % of a Gaussian lie beyond."""
BACKGROUND, LEAST_BACKGROUND = 1.0, 0.5
"""Width of each window of the background, and the least."""
REACH, REACH_PART = 6.0, 0.2
"""How far from the line they may be, in FWHM or as a part of its energy: bremsstrahlung is straight there."""
FEWEST_CHANNELS = 3
TAIL = 0.005
"""Part of the photons of a shell that windows of a background may hold of the tail of each of its lines."""
FWHM_OF_DEVIATION = math.sqrt(8 * math.log(2))
MAIN = 0.2
"""The part from which the window of a line is widened to hold it, rather than cut it."""
LOWEST_EV = 200.0
"""Lines below, such as L of S, hardly leave the specimen."""

Windows = tuple[Window, Window, Window]
NOTHING = (None, None, None)


def line_windows(
    line: Line,
    span: Span,
    elements: Sequence[str],
    resolution_eV: float,
    *,
    given: tuple[Window | None, Window | None, Window | None] = NOTHING,
) -> Windows:
    """Choose the windows below a line, of its counts, and above it, in eV.

    Parameters
    ----------
    line : Line
    span : Span
        What may be used of the axis.
    elements : sequence of str
        Whose lines are to be avoided; those of the line's own element are as well.
    resolution_eV : float
        FWHM of Mn Ka.
    given : tuple of tuple of float or None
        Windows that are written, in the order of the result; they stay as they are.

    Raises
    ------
    NoRoomError
        Of windows that are not given.
    """
    below, signal, above = given
    signal = signal or _signal_on_axis(line, span, resolution_eV)
    width = full_width(line.energy_eV, resolution_eV)
    taken = [
        (one, reach_of(one, resolution_eV))
        for one in _strong_lines({line.element, *elements})
        if one.element != line.element or not signal[0] < one.energy_eV < signal[1]
    ]
    below = below or _beside(line, -1, signal, taken, span, width)
    above = above or _beside(line, 1, signal, taken, span, width)
    return below, signal if given[1] else (_rounded(signal[0]), _rounded(signal[1])), above


def _signal_on_axis(line: Line, span: Span, resolution_eV: float) -> Window:
    signal = _signal(line, resolution_eV)
    if signal[0] < span.low or signal[1] > span.high:
        raise NoRoomError(f"{line.name} at {line.energy_eV:.0f} eV lies at an end of the axis")
    if signal[1] - signal[0] < FEWEST_CHANNELS * span.channel:
        raise NoRoomError(f"{line.name}: its window is narrower than {FEWEST_CHANNELS} channels")
    return signal


def reach_of(line: Line, resolution_eV: float) -> Window:
    """Return the energies beyond which a line has less than `TAIL` of the photons of its shell."""
    deviations = NormalDist().inv_cdf(1 - TAIL / max(line.weight, 2 * TAIL))
    width = deviations * full_width(line.energy_eV, resolution_eV) / FWHM_OF_DEVIATION
    return line.low_eV - width, line.high_eV + width


def share_inside(line: Line, window: Window, resolution_eV: float) -> float:
    """Return the part of the photons of its shell that a line puts into a window."""
    deviation = full_width(line.energy_eV, resolution_eV) / FWHM_OF_DEVIATION
    low, high = ((end - line.energy_eV) / (math.sqrt(2) * deviation) for end in window)
    return line.weight * (math.erf(high) - math.erf(low)) / 2


def _strong_lines(elements: set[str]) -> list[Line]:
    own = (line for element in sorted(elements) for line in single_lines().get(element, ()))
    return [line for line in own if line.weight > 2 * TAIL and line.energy_eV > LOWEST_EV]


def _signal(line: Line, resolution_eV: float) -> Window:
    """Return the window of a line, widened to hold lines of the same shell that it would cut, such as Mb."""
    width = SIGNAL * full_width(line.energy_eV, resolution_eV)
    low, high = line.low_eV, line.high_eV
    cut = [
        one.energy_eV
        for one in _strong_lines({line.element})
        if one.family[0] == line.family[0]
        and low - width < one.energy_eV < high + width
        and one.weight > MAIN
    ]
    return min([low, *cut]) - width, max([high, *cut]) + width


def _beside(
    line: Line, side: int, signal: Window, taken: Sequence[tuple[Line, Window]], span: Span, width: float
) -> Window:
    """Search outwards from the counts for the next stretch without lines; distances are from the line."""
    first = max(side * (end - line.energy_eV) for end in signal) + GAP * width
    fewest = max(LEAST_BACKGROUND * width, FEWEST_CHANNELS * span.channel)
    farthest = max(REACH * width, REACH_PART * line.energy_eV)
    limit = min(farthest, side * ((span.low, span.high)[side > 0] - line.energy_eV))
    lines = [(sorted(side * (end - line.energy_eV) for end in reach), one) for one, reach in taken]
    why = []
    for (near, far), one in sorted(lines, key=lambda each: each[0]):
        if near < first + fewest and far > first:
            first = far
            why += [f"{one.element} {one.family}"]
    last = min(
        [first + max(BACKGROUND * width, fewest), limit, *(near for (near, _), _ in lines if near > first)]
    )
    if last < first + fewest:
        place, key = ("below", "fit_eV") if side < 0 else ("above", "fit_above_eV")
        taken_by = f"{', '.join(dict.fromkeys(why))} lie there" if why else "the axis ends"
        raise NoRoomError(
            f"no room for a background {place} {line.name} at {line.energy_eV:.0f} eV, since {taken_by}; "
            f"write {key} by hand, or leave it out"
        )
    ends = sorted((line.energy_eV + side * first, line.energy_eV + side * last))
    return _rounded(ends[0]), _rounded(ends[1])


def _rounded(energy: float) -> float:
    return float(round(energy))
