"""Which elements the lines of a spectrum of X-rays belong to, and how far its energy axis is off."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import scipy

from eelsunmix.line_table import RESOLUTION_EV, Line, best_lines, full_width, lines_of, single_lines
from eelsunmix.proposal.commonness import log_commonness
from eelsunmix.proposal.line_model import LineModel
from eelsunmix.typing import Floats

CLEAR, RARE_CLEAR = 6.0, 2.0
"""Standard deviations of the lines of a shell; among a hundred elements chance alone comes to 3. And how many
more for each -1 of the logarithm of how common an element is: what a model of a detector leaves looks like
rare elements, of which there is one for any energy."""
UNEXPLAINED = 21.0
"""Worth, half a square of standard deviations, of being no line of any element."""
WITNESS, WITNESSED = 4.0, 3.0
"""Standard deviations from which another shell of an element speaks for it, and by how much."""
MOST_RIVALS, FEWEST = 4, 0.03
"""Elements that are tried in the place of one, and the probability from which they are told."""
MOST = 15
LEAST_PART = 0.1
"""Part of the lines beside it that a line has at least: they may have tails, and be wider than is known."""
SOFT_EV, SOFT_PART = 600.0, 0.3
"""Below this energy, where windows of detectors have edges, also this part of the smooth curve."""
NEAR = 2.5
"""What lies beside a line, in FWHM."""
EXCITED = 0.65
"""Part of the highest energy up to which lines are excited well."""
LEAST_COUNTS = 9
WIDE_EV = 20.0
IN_RATIO, SIGMAS = 0.4, 3.0
"""The other lines of a shell have at least this part of what the table says, within so many deviations."""
CHECKED = 0.05
"""Part of the photons of a shell from which a line is asked for."""
SUMMED, ESCAPED, SILICON_EV = 0.02, 0.02, 1740.0
"""Most that sums of two photons, and photons that lost one of Si K, make of the lines that they come from."""
WIDTHS_EV = (115.0, 120.0, 125.0, 130.0, 135.0, 140.0, 150.0, 160.0)
OFFSETS_EV = (-60.0, -40.0, -20.0, 0.0, 20.0, 40.0, 60.0)
USUAL_OFFSET_EV, FIRST = 10.0, 5
"""Standard deviation of the offsets of calibrated axes; elements by which the offset is looked for."""
BESIDE = 1.0
"""In FWHM: candidates whose best lines lie so near to each other compete for a peak."""


@dataclass(frozen=True, kw_only=True)
class NamedLine:
    """A line that was found, with the elements that it may belong to.

    Parameters
    ----------
    energy_eV : float
        Of the line by the table.
    clarity : float
        Amount of its shell in standard deviations.
    chances : tuple of (str, float)
        Names of lines and their probabilities, the likeliest first.
    photons : mapping of str to float
        Shell (K, L, M) -> photons of the element in the spectrum.
    """

    energy_eV: float
    clarity: float
    chances: tuple[tuple[str, float], ...]
    photons: Mapping[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name of the likeliest line."""
        return self.chances[0][0]

    @property
    def element(self) -> str:
        """Element of the likeliest line."""
        return self.name.split("_")[0]

    @property
    def chance(self) -> float:
        """Probability of the likeliest line."""
        return self.chances[0][1]


def name_lines(energy_eV: Floats, counts: Floats) -> tuple[list[NamedLine], float, float]:
    """Find the lines of a summed spectrum, and name their elements.

    The clearest element is taken into a model of the spectrum, and the next one looked for in what is left.

    Parameters
    ----------
    energy_eV, counts : ndarray, shape (channel,)
        In photons.

    Returns
    -------
    list of NamedLine
        The clearest first.
    offset_eV, resolution_eV : float
        By how much the energies are too high, and the FWHM of Mn Ka.
    """
    candidates = _candidates(energy_eV, counts)
    if not candidates:
        return [], 0.0, RESOLUTION_EV
    wide, totals = _wide_channels(energy_eV, counts, _highest_energy(energy_eV, counts))
    if wide.size < 2:
        return [], 0.0, RESOLUTION_EV
    model = LineModel(energy_eV=wide, counts=totals)
    model = replace(model, offset_eV=_offset(model, candidates))
    model = _fine_tuned(model, candidates)
    named = _still_clear(model, _named(model, candidates, MOST, tell=True), candidates)
    return _with_photons(model, named), model.offset_eV, model.resolution_eV


def _with_photons(model: LineModel, named: Sequence[NamedLine]) -> list[NamedLine]:
    model = replace(model, elements=tuple(one.element for one in named))
    return [
        replace(one, photons={shell: model.amount(one.element, shell) for shell in "KLM"}) for one in named
    ]


