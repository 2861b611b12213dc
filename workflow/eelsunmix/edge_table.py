"""Onsets of the edges from 30 to 3000 eV: what names mean, and what observed onsets are compared with."""

import re
from dataclasses import dataclass

from eelsunmix.elements import SYMBOLS

NEAR_EV = 40.0
"""An edge as configured is that of the table so near: axes are not off by more, edges lie further apart."""

LOWEST_EV = 30.0
"""Where the table begins."""
# Symbol, onset in eV, and the onset of a second line where the edge is a doublet that shows.
_ONSETS = {
    "K": """
        Li 55, Be 111, B 188, C 284, N 401, O 532, F 685, Ne 867, Na 1072, Mg 1305, Al 1560, Si 1839, P 2146,
        S 2472, Cl 2822
    """,
    "L23": """
        Na 30, Mg 49, Al 72, Si 99, P 132, S 165, Cl 200, Ar 245, K 294 296.5, Ca 346 349.5, Sc 402 407,
        Ti 456 462, V 513 521, Cr 575 584, Mn 640 651, Fe 708 721, Co 779 794, Ni 855 872, Cu 931 951,
        Zn 1020 1043, Ga 1115, Ge 1217, As 1323, Se 1436, Br 1550, Kr 1678, Rb 1804, Sr 1940, Y 2080,
        Zr 2222, Nb 2371, Mo 2520, Tc 2677, Ru 2838
    """,
    "M45": """
        As 42, Se 55, Br 69, Kr 94, Rb 112, Sr 134, Y 160, Zr 181, Nb 205, Mo 228, Tc 254, Ru 279, Rh 308,
        Pd 335, Ag 367, Cd 404, In 443, Sn 485, Sb 528, Te 572, I 620, Xe 672, Cs 726 740, Ba 781 796,
        La 832 849, Ce 883 901, Pr 931 951, Nd 978 1000, Pm 1027, Sm 1080 1106, Eu 1131 1161, Gd 1185 1217,
        Tb 1241 1275, Dy 1295 1332, Ho 1351 1391, Er 1409 1453, Tm 1468 1515, Yb 1528 1576, Lu 1588 1639,
        Hf 1662, Ta 1735, W 1809, Re 1883, Os 1960, Ir 2040, Pt 2122, Au 2206, Hg 2295, Tl 2389, Pb 2484,
        Bi 2580, Po 2683, At 2787, Rn 2892, Fr 3000
    """,
    "M23": """
        Ti 33, V 37, Cr 42, Mn 47, Fe 53, Co 60, Ni 66, Cu 75, Zn 89, Ga 100, Ge 121, As 141, Se 161, Br 182,
        Kr 214, Rb 239, Sr 270, Y 301, Zr 330, Nb 363 379, Mo 392 410, Tc 418, Ru 461 483, Rh 496 521,
        Pd 532 559, Ag 571 602, Cd 618, In 665, Sn 715, Sb 766, Te 821, I 875, Xe 941, Cs 1003, Ba 1063,
        La 1128, Ce 1187, Pr 1242, Nd 1297, Pm 1357, Sm 1420, Eu 1481, Gd 1544, Tb 1611, Dy 1676, Ho 1741,
        Er 1812, Tm 1885, Yb 1950, Lu 2024, Hf 2107, Ta 2194, W 2281, Re 2367, Os 2457, Ir 2551, Pt 2645,
        Au 2743, Hg 2847, Tl 2957
    """,
    "N45": """
        Sb 32, Te 40, I 49, Xe 68, Cs 78, Ba 90, La 102, Ce 109, Pr 115, Nd 120, Pm 120, Sm 129, Eu 128,
        Gd 143, Tb 150, Dy 154, Ho 160, Er 168, Tm 176, Yb 182, Lu 196, Hf 212, Ta 226, W 244, Re 260,
        Os 278, Ir 296, Pt 315, Au 335, Hg 359, Tl 385, Pb 412, Bi 440, Po 473, At 507, Rn 541, Fr 577,
        Ra 603, Ac 639, Th 675, Pa 708, U 736, Np 771, Pu 798, Am 829
    """,
    "L1": """
        Na 64, Mg 89, Al 118, Si 150, P 189, S 231, Cl 270, Ar 326, K 379, Ca 438, Sc 498, Ti 561, V 627,
        Cr 696, Mn 769, Fe 845, Co 925, Ni 1009, Cu 1097, Zn 1196, Ga 1299, Ge 1415, As 1527, Se 1652,
        Br 1782, Kr 1921, Rb 2065, Sr 2216, Y 2373, Zr 2532, Nb 2698, Mo 2866
    """,
    "M1": """
        K 35, Ca 44, Sc 51, Ti 59, V 66, Cr 74, Mn 82, Fe 91, Co 101, Ni 111, Cu 122, Zn 140, Ga 160, Ge 180,
        As 205, Se 230, Br 257, Kr 293, Rb 327, Sr 359, Y 392, Zr 430, Nb 467, Mo 506, Tc 544, Ru 586,
        Rh 628, Pd 672, Ag 719, Cd 772, In 827, Sn 885, Sb 940, Te 1006, I 1072, Xe 1149, Cs 1211, Ba 1293,
        La 1362, Ce 1436, Pr 1511, Nd 1575, Pm 1650, Sm 1723, Eu 1800, Gd 1881, Tb 1968, Dy 2047, Ho 2128,
        Er 2206, Tm 2307, Yb 2398, Lu 2491, Hf 2601, Ta 2708, W 2820, Re 2932
    """,
    "N23": """
        Nb 31, Mo 36, Tc 40, Ru 43, Rh 47, Pd 51, Ag 58, Cd 64, In 74, Sn 84, Sb 96, Te 103, I 123, Xe 146,
        Cs 161, Ba 179, La 196, Ce 206, Pr 218, Nd 225, Pm 242, Sm 247, Eu 257, Gd 271, Tb 284, Dy 293,
        Ho 308, Er 320, Tm 333, Yb 340, Lu 359, Hf 381, Ta 401, W 424, Re 447, Os 471, Ir 496, Pt 519,
        Au 546, Hg 577, Tl 610, Pb 644, Bi 679, Po 705, At 740, Rn 768, Fr 810, Ra 879, Ac 890, Th 966,
        Pa 1007, U 1043, Np 1085, Pu 1123, Am 1165
    """,
    "N67": """
        W 31, Re 40, Os 51, Ir 61, Pt 71, Au 84, Hg 100, Tl 118, Pb 137, Bi 157, Po 184, At 210, Rn 238,
        Fr 268, Ra 299, Ac 319, Th 333, Pa 360, U 377, Np 403, Pu 424, Am 446
    """,
    "O23": """
        Hf 30, Ta 33, W 37, Re 35, Os 44, Ir 48, Pt 52, Au 57, Hg 64, Tl 74, Pb 83, Bi 93, Po 104, At 115,
        Rn 127, Fr 140, Ra 153, Ac 167, Th 182, Pa 187, U 192, Np 206, Pu 213, Am 219
    """,
    "O45": """
        Po 31, At 40, Rn 48, Fr 58, Ra 68, Ac 80, Th 85, Pa 94, U 94, Np 101, Pu 102, Am 106
    """,
}
_STRONG_BETWEEN = {"M23": ("Y", "Ag"), "N45": ("Ba", "Lu")}
"""Shells whose edges are strong between two elements only."""
_RARE_EV = 1500.0
"""Spectra seldom reach so far with many counts."""


