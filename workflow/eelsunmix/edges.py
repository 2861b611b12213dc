"""Edges, their windows on the energy axis, and the profiles and regions a user may ask for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from eelsunmix.errors import InputError

Band = TypeVar("Band", "Profile", "Region")

FEWEST_FIT_CHANNELS = 4
FEW_FIT_CHANNELS = 10


@dataclass(frozen=True, kw_only=True)
class Edge:
    """One ionisation edge, where its background is fitted and where its counts are summed.

    Parameters
    ----------
    element : str
        Symbol of the element.
    onset_eV : float
        Onset of the edge.
    fit_eV : tuple of float
        Window before the edge in which the power law is fitted.
    integrate_eV : tuple of float
        Window after the onset in which the net counts are summed; may not overlap `fit_eV`.
    reference : bool
        Whether the maps of this edge are the reference for the element when methods are compared.
    """

    element: str
    onset_eV: float
    fit_eV: tuple[float, float]
    integrate_eV: tuple[float, float]
    reference: bool = False

    def __post_init__(self) -> None:
        if not (isinstance(self.element, str) and self.element.isalpha() and len(self.element) <= 2):
            raise ValueError(f"element must be a symbol such as Ru, not {self.element!r}")
        if not (_is_number(self.onset_eV) and self.onset_eV > 0):
            raise ValueError(f"onset_eV must be a positive number, not {self.onset_eV!r}")
        for name in ("fit_eV", "integrate_eV"):
            object.__setattr__(self, name, _window(name, getattr(self, name)))
            if getattr(self, name)[0] <= 0:
                raise ValueError(f"{name} must start above 0 eV, not at {getattr(self, name)[0]:g}")
        if self.fit_eV[1] > self.integrate_eV[0]:
            end, start = self.fit_eV[1], self.integrate_eV[0]
            raise ValueError(f"fit_eV must end before integrate_eV begins, but {end:g} > {start:g}")


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A line along which the counts of a band of the image are summed.

    Parameters
    ----------
    along : {"x", "y"}
        Axis that the profile runs along; the band is across it.
    start_nm : float, optional
        Where the band begins on the other axis; its first pixel by default.
    width_nm : float, optional
        Width of the band. Without `width_nm` and `pixels`, the whole image.
    pixels : tuple of int, optional
        Instead of `start_nm` and `width_nm`: first row (column) of the band and the one after its last,
        so that (0, 3) are the first three.
    """

    along: Literal["x", "y"] = "x"
    start_nm: float | None = None
    width_nm: float | None = None
    pixels: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if self.along not in ("x", "y"):
            raise ValueError(f"along must be x or y, not {self.along!r}")
        if self.pixels is not None and (self.width_nm is not None or self.start_nm is not None):
            raise ValueError("give either pixels or start_nm with width_nm, not both")
        if self.start_nm is not None and self.width_nm is None:
            raise ValueError("start_nm needs width_nm")
        if self.width_nm is not None and not (_is_number(self.width_nm) and self.width_nm > 0):
            raise ValueError(f"width_nm must be a positive number, not {self.width_nm!r}")
        if self.start_nm is not None and not _is_number(self.start_nm):
            raise ValueError(f"start_nm must be a number, not {self.start_nm!r}")
        if self.pixels is not None:
            object.__setattr__(self, "pixels", _pixel_range(self.pixels))


@dataclass(frozen=True, kw_only=True)
class Region:
    """A rectangle of the image, and the elements that the user knows to be absent there.

    Parameters
    ----------
    x_nm, y_nm : tuple of float, optional
        Limits on either axis; the whole axis by default.
    without : tuple of str
        Elements whose net counts must vanish in the region.
    """

    x_nm: tuple[float, float] | None = None
    y_nm: tuple[float, float] | None = None
    without: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("x_nm", "y_nm"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, _window(name, getattr(self, name)))
        if isinstance(self.without, str):
            raise ValueError(f"without must be a list of elements such as [Ru], not {self.without!r}")
        object.__setattr__(self, "without", tuple(self.without))


def as_edges(edges: Mapping[str, Edge | Mapping[str, Any]]) -> dict[str, Edge]:
    """Make edges of plain mappings; the element is the beginning of the name where it is not given.

    Examples
    --------
    >>> plain = {"onset_eV": 456, "fit_eV": [405, 450], "integrate_eV": [456, 486]}
    >>> as_edges({"Ti_L23": plain})["Ti_L23"].element
    'Ti'
    """
    return {
        name: edge if isinstance(edge, Edge) else Edge(**{"element": name.split("_")[0], **edge})
        for name, edge in edges.items()
    }


def as_options(kind: type[Band], given: Mapping[str, Band | Mapping[str, Any]]) -> dict[str, Band]:
    """Make profiles or regions of plain mappings.

    Examples
    --------
    >>> as_options(Profile, {"across": {"along": "y"}})["across"].along
    'y'
    """
    return {name: one if isinstance(one, kind) else kind(**one) for name, one in given.items()}  # type: ignore[arg-type]


def check_windows(edges: Mapping[str, Edge], energy: xr.DataArray | NDArray[np.float64]) -> list[str]:
    """Check that every window lies on the energy axis and holds enough channels.

    Parameters
    ----------
    edges : mapping of str to Edge
    energy : DataArray or ndarray, shape (channel,)
        Centres of the channels; a DataArray says its unit (eV or keV), a plain array is in eV.

    Returns
    -------
    list of str
        Warnings, for fit windows of few channels.

    Raises
    ------
    InputError
        Naming the key of the first window that cannot be used.
    """
    energies = in_electronvolts(energy)
    warnings = []
    for name, edge in edges.items():
        n_fit = _check_window(f"edges.{name}.fit_eV", edge.fit_eV, energies, FEWEST_FIT_CHANNELS)
        _check_window(f"edges.{name}.integrate_eV", edge.integrate_eV, energies, 1)
        if n_fit < FEW_FIT_CHANNELS:
            warnings.append(
                f"edges.{name}.fit_eV: {n_fit} channels; the exponent is uncertain below {FEW_FIT_CHANNELS}"
            )
    return warnings


