"""BS of given spectra, such as endmembers: what turns abundances into counts of an edge."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from eelsunmix.background.lines import LineWindow
from eelsunmix.background.models import Fit
from eelsunmix.background.power_law import counting_variance
from eelsunmix.background.subtraction import overall_shape
from eelsunmix.background.window_check import check_windows
from eelsunmix.background.windows import EdgeChannels, locate, sum_ranges
from eelsunmix.edges import Edge
from eelsunmix.energy.channels import channel_bounds
from eelsunmix.energy.units import in_electronvolts
from eelsunmix.errors import InputError
from eelsunmix.typing import Bools, Floats


class Window(Protocol):
    """Where the counts of an element lie in a spectrum, and how what lies under them is taken away."""

    def net_counts(self, spectra: Floats, energy: xr.DataArray | Floats) -> tuple[Floats, Floats]:
        """Return the net counts and their standard deviations, each of shape (spectrum,).

        Parameters
        ----------
        spectra : ndarray, shape (spectrum, channel)
            In counts of single electrons or photons; of other spectra the deviations say nothing.
        energy : DataArray or ndarray, shape (channel,)
            A DataArray says its unit, a plain array is in eV.
        """


@dataclass(frozen=True, kw_only=True)
class EdgeWindow:
    """An edge above its background.

    A spectrum that looks like a background in the fit window (positive in every bin, plausible exponent)
    gets its own shape. Any other, such as a signed one of ICA, gets the shape of a reference; its net
    counts are then linear in the spectrum, so that they add up as the spectra of a pixel do.

    Parameters
    ----------
    name : str
        For messages.
    edge : Edge
    exponent_from : ndarray, shape (channel,), optional
        Reference spectrum, for example the mean of the image. By default the sum of the spectra that look
        like a background.
    """

    name: str
    edge: Edge
    exponent_from: Floats | None = None

    def net_counts(self, spectra: Floats, energy: xr.DataArray | Floats) -> tuple[Floats, Floats]:
        """Return the net counts and their standard deviations, as `Window` says.

        Raises
        ------
        InputError
            If a spectrum needs a reference and there is none.
        """
        place = locate(self.edge, energy)
        sums = sum_ranges(spectra, list(place.ranges()))
        background, variance = self._fit(sums, place).extrapolate(place.integrate_bounds)
        return sums[:, -1] - background, np.sqrt(counting_variance(sums[:, -1], 1.0) + variance)

    def net_spectra(self, spectra: Floats, energy: xr.DataArray | Floats) -> tuple[slice, Floats]:
        """Return the channels of the integration window and the net spectra in them, (spectrum, channel)."""
        place = locate(self.edge, energy)
        channels = slice(*place.integrate)
        bounds = channel_bounds(in_electronvolts(energy))[channels.start : channels.stop + 1]
        fit = self._fit(sum_ranges(spectra, list(place.ranges())), place)
        return channels, spectra[:, channels] - fit.expected_counts(bounds)

    def exponents(self, spectra: Floats, energy: xr.DataArray | Floats) -> Floats:
        """Return the exponent of each spectrum before the edge, (spectrum,); NaN where it is not positive."""
        place = locate(self.edge, energy)
        binned = sum_ranges(spectra, list(place.ranges()))[:, :-1]
        positive = np.all(binned > 0, axis=1, keepdims=True)
        fit = place.model.fit(np.where(positive, binned, 1.0))
        return np.where(positive[:, 0] & fit.converged, fit.exponent, np.nan)

    def _fit(self, sums: Floats, place: EdgeChannels) -> Fit:
        model = place.model
        shapes, _ = model.shapes(sums[:, :-1])
        own = model.fit(sums[:, :-1], shapes=shapes)
        usable = _looks_like_background(sums[:, :-1], own)
        if usable.all():
            return own
        known = sums[usable]
        if self.exponent_from is not None:
            known = sum_ranges(self.exponent_from[None], list(place.ranges()))
        elif not len(known):
            raise InputError(
                f"edges.{self.name}.fit_eV: no positive spectrum to take an exponent from; "
                "give a reference spectrum (exponent_from)"
            )
        reference, _ = overall_shape(known[:, :-1], place)  # where that has no counts: any will do
        return model.fit(
            sums[:, :-1],
            shapes=np.where(usable[:, None], shapes, reference),
            determining=np.where(usable, own.counts, np.inf),  # the reference is taken as known
        )


def net_counts_of_spectra(
    spectra: ArrayLike,
    energy: xr.DataArray | Floats,
    edges: Mapping[str, Edge],
    *,
    exponent_from: ArrayLike | None = None,
) -> Floats:
    """Net counts of each edge in given spectra, such as endmembers, shape (spectrum, edge).

    See `EdgeWindow`.

    Parameters
    ----------
    spectra : array_like, shape (spectrum, channel)
    energy : DataArray or ndarray, shape (channel,)
        A DataArray says its unit, a plain array is in eV.
    edges : mapping of str to Edge
    exponent_from : array_like, shape (channel,), optional
        Reference spectrum, for example the mean of the image. By default the sum of the spectra that look
        like a background.

    Raises
    ------
    InputError
        If a spectrum needs a reference and there is none.
    """
    spectra = np.asarray(spectra, dtype=float)
    check_windows(edges, energy)
    windows = edge_windows(edges, exponent_from=exponent_from)
    return net_counts_in_windows(spectra, energy, windows)


def net_counts_in_windows(
    spectra: Floats, energy: xr.DataArray | Floats, windows: Mapping[str, Window]
) -> Floats:
    """Net counts of given spectra in windows of any kind, shape (spectrum, window)."""
    columns = [window.net_counts(spectra, energy)[0] for window in windows.values()]
    return np.array(columns).reshape(len(windows), len(spectra)).T


def edge_windows(
    edges: Mapping[str, Edge], *, exponent_from: ArrayLike | None = None
) -> dict[str, EdgeWindow | LineWindow]:
    """Make windows of edges, with the reference spectrum for those that have no background of their own."""
    reference = None if exponent_from is None else np.asarray(exponent_from, dtype=float)
    return {
        name: LineWindow(line=edge)
        if edge.is_line
        else EdgeWindow(name=name, edge=edge, exponent_from=reference)
        for name, edge in edges.items()
    }


def _looks_like_background(binned: Floats, fit: Fit) -> Bools:
    return (binned > 0).all(axis=1) & fit.converged & ~fit.implausible