def _wide_channels(energy_eV: Floats, counts: Floats, highest: float) -> tuple[Floats, Floats]:
    """Sum narrow channels: some three in the narrowest line tell all; leave out what lies beyond the beam."""
    number = max(1, round(WIDE_EV / float(energy_eV[1] - energy_eV[0])))
    size = np.searchsorted(energy_eV, highest) // number * number
    parts = (one[:size].reshape(-1, number) for one in (energy_eV, counts))
    sums, totals = (part.sum(axis=1) for part in parts)
    return sums / number, totals


def _candidates(energy_eV: Floats, counts: Floats) -> list[Line]:
    """Return the best line of each element that the beam excites and the axis shows."""
    highest = _highest_energy(energy_eV, counts)
    # Where counts reach the end of the axis, the beam has more energy than can be told.
    highest = EXCITED * highest if highest < 0.97 * energy_eV[-1] else float(energy_eV[-1]) - 60
    found = []
    for element in single_lines():
        own = [line for line in best_lines(element) if energy_eV[0] + 60 < line.energy_eV < highest]
        found += own[:1]
    return found


def _highest_energy(energy_eV: Floats, counts: Floats) -> float:
    """Return where the counts end; of the beam, or the axis."""
    left = counts[::-1].cumsum()[::-1]
    seen = np.flatnonzero(left > max(LEAST_COUNTS, 1e-4 * left[0]))
    return float(energy_eV[seen[-1]]) if seen.size else 0.0


def _offset(model: LineModel, candidates: Sequence[Line]) -> float:
    """Find the offset with which few elements explain most."""
    tried = [replace(model, offset_eV=offset) for offset in OFFSETS_EV]
    found = [
        replace(one, elements=tuple(line.element for line in _named(one, candidates, FIRST))) for one in tried
    ]
    # The best leaves more than noise where counts are many: tables and detectors are not known better.
    temper = max(1.0, min(one.reduced_chi2(0.0, np.inf) for one in found))
    return min(found, key=lambda one: _improbable(one, temper)).offset_eV


def _fine_tuned(model: LineModel, candidates: Sequence[Line]) -> LineModel:
    """Fit offset and resolution to the clearest elements."""
    model = replace(model, elements=tuple(one.element for one in _named(model, candidates, FIRST)))
    if model.elements:
        for step in (10.0, 4.0):
            shifted = [replace(model, offset_eV=model.offset_eV + k * step) for k in (-1, 0, 1)]
            model = min(shifted, key=_improbable)
        model = min(
            (replace(model, resolution_eV=width) for width in WIDTHS_EV), key=lambda one: one.misfit()
        )
    return replace(model, elements=())


def _improbable(model: LineModel, temper: float = 1.0) -> float:
    """Minus twice the logarithm of how probable an offset and elements are."""
    commonness = sum(log_commonness(element) for element in model.elements)
    return model.misfit() / temper + (model.offset_eV / USUAL_OFFSET_EV) ** 2 - 2 * commonness


def _still_clear(model: LineModel, named: Sequence[NamedLine], candidates: Sequence[Line]) -> list[NamedLine]:
    """Leave out what others that were found later explain as well."""
    model = replace(model, elements=tuple(one.element for one in named))
    kept = []
    for one in named:
        own = [line for line in candidates if line.element == one.element]
        without = model.without(one.element)
        clear, amount = _clarity(without, own)
        limit = CLEAR - RARE_CLEAR * log_commonness(one.element)
        if clear[0] > limit and _stands_out(without, own[0], float(amount[0])):
            kept.append(one)
        else:
            model = without
    return kept


def _named(model: LineModel, candidates: Sequence[Line], most: int, *, tell: bool = False) -> list[NamedLine]:
    found: list[NamedLine] = []
    while len(found) < most:
        left = [line for line in candidates if line.element not in model.elements]
        one = _clearest(model, left, tell=tell)
        if one is None:
            break
        found.append(one)
        model = model.with_element(one.element)
    return found


def _clearest(model: LineModel, candidates: Sequence[Line], *, tell: bool) -> NamedLine | None:
    """Find the clearest line that is none of the model; `tell` which others it may be, which takes longer."""
    clear, amount = _clarity(model, candidates)
    worth = 0.5 * clear**2 + [log_commonness(line.element) for line in candidates]
    limit = CLEAR - RARE_CLEAR * np.array([log_commonness(line.element) for line in candidates])
    order = [k for k in np.argsort(-worth) if clear[k] > limit[k]]
    best = next((k for k in order if _is_line(model, candidates[k], amount[k])), None)
    if best is None:
        return None
    peak = candidates[best]
    width = BESIDE * full_width(peak.energy_eV, model.resolution_eV)
    near = [k for k in order if abs(candidates[k].energy_eV - peak.energy_eV) < width][:MOST_RIVALS]
    rivals = [best] + [k for k in near if tell and k != best and _is_line(model, candidates[k], amount[k])]
    chances = _chances(model, [candidates[k] for k in rivals], 0.5 * clear[best] ** 2) if tell else [1.0]
    first = int(np.argmax(chances))
    ordered = sorted(zip(rivals, chances, strict=True), key=lambda one: -one[1])
    return NamedLine(
        energy_eV=candidates[rivals[first]].energy_eV,
        clarity=float(clear[rivals[first]]),
        chances=tuple(
            (candidates[k].name, p) for rank, (k, p) in enumerate(ordered) if not rank or p > FEWEST
        ),
    )