def suggest_edges(energy_axis: xr.DataArray | NDArray[np.float64]) -> dict[str, Edge]:
    """Return those of the standard edges (`EDGES`) whose windows lie on the energy axis."""
    found = {}
    for name, edge in EDGES.items():
        try:
            check_windows({name: edge}, energy_axis)
        except InputError:
            continue
        found[name] = edge
    return found


def in_electronvolts(axis: xr.DataArray | NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the energies of an axis in eV; a plain array is in eV already."""
    values = np.asarray(axis, dtype=float)
    units = axis.attrs.get("units") if isinstance(axis, xr.DataArray) else "eV"
    if units not in ("eV", "keV"):
        name = getattr(axis, "name", None) or "energy axis"
        raise InputError(
            f"{name}: units must be eV or keV, not {units!r}; give axes.energy in the configuration"
        )
    return values * 1000.0 if units == "keV" else values


def channel_bounds(energies: NDArray[np.float64]) -> NDArray[np.float64]:
    """Limits of the channels whose centres are given, shape (channel + 1,)."""
    middles = (energies[1:] + energies[:-1]) / 2
    return np.concatenate([[2 * energies[0] - middles[0]], middles, [2 * energies[-1] - middles[-1]]])


def window_channels(window: tuple[float, float], energies: NDArray[np.float64]) -> tuple[int, int]:
    """Return the first channel whose centre lies in the window and the one after the last."""
    slack = 1e-6 * (
        energies[1] - energies[0]
    )  # a window that ends on a centre includes it, whatever the rounding
    first = int(np.searchsorted(energies, window[0] - slack, side="left"))
    stop = int(np.searchsorted(energies, window[1] + slack, side="right"))
    return first, max(first, stop)


def _check_window(key: str, window: tuple[float, float], energies: NDArray[np.float64], fewest: int) -> int:
    if energies.size < 2:
        raise InputError(f"{key}: the energy axis has {energies.size} channel; backgrounds need a spectrum")
    first, stop = window_channels(window, energies)
    bounds = channel_bounds(energies)
    step = energies[1] - energies[0]
    # A window may overhang the axis by a channel: nobody types the last eV of a calibration.
    outside = window[0] < bounds[0] - step or window[1] > bounds[-1] + step
    if outside or stop - first < fewest or bounds[first] <= 0:
        raise InputError(
            f"{key}: window {window[0]:g}-{window[1]:g} eV has {stop - first} channels "
            f"(at least {fewest} needed) on the axis "
            f"{energies[0]:g}-{energies[-1]:g} eV of {step:g} eV per channel; "
            "move it onto the axis or widen it"
        )
    return stop - first


def _window(name: str, value: Any) -> tuple[float, float]:
    if isinstance(value, str) or not hasattr(value, "__len__") or len(value) != 2:
        raise ValueError(f"{name} must be two numbers [low, high], not {value!r}")
    if not all(map(_is_number, value)) or value[0] >= value[1]:
        raise ValueError(f"{name} must be two increasing numbers [low, high], not {list(value)!r}")
    return (float(value[0]), float(value[1]))


def _pixel_range(value: Any) -> tuple[int, int]:
    whole = (
        hasattr(value, "__len__") and len(value) == 2 and all(_is_number(v) and v == int(v) for v in value)
    )
    if not whole or not 0 <= value[0] < value[1]:
        raise ValueError(f"pixels must be two increasing whole numbers [first, after last], not {value!r}")
    return (int(value[0]), int(value[1]))


def _is_number(value: Any) -> bool:
    is_real = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    return bool(is_real and np.isfinite(value))


def _edge(element: str, onset: float, fit: tuple[float, float], integrate: tuple[float, float]) -> Edge:
    return Edge(element=element, onset_eV=onset, fit_eV=fit, integrate_eV=integrate)


EDGES: dict[str, Edge] = {
    "Si_L23": _edge("Si", 99, (72, 96), (99, 129)),
    "B_K": _edge("B", 188, (155, 183), (188, 238)),
    "Ru_M45": _edge("Ru", 280, (225, 275), (285, 385)),  # delayed; C K and the tail of Pt N lie under it
    "C_K": _edge("C", 284, (240, 278), (284, 324)),
    "N_K": _edge("N", 402, (355, 395), (400, 440)),
    "Ti_L23": _edge("Ti", 456, (405, 450), (456, 486)),  # O K follows
    "Ru_M23": _edge("Ru", 461, (400, 455), (458, 500)),
    "O_K": _edge("O", 532, (480, 525), (530, 570)),
    "Mn_L23": _edge("Mn", 640, (560, 630), (638, 668)),
    "Fe_L23": _edge("Fe", 708, (640, 700), (706, 736)),
    "Co_L23": _edge("Co", 779, (680, 770), (778, 860)),
    "La_M45": _edge("La", 832, (770, 822), (828, 858)),
    "Ni_L23": _edge("Ni", 855, (780, 845), (853, 890)),
    "Cu_L23": _edge("Cu", 931, (850, 920), (930, 1000)),
    "Pt_M45": _edge("Pt", 2122, (1900, 2100), (2130, 2400)),
}
"""Standard edges and windows in eV, a starting point to be looked at in the report."""