@dataclass(frozen=True, kw_only=True)
class TabulatedEdge:
    """An edge of the table.

    Parameters
    ----------
    element, shell : str
        Such as Ti and L23.
    onset_eV : float
    second_eV : float or None
        Onset of the second line of a doublet.
    strong : bool
        Whether it is an edge that elements are recognised by; the others are weak, or broad and low.

    Notes
    -----
    Onsets as they are seen in energy-loss spectra, rounded; where edges are hardly used, binding energies. A
    test holds each within 12 eV of the binding energy in xraydb (Elam, Ravel, Sieber, Radiat. Phys. Chem. 63
    (2002) 121).
    """

    element: str
    shell: str
    onset_eV: float
    second_eV: float | None = None
    strong: bool = True

    @property
    def is_delayed(self) -> bool:
        """Whether it rises slowly, to a maximum some tens of eV after the onset: M45 from Rb to Xe."""
        return self.shell == "M45" and 100 < self.onset_eV < 700

    @property
    def name(self) -> str:
        """Element and shell, as the configuration writes them."""
        return f"{self.element}_{self.shell}"

    @property
    def splitting(self) -> float:
        """Distance of the second line in eV; 0 where there is none."""
        return self.second_eV - self.onset_eV if self.second_eV else 0.0


def _read(shell: str, text: str) -> list[TabulatedEdge]:
    fields = [entry.split() for entry in text.split(",")]
    strong = _strong(shell, [symbol for symbol, *_ in fields])
    return [
        TabulatedEdge(
            element=symbol,
            shell=shell,
            onset_eV=float(onset),
            second_eV=float(second[0]) if second else None,
            strong=symbol in strong,
        )
        for symbol, onset, *second in fields
    ]