def _clarity(model: LineModel, candidates: Sequence[Line]) -> tuple[Floats, Floats]:
    """Return how clear the shell of each line is, in standard deviations, and its amount."""
    shells = [(line.element, line.family[0]) for line in candidates]
    amount, deviation = model.clarity(model.templates(shells))
    return amount / deviation, amount


def _chances(model: LineModel, rivals: Sequence[Line], evidence: float) -> list[float]:
    """Return how probable each element is in the place of the others, and of no line at all."""
    at, within = rivals[0].energy_eV, 2 * full_width(rivals[0].energy_eV, model.resolution_eV)
    models = [model.with_element(line.element) for line in rivals]
    misfit = np.array([one.misfit(at, within) for one in models])
    # Where even the best leaves more than noise, the rest of a detector is unknown too.
    temper = max(1.0, min(one.reduced_chi2(at, within) for one in models))
    worth = -0.5 * (misfit - misfit.min()) / temper + [
        log_commonness(line.element) + WITNESSED * _has_witness(model, line) for line in rivals
    ]
    chances = scipy.special.softmax([*worth, UNEXPLAINED - evidence])[:-1]
    return [float(chance) for chance in chances]


def _has_witness(model: LineModel, line: Line) -> bool:
    """Whether another shell of the element is seen as well."""
    others = [(line.element, shell) for shell in "KLM" if shell != line.family[0]]
    amount, deviation = model.clarity(model.templates(others))
    return bool((amount > WITNESS * deviation).any())


def _is_line(model: LineModel, line: Line, amount: float) -> bool:
    return (
        _stands_out(model, line, amount) and not _is_artefact(model, line, amount) and _in_ratio(model, line)
    )


def _stands_out(model: LineModel, line: Line, amount: float) -> bool:
    """Whether a line is more than what may be wrong with the lines of the model beside it."""
    width = full_width(line.energy_eV, model.resolution_eV)
    near = np.abs(model.energy_eV - model.offset_eV - line.energy_eV) < NEAR * width
    own = amount * model.templates([(line.element, line.family[0])])[0][near]
    least = LEAST_PART * model.fit.of_lines[near].max(initial=0.0)
    if line.energy_eV < SOFT_EV:
        least += SOFT_PART * float((model.fit.fitted - model.fit.of_lines)[near].max(initial=0.0))
    return bool(own.max(initial=0.0) > least)


def _is_artefact(model: LineModel, line: Line, amount: float) -> bool:
    """Whether two photons of the model that are taken for one, or one less Si K, lie there and would do."""
    height = amount * model.templates([(line.element, line.family[0])])[0].max()
    parents = [
        (one.energy_eV, model.height(one.energy_eV)) for e in model.elements for one in best_lines(e)[:1]
    ]
    sums = [(a + b, SUMMED * min(x, y)) for a, x in parents for b, y in parents]
    escaped = [(energy - SILICON_EV, ESCAPED * most) for energy, most in parents]
    near = 0.6 * full_width(line.energy_eV, model.resolution_eV)
    return any(abs(at - line.energy_eV) < near and height < most for at, most in (*sums, *escaped))


def _in_ratio(model: LineModel, line: Line) -> bool:
    """Whether the other lines of a shell are there too, with the element in the model."""
    own = [one for one in lines_of(line.element) if one.family[0] == line.family[0] and one.weight > CHECKED]
    if len(own) < 2:
        return True
    full = model.with_element(line.element)
    shell = full.templates([(line.element, line.family[0])])[0]
    amount = full.amount(line.element, line.family[0])
    for one in own:
        width = full_width(one.energy_eV, model.resolution_eV)
        inside = np.abs(full.energy_eV - full.offset_eV - one.energy_eV) < 0.5 * width
        expected = amount * shell[inside].sum()
        missing = (full.fit.fitted - full.counts)[inside].sum()
        if missing > (1 - IN_RATIO) * expected + SIGMAS * np.sqrt((full.fit.deviation[inside] ** 2).sum()):
            return False
    return amount > 0
