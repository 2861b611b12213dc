"""A spectrum of X-rays as lines of elements on a smooth curve: what of it an element would explain."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy

from eelsunmix.line_table import RESOLUTION_EV, full_width, single_lines
from eelsunmix.line_windows import FWHM_OF_DEVIATION
from eelsunmix.typing import Floats

KNOTS, SOFT_KNOTS, SOFT_EV = 5.0, 3.0, 700.0
"""Distance of the knots of the smooth curve, in FWHM: it follows bremsstrahlung and edges, and no line.
Closer below an energy where windows of detectors absorb."""
UNCERTAIN, SMOOTH_UNCERTAIN = 0.04, 0.02
"""Part of the lines in the model by which it may be wrong (tabulated ratios, absorption, shapes of peaks),
and part of the smooth curve at 1 keV and above, more below."""
WIDEST = 5.0
"""Standard deviations beyond which a line has no photons."""
ROUNDS = 3
"""Fits until the weights, which follow from the model, no longer change."""


@dataclass(frozen=True, kw_only=True)
class LineFit:
    """A fitted `LineModel`.

    Parameters
    ----------
    amounts : ndarray, shape (line,)
        Photons of the lines.
    fitted, of_lines : ndarray, shape (channel,)
        Photons of the whole model, and of its lines.
    deviation : ndarray, shape (channel,)
        Of counts from the model, by counting and by what the model may be wrong.
    basis : ndarray, shape (curve, channel)
        Lines and smooth curves that have photons, over the deviation.
    """

    amounts: Floats
    fitted: Floats
    of_lines: Floats
    deviation: Floats
    basis: Floats


@dataclass(frozen=True, kw_only=True)
class LineModel:
    """Lines of some elements and a smooth curve, to be fitted to a spectrum.

    Parameters
    ----------
    energy_eV, counts : ndarray, shape (channel,)
        Of a summed spectrum, in photons.
    resolution_eV, offset_eV : float
        FWHM of Mn Ka; by how much the energies are too high.
    elements : tuple of str
    """

    energy_eV: Floats
    counts: Floats
    resolution_eV: float = RESOLUTION_EV
    offset_eV: float = 0.0
    elements: tuple[str, ...] = ()

    @functools.cached_property
    def fit(self) -> "LineFit":
        """What the spectrum says of the model."""
        shells = [(one, shell) for one in self.elements for shell in "KLM"]
        templates = self.templates(shells)
        seen = templates.any(axis=1)
        found = _fit(
            self.counts,
            templates[seen],
            _smooth_curves(self.energy_eV, self.resolution_eV),
            SMOOTH_UNCERTAIN * np.maximum(1.0, 1000.0 / np.maximum(self.energy_eV, 100.0)),
        )
        amounts = np.zeros(len(shells))
        amounts[seen] = found.amounts
        return replace(found, amounts=amounts)

    def with_element(self, element: str) -> "LineModel":
        """Return the model with one element more, fitted anew."""
        return replace(self, elements=(*self.elements, element))

    def without(self, element: str) -> "LineModel":
        """Return the model with one element less, fitted anew."""
        return replace(self, elements=tuple(one for one in self.elements if one != element))

    def misfit(self, near_eV: float | None = None, within_eV: float = np.inf) -> float:
        """Minus twice the logarithm of the likelihood, of all channels or of those near an energy."""
        near = np.abs(self.energy_eV - self.offset_eV - (near_eV or 0.0)) < within_eV
        return float((self._rest[near] ** 2).sum() + 2 * np.log(self.fit.deviation[near]).sum())

    def reduced_chi2(self, near_eV: float, within_eV: float) -> float:
        """Chi-square per channel near an energy."""
        near = np.abs(self.energy_eV - self.offset_eV - near_eV) < within_eV
        return float((self._rest[near] ** 2).mean()) if near.any() else 1.0

    def amount(self, element: str, shell: str) -> float:
        """Photons of a shell of an element of the model."""
        return float(self.fit.amounts[3 * self.elements.index(element) + "KLM".index(shell)])

    def height(self, energy_eV: float) -> float:
        """Photons of lines per channel at an energy of the table."""
        return float(np.interp(energy_eV + self.offset_eV, self.energy_eV, self.fit.of_lines))

    def templates(self, shells: Sequence[tuple[str, str]]) -> Floats:
        """Lines of shells as the detector sees them, shape (shell, channel); zero off the axis."""
        width = float(self.energy_eV[1] - self.energy_eV[0])
        ends = np.append(self.energy_eV - width / 2, self.energy_eV[-1] + width / 2)
        found = np.zeros((len(shells), self.energy_eV.size))
        for row, (element, shell) in enumerate(shells):
            for line in single_lines().get(element, ()):
                if line.family[0] == shell:
                    middle = line.energy_eV + self.offset_eV
                    sd = full_width(line.energy_eV, self.resolution_eV) / FWHM_OF_DEVIATION
                    first, stop = np.searchsorted(ends, (middle - WIDEST * sd, middle + WIDEST * sd))
                    part = scipy.special.ndtr((ends[first : stop + 1] - middle) / sd)
                    found[row, first : first + part.size - 1] += line.weight * np.diff(part)
        return found

    def clarity(self, templates: Floats) -> tuple[Floats, Floats]:
        """Amounts of templates that are not in the model, and their deviations, each of shape (template,).

        Of what the templates do not share with the model.
        """
        weighted = templates / self.fit.deviation
        shared = scipy.linalg.solve_triangular(_root(self.fit.basis), self.fit.basis @ weighted.T, lower=True)
        aligned = scipy.linalg.solve_triangular(
            _root(self.fit.basis), self.fit.basis @ self._rest, lower=True
        )
        power = np.maximum((weighted**2).sum(axis=1) - (shared**2).sum(axis=0), 1e-9)
        return (weighted @ self._rest - shared.T @ aligned) / power, 1 / np.sqrt(power)

    @property
    def _rest(self) -> Floats:
        rest: Floats = (self.counts - self.fit.fitted) / self.fit.deviation
        return rest


def _fit(counts: Floats, lines: Floats, smooth: Floats, uncertain: Floats) -> LineFit:
    """Fit with weights from the model itself: those of counts would favour channels that have few."""
    columns = np.vstack([smooth, lines])
    fitted, of_lines = counts, np.zeros_like(counts)
    for _ in range(ROUNDS):
        doubt = (UNCERTAIN * of_lines) ** 2 + (uncertain * (fitted - of_lines)) ** 2
        deviation = np.sqrt(np.maximum(fitted, 1.0) + doubt)
        weighted = columns / deviation
        root = _root(weighted)
        aim = scipy.linalg.solve_triangular(root, weighted @ (counts / deviation), lower=True)
        amounts = scipy.optimize.nnls(root.T, aim)[0]
        fitted, of_lines = amounts @ columns, amounts[len(smooth) :] @ lines
    return LineFit(
        amounts=amounts[len(smooth) :],
        fitted=fitted,
        of_lines=of_lines,
        deviation=deviation,
        basis=weighted[amounts > 0],
    )


def _root(weighted: Floats) -> Floats:
    """Return the Cholesky factor of the normal equations of curves, a little damped, lower."""
    gram = weighted @ weighted.T
    gram[np.diag_indices_from(gram)] *= 1 + 1e-9
    root: Floats = np.linalg.cholesky(gram + 1e-12 * np.trace(gram) / len(gram) * np.eye(len(gram)))
    return root


def _smooth_curves(energy_eV: Floats, resolution_eV: float) -> Floats:
    """Non-negative splines, shape (curve, channel), wider than any line."""
    knots = [float(energy_eV[0])]
    while knots[-1] < energy_eV[-1]:
        distance = SOFT_KNOTS if knots[-1] < SOFT_EV else KNOTS
        knots.append(knots[-1] + distance * full_width(knots[-1], resolution_eV))
    knots[-1] = float(energy_eV[-1]) + 1e-6
    padded = np.concatenate([[knots[0]] * 3, knots, [knots[-1]] * 3])
    design = scipy.interpolate.BSpline.design_matrix(energy_eV, padded, 3).toarray().T
    kept: Floats = design[design.any(axis=1)]
    return kept
