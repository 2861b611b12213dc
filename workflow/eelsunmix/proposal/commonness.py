"""How common elements are in specimens: what an edge is, if nothing else tells it."""

_TIERS = (
    ("C N O Al Si Ti Mn Fe Co Ni Cu", 0.0),
    ("B F Na Mg P S Cl K Ca V Cr Zn Ga Sr Zr Nb Mo Ru Pd Ag In Sn Ba La Ce W Pt Au Li", -1.2),
    ("Be Sc Ge As Se Y Rh Cd Sb Te I Pr Nd Sm Eu Gd Hf Ta Ir Pb Bi Br Rb Cs", -2.4),
    ("Tb Dy Ho Er Tm Yb Lu Re Os Hg Tl Ar Ne Kr Xe U Th", -3.6),
)
RARE = -6.0
"""Of elements that hardly anybody has under a microscope."""
_LOGARITHMS = {symbol: value for symbols, value in _TIERS for symbol in symbols.split()}


def log_commonness(element: str) -> float:
    """Logarithm of how common an element is, 0 for the most common ones.

    Examples
    --------
    >>> log_commonness("O"), log_commonness("Pm")
    (0.0, -6.0)
    """
    return _LOGARITHMS.get(element, RARE)
