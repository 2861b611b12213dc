"""What a file holds, before it is known which axis is which; and the choice of one signal among several."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from eelsunmix.errors import InputError, in_brief
from eelsunmix.units import ENERGIES, electronvolts_per


@dataclass(frozen=True, kw_only=True)
class FileAxis:
    """One axis as the file describes it.

    Parameters
    ----------
    size : int
        Number of points.
    name, units : str
        As in the file; empty where it says nothing.
    offset, scale : float, optional
        Coordinate of the first point and step; None where the file gives no calibration.
    values : ndarray, optional
        All coordinates, where the file lists them.
    """

    size: int
    name: str = ""
    units: str = ""
    offset: float | None = None
    scale: float | None = None
    values: np.ndarray | None = None

    @property
    def is_energy(self) -> bool:
        """Whether the unit is one of energy."""
        return electronvolts_per(self.units) is not None


@dataclass(frozen=True, kw_only=True)
class Signal:
    """One array of a file, not read yet.

    Parameters
    ----------
    open : callable
        Function of a chunk shape (one size per axis) that returns the array, lazy where the format allows it.
    dtype : dtype
        As in the file.
    axes : tuple of FileAxis
        In the order of the array.
    title, kind, reader : str
        Name of the signal; "EELS", "EDS" or "" where the file does not say; what read it.
    metadata : dict
        What the file says of microscope and detector, plain values only.
    notes : tuple of str
        What the reader had to decide and the user should know; sentences for the user.
    """

    open: Callable[[tuple[int, ...]], Any]
    dtype: np.dtype
    axes: tuple[FileAxis, ...]
    title: str
    reader: str
    kind: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of points along each axis, in the order of the file."""
        return tuple(axis.size for axis in self.axes)

    @property
    def spectral_kind(self) -> str:
        """`kind`, or what the unit of energy suggests, or "" for an image without energy axis."""
        sizes = [size for axis in self.axes if (size := electronvolts_per(axis.units)) is not None]
        if not sizes:
            return ""
        return self.kind or ("EDS" if sizes[0] == ENERGIES["keV"] else "EELS")


def choose_signal(signals: Sequence[Signal], wanted: str | int | None, path: Path) -> Signal:
    """Return the signal that the user means; never silently the first of several.

    Parameters
    ----------
    signals : sequence of Signal
        All signals of the file, in its order.
    wanted : str, int or None
        Name, number in the file (from 0) or kind ("EELS", "EDS"). Without it the only signal with an energy
        axis is taken.
    path : Path
        For the messages.

    Raises
    ------
    InputError
        If no signal or more than one fits.
    """
    if not signals:
        raise InputError(f"{path}: holds no data array; export the spectrum image again")
    found = _matching(signals, wanted)
    if len(found) == 1:
        return found[0]
    listed = "; ".join(f"{number}: {describe(signal)}" for number, signal in enumerate(signals))
    meant = (
        "needs the key signal"
        if wanted is None
        else f"{len(found)} of its signals fit signal: {in_brief(wanted)}"
    )
    raise InputError(
        f"{path}: {meant}, since the file holds {listed}; write signal: with the number, the name or the kind"
    )


def describe(signal: Signal) -> str:
    """Say in a few words what a signal is: title, kind, numbers of points and units of the axes."""
    sizes = " x ".join(str(size) for size in signal.shape)
    units = ", ".join(
        in_brief(axis.units).strip("'\"") if axis.units else "(no unit)" for axis in signal.axes
    )
    kind = f"{signal.spectral_kind} " if signal.spectral_kind else ""
    return f"{in_brief(signal.title)} {kind}[{sizes} points; {units}]"


def _matching(signals: Sequence[Signal], wanted: str | int | None) -> list[Signal]:
    if wanted is None:
        spectral = [signal for signal in signals if signal.spectral_kind]
        return list(signals) if len(signals) == 1 else spectral
    if isinstance(wanted, int):
        return list(signals[wanted : wanted + 1]) if wanted >= 0 else []
    named = [signal for signal in signals if signal.title == wanted]
    return named or [signal for signal in signals if wanted.upper() == signal.spectral_kind]
