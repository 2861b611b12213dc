"""Where the windows of an X-ray line lie by default: between the lines around it and the ends of the axis."""

import math
from collections.abc import Sequence

from eelsunmix.edge_windows import NoRoomError, Span, Window
from eelsunmix.line_table import Line, full_width, single_lines

SIGNAL = 1.1
"""Half of the integration window, in FWHM of the line: 99 % of a Gaussian."""
GAP = 0.3
"""From there to the windows of the background: 0.1 % of a Gaussian lie beyond."""
BACKGROUND, LEAST_BACKGROUND = 1.0, 0.5
"""Width of each window of the background, and the least."""
REACH, REACH_PART = 6.0, 0.2
"""How far from the line they may lie, in FWHM or as a part of its energy: bremsstrahlung is straight so far."""
FEWEST_CHANNELS = 3
STRONG = 0.03
"""Part of the photons of its shell from which a line is kept out of the windows of the background."""
MAIN = 0.2
"""The part from which the window of a line is widened to hold it, rather than cut it."""
LOWEST_EV = 200.0
"""Lines below, such as L of S, hardly leave the specimen."""

Windows = tuple[Window, Window, Window]


def line_windows(line: Line, span: Span, elements: Sequence[str], resolution_eV: float) -> Windows:
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

    Raises
    ------
    NoRoomError
    """
    width = full_width(line.energy_eV, resolution_eV)
    signal = _signal(line, resolution_eV)
    if signal[0] < span.low or signal[1] > span.high:
        raise NoRoomError(f"{line.name} at {line.energy_eV:.0f} eV lies at an end of the axis")
    if signal[1] - signal[0] < FEWEST_CHANNELS * span.channel:
        raise NoRoomError(f"{line.name}: its window is narrower than {FEWEST_CHANNELS} channels")
    taken = [
        (one, reach_of(one, resolution_eV))
        for one in _strong_lines({line.element, *elements})
        if one.element != line.element or not signal[0] < one.energy_eV < signal[1]
    ]
    below = _beside(line, -1, signal, taken, span, width)
    above = _beside(line, 1, signal, taken, span, width)
    return below, (_rounded(signal[0]), _rounded(signal[1])), above


def reach_of(line: Line, resolution_eV: float) -> Window:
    """Return the energies between which nearly all photons of a line are seen."""
    width = SIGNAL * full_width(line.energy_eV, resolution_eV)
    return line.low_eV - width, line.high_eV + width


def share_inside(line: Line, window: Window, resolution_eV: float) -> float:
    """Return the part of the photons of its shell that a line puts into a window."""
    deviation = full_width(line.energy_eV, resolution_eV) / math.sqrt(8 * math.log(2))
    low, high = ((end - line.energy_eV) / (math.sqrt(2) * deviation) for end in window)
    return line.weight * (math.erf(high) - math.erf(low)) / 2


def _strong_lines(elements: set[str]) -> list[Line]:
    own = (line for element in sorted(elements) for line in single_lines().get(element, ()))
    return [line for line in own if line.weight > STRONG and line.energy_eV > LOWEST_EV]


def _signal(line: Line, resolution_eV: float) -> Window:
    """Return the window of a line, widened to hold lines of the same shell that it would cut, such as Mb."""
    low, high = reach_of(line, resolution_eV)
    cut = [
        reach_of(one, resolution_eV)
        for one in _strong_lines({line.element})
        if one.family[0] == line.family[0] and low < one.energy_eV < high and one.weight > MAIN
    ]
    return min([low, *(one[0] for one in cut)]), max([high, *(one[1] for one in cut)])


def _beside(
    line: Line, side: int, signal: Window, taken: Sequence[tuple[Line, Window]], span: Span, width: float
) -> Window:
    """Search outwards from the counts for the next stretch without lines; distances are from the line."""
    first = max(side * (end - line.energy_eV) for end in signal) + GAP * width
    fewest = max(LEAST_BACKGROUND * width, FEWEST_CHANNELS * span.channel)
    farthest = max(REACH * width, REACH_PART * line.energy_eV)
    limit = min(farthest, side * ((span.low, span.high)[side > 0] - line.energy_eV))
    lines = [(sorted(side * (end - line.energy_eV) for end in reach), one) for one, reach in taken]
    why = "the axis ends" if limit < farthest else ""
    for (near, far), one in sorted(lines, key=lambda each: each[0]):
        if near < first + fewest and far > first:
            first, why = far, f"{one.element} {one.family} lies at {one.energy_eV:.0f} eV"
    last = min([first + max(BACKGROUND * width, fewest), limit, *(near for (near, _), _ in lines if near > first)])
    if last - first < fewest:
        place = "below" if side < 0 else "above"
        raise NoRoomError(
            f"no room for a background {place} {line.name} at {line.energy_eV:.0f} eV, since {why}; "
            "write its windows by hand, or leave it out"
        )
    ends = sorted((line.energy_eV + side * first, line.energy_eV + side * last))
    return _rounded(ends[0]), _rounded(ends[1])


def _rounded(energy: float) -> float:
    return float(round(energy))
