"""Onsets of the edges from 110 to 2250 eV: what observed onsets are compared with."""

from dataclasses import dataclass

NEAR_EV = 40.0
"""An edge as configured is that of the table so near: axes are not off by more, edges lie further apart."""

# Symbol, onset in eV, and the onset of a second line where the edge is a doublet that shows.
_K = """
    Be 111, B 188, C 284, N 401, O 532, F 685, Ne 867, Na 1072, Mg 1305, Al 1560, Si 1839, P 2146
"""
_L = """
    P 132, S 165, Cl 200, Ar 245, K 294 296.5, Ca 346 349.5, Sc 402 407, Ti 456 462, V 513 521, Cr 575 584,
    Mn 640 651, Fe 708 721, Co 779 794, Ni 855 872, Cu 931 951, Zn 1020 1043, Ga 1115, Ge 1217, As 1323,
    Se 1436, Br 1550, Rb 1804, Sr 1940, Y 2080, Zr 2222
"""
_M45 = """
    Sr 134, Y 160, Zr 181, Nb 205, Mo 228, Ru 279, Rh 308, Pd 335, Ag 367, Cd 404, In 443, Sn 485, Sb 528,
    Te 572, I 620, Xe 672, Cs 726 740, Ba 781 796, La 832 849, Ce 883 901, Pr 931 951, Nd 978 1000,
    Sm 1080 1106, Eu 1131 1161, Gd 1185 1217, Tb 1241 1275, Dy 1295 1332, Ho 1351 1391, Er 1409 1453,
    Tm 1468 1515, Yb 1528 1576, Lu 1588 1639, Hf 1662, Ta 1735, W 1809, Re 1883, Os 1960, Ir 2040, Pt 2122,
    Au 2206
"""
_M23 = """
    Y 301, Zr 330, Nb 363 379, Mo 392 410, Ru 461 483, Rh 496 521, Pd 532 559, Ag 571 602
"""


@dataclass(frozen=True, kw_only=True)
class TabulatedEdge:
    """An edge of the table.

    Parameters
    ----------
    element : str
    onset_eV : float
    second_eV : float or None
        Onset of the second line of a doublet.

    Notes
    -----
    Onsets as they are seen in energy-loss spectra, rounded; a test holds each within 12 eV of the binding
    energy in xraydb (Elam, Ravel, Sieber, Radiat. Phys. Chem. 63 (2002) 121).
    """

    element: str
    onset_eV: float
    second_eV: float | None = None

    @property
    def splitting(self) -> float:
        """Distance of the second line in eV; 0 where there is none."""
        return self.second_eV - self.onset_eV if self.second_eV else 0.0


def _read(text: str) -> list[TabulatedEdge]:
    fields = [entry.split() for entry in text.split(",")]
    return [
        TabulatedEdge(element=symbol, onset_eV=float(onset), second_eV=float(second[0]) if second else None)
        for symbol, onset, *second in fields
    ]


TABLE: tuple[TabulatedEdge, ...] = tuple(edge for text in (_K, _L, _M45, _M23) for edge in _read(text))


def tabulated_edge(element: str, onset_eV: float) -> TabulatedEdge | None:
    """Find the edge of an element nearest to an energy; None where none is within 40 eV.

    Examples
    --------
    >>> tabulated_edge("Mn", 632.0)
    TabulatedEdge(element='Mn', onset_eV=640.0, second_eV=651.0)
    >>> tabulated_edge("Mn", 49.0) is None
    True
    """
    own = [edge for edge in TABLE if edge.element == element and abs(edge.onset_eV - onset_eV) <= NEAR_EV]
    return min(own, key=lambda edge: abs(edge.onset_eV - onset_eV), default=None)
