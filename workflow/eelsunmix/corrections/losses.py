"""What a correction takes from the edges: the part of an edge's shape that is missing afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy

MAX_TAKEN_PERCENT = 10.0
"""Of an edge's signal: what takes more is not done unless the user says so."""
WARN_PERCENT = 2.0
SIGNIFICANCE = 5.0
BEFORE_ONSET_EV, BEYOND_ONSET_EV = 40.0, 50.0
"""Where an edge is looked at if the configuration names its onset alone."""
RESOLUTION = 1.5
"""Channels (sd) over which the shape of an edge is smoothed, to be free of the pattern that is removed."""


@dataclass(frozen=True)
class Loss:
    """Part of an edge's signal that a correction removed, in per cent, and its distance from chance."""

    percent: float
    z: float

    @property
    def significant(self) -> bool:
        """Whether it is neither small nor what a pattern without any relation to the edge takes."""
        return self.percent > WARN_PERCENT and self.z > SIGNIFICANCE


def losses(
    before: np.ndarray,
    after: np.ndarray,
    energy_ev: np.ndarray,
    edges: Mapping[str, Any],
    *,
    pattern: bool = True,
) -> dict[str, Loss]:
    """Compare mean spectra before and after a correction, edge by edge.

    What was removed is regressed on the shape of the edge: the counts above a power law through the channels
    before the onset, less a parabola, so that a smooth change of the whole spectrum counts for nothing. A
    fixed pattern that has nothing to do with the edge takes as much as it gives; how far it strays by chance
    follows from its own size.

    Parameters
    ----------
    before, after : ndarray, shape (channel,)
        Positive counts.
    energy_ev : ndarray, shape (channel,)
    edges : mapping
        Name -> edge with `onset_eV` and, where given, `fit_eV` and `integrate_eV`.
    pattern : bool
        What was removed is a pattern over all channels, whose size says what is chance. Else it is little
        beside the edges, and its typical size there says so.

    Returns
    -------
    dict
        Name -> `Loss`, of the edges that lie on the axis.
    """
    found = {name: _loss(before, after, energy_ev, _windows(edge), pattern) for name, edge in edges.items()}
    return {name: loss for name, loss in found.items() if loss is not None}


def loss_sentences(what: str, found: Mapping[str, Loss], advice: str) -> list[str]:
    """One sentence for each edge that lost more than chance and `WARN_PERCENT`."""
    return [
        f"{what} takes {loss.percent:.1f} % of the signal of {name}. {advice}"
        for name, loss in found.items()
        if loss.significant
    ]


def excessive(found: Mapping[str, Loss], limit_percent: float) -> bool:
    """Whether any edge lost more than the limit."""
    return any(loss.significant and loss.percent > limit_percent for loss in found.values())


def with_losses(entry: Mapping[str, Any], found: Mapping[str, Loss]) -> dict[str, Any]:
    """Add what a step took from each edge to its entry of the log."""
    return with_taken(entry, {name: loss.percent for name, loss in found.items()})


def with_taken(entry: Mapping[str, Any], percent: Mapping[str, float]) -> dict[str, Any]:
    """Add what a step took from each edge, in per cent: `taken_percent`, name -> per cent.

    The one form for all steps; its summary says it too, where the step was applied.
    """
    taken = {name: round(float(value), 3) for name, value in percent.items()}
    summary = str(entry["summary"])
    if entry["applied"] and taken:
        parts = ", ".join(f"{name} {value + 0.0:.2g} %" for name, value in taken.items())
        summary += f" Taken from the edges: {parts}."
    return {**entry, "summary": summary, "taken_percent": taken}


def _windows(edge: Any) -> tuple[float, float, float]:
    """First energy looked at, onset, last energy looked at."""
    given = edge if isinstance(edge, Mapping) else vars(edge)
    onset = float(given["onset_eV"])
    fit, integrate = given.get("fit_eV"), given.get("integrate_eV")
    first = float(fit[0]) if fit else onset - BEFORE_ONSET_EV
    return first, onset, float(integrate[1]) if integrate else onset + BEYOND_ONSET_EV


def edge_windows(energy_ev: np.ndarray, edge: Any) -> tuple[np.ndarray, np.ndarray]:
    """Channels of the fit window of an edge, or of those before its onset, and those to integrate."""
    given = edge if isinstance(edge, Mapping) else vars(edge)
    first, onset, last = _windows(edge)
    stop = float(given["fit_eV"][1]) if given.get("fit_eV") else onset
    begin = float(given["integrate_eV"][0]) if given.get("integrate_eV") else onset
    before = (energy_ev >= first) & (energy_ev <= stop) & (energy_ev < begin) & (energy_ev > 0)
    return before, (energy_ev >= begin) & (energy_ev <= last) & (energy_ev > 0)


def net_counts(
    spectrum: np.ndarray, energy_ev: np.ndarray, edges: Mapping[str, Any]
) -> dict[str, tuple[np.ndarray, float]]:
    """Return the channels of each edge from its onset on, bool (channel,), and its net counts."""
    found = {}
    for name, edge in edges.items():
        first, onset, last = _windows(edge)
        span = (energy_ev >= first) & (energy_ev <= last) & (energy_ev > 0) & (spectrum > 0)
        pre = energy_ev[span] < onset
        inside = (energy_ev >= onset) & (energy_ev <= last)
        net = _net(spectrum[span], energy_ev[span], pre) if pre.sum() >= 5 else np.zeros(1)
        found[name] = inside, max(float(net.sum()), 0.0)
    return found


def _loss(
    before: np.ndarray,
    after: np.ndarray,
    energy: np.ndarray,
    windows: tuple[float, float, float],
    pattern: bool,
) -> Loss | None:
    first, onset, last = windows
    span = np.flatnonzero((energy >= first) & (energy <= last) & (energy > 0) & (before > 0))
    pre = energy[span] < onset
    if pre.sum() < 5 or (~pre).sum() < 5:
        return None
    shape = _shape(scipy.ndimage.gaussian_filter1d(before, RESOLUTION)[span], energy[span], pre)
    power = float(shape @ shape)
    if not power > 0:
        return None
    removed = before - after
    relative = removed / np.maximum(before, 1e-12)
    change = np.diff(relative[before > 0]) / np.sqrt(2)
    scatter = float(np.std(change) if pattern else 1.4826 * np.median(np.abs(change)))
    chance = scatter * float(np.linalg.norm(shape * before[span])) / power
    part = float(shape @ removed[span]) / power
    return Loss(percent=100 * part, z=part / max(chance, 1e-12) if part else 0.0)


def _shape(spectrum: np.ndarray, energy: np.ndarray, pre: np.ndarray) -> np.ndarray:
    """Return the counts above the power law of the channels before the onset, orthogonal to parabolas."""
    net = _net(spectrum, energy, pre)
    smooth = np.polynomial.Polynomial.fit(energy, net, 2)(energy)
    return np.asarray(net - smooth)


def _net(spectrum: np.ndarray, energy: np.ndarray, pre: np.ndarray) -> np.ndarray:
    line = np.polynomial.Polynomial.fit(np.log(energy[pre]), np.log(np.maximum(spectrum[pre], 1e-12)), 1)
    return np.where(pre, 0.0, spectrum - np.exp(line(np.log(energy))))
