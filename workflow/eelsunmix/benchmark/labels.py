"""Labels of the benchmark: methods in the order of the paper, the reference, other software."""

from collections.abc import Iterable

IN_PAPER = ("nmf", "ica", "vca", "blu", "udas", "daeu", "mtaeu", "cnnaeu")
"""Order of the methods in the paper's figures; others follow."""

BACKGROUND = {"bs_published": "pixel", "bs": "local"}
"""Labels of background subtraction, and where the exponent of the background comes from."""

PEERS = ("hyperspy_bs", "hyperspy_nmf", "hyperspy_ica")
RESERVED = frozenset({"oracle", "report", "peers", "scenes", *BACKGROUND, *PEERS})
"""Labels that the workflow uses itself."""


def as_in_paper(methods: Iterable[str]) -> list[str]:
    """Put methods in the order of the paper's figures, then of the alphabet.

    Examples
    --------
    >>> as_in_paper(["vca", "spa", "nmf"])
    ['nmf', 'vca', 'spa']
    """
    order = {name: rank for rank, name in enumerate(IN_PAPER)}
    return sorted(methods, key=lambda name: (order.get(name, len(order)), name))


def reserved_label_fault(label: str) -> str | None:
    """Say what is wrong with a label of the benchmark; None if nothing is."""
    if label.lower() in RESERVED or label.lower().startswith("peers_"):
        return "this label is used by the benchmark itself; choose another one and add method: NAME"
    return None