def _strong(shell: str, symbols: list[str]) -> list[str]:
    if shell in ("K", "L23", "M45"):
        return symbols
    first, last = _STRONG_BETWEEN.get(shell, ("", ""))
    return symbols[symbols.index(first) : symbols.index(last) + 1] if first else []


TABLE: tuple[TabulatedEdge, ...] = tuple(
    edge for shell, text in _ONSETS.items() for edge in _read(shell, text)
)
SHELLS = tuple(_ONSETS)


def tabulated_edge(element: str, onset_eV: float) -> TabulatedEdge | None:
    """Find the edge of an element nearest to an energy, a strong one before others; None beyond 40 eV.

    Examples
    --------
    >>> tabulated_edge("Mn", 632.0).name, tabulated_edge("Mn", 632.0).second_eV
    ('Mn_L23', 651.0)
    >>> tabulated_edge("Mn", 700.0) is None
    True
    """
    own = [edge for edge in TABLE if edge.element == element and abs(edge.onset_eV - onset_eV) <= NEAR_EV]
    return min(own, key=lambda edge: (not edge.strong, abs(edge.onset_eV - onset_eV)), default=None)


def edges_of(element: str) -> list[TabulatedEdge]:
    """All edges of an element, those by which it is best measured first.

    Examples
    --------
    >>> [edge.name for edge in edges_of("Ti")]
    ['Ti_L23', 'Ti_M23', 'Ti_L1', 'Ti_M1']
    """
    own = [edge for edge in TABLE if edge.element == element]
    return sorted(own, key=lambda edge: (not edge.strong, edge.onset_eV > _RARE_EV, SHELLS.index(edge.shell)))


def split_name(name: str) -> tuple[str, str | None] | None:
    """Take the name of an edge apart: element and shell, or the element alone; None for other names.

    Examples
    --------
    >>> [split_name(name) for name in ("Ti_L23", "Ti L2,3", "Ti_L3", "Ti_L")]
    [('Ti', 'L23'), ('Ti', 'L23'), ('Ti', 'L23'), ('Ti', 'L23')]
    >>> split_name("Ti"), split_name("layer"), split_name("CO"), split_name("BK")
    (('Ti', None), None, None, ('B', 'K'))
    """
    match = re.fullmatch(r"([A-Z][a-z]?)(?:[ _-]*([KLMNO])[ _-]*([1-7,]*))?", name.strip())
    if match is None or match[1] not in SYMBOLS or _is_in_capitals(name.strip()):
        return None
    if match[2] is None:
        return match[1], None
    lines = match[3].replace(",", "")
    same = [shell for shell in SHELLS if shell[0] == match[2] and set(lines) <= set(shell[1:])]
    return match[1], same[0] if same else f"{match[2]}{lines}"


def _is_in_capitals(name: str) -> bool:
    """Whether a name is an element in capitals, as CO is of cobalt: not the edge O of carbon. BK is B K."""
    return name not in SYMBOLS and name.capitalize() in SYMBOLS and not name.endswith("K")


def written_lines(name: str) -> str:
    """Return the lines of a shell as digits in the order in which a name has them, commas apart.

    Examples
    --------
    >>> written_lines("Ti_L32"), written_lines("Ti L3,2"), written_lines("Ti")
    ('32', '', '')
    """
    match = re.search(r"[KLMNO][ _-]*([1-7]+)$", name.strip())
    return match[1] if match else ""
