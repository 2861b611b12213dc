"""Section on what to cite: the program, and the papers behind what was used."""

from collections.abc import Collection, Sequence

from eelsunmix.citation import citation
from eelsunmix.edges import BackgroundCurve
from eelsunmix.methods._references import references
from eelsunmix.report.content import Section, Text
from eelsunmix.report.inputs import Inputs
from eelsunmix.words import COMPARED, RECOMMENDED

WORKFLOW = (
    "N. Brun, G. Lambert, L. Bocher, Eur. Phys. J. Appl. Phys. 99, 28 (2024).",
    "M. R. Keenan, P. G. Kotula, Surf. Interface Anal. 36, 203 (2004) (weights of the PCA).",
)
_TREBBIA = "P. Trebbia, Ultramicroscopy 24, 399 (1988) (maximum likelihood of the background)."
BACKGROUNDS: dict[BackgroundCurve, str] = {
    "power_law": _TREBBIA,
    "exponential": _TREBBIA,
    "convex": "P. Cueva, R. Hovden, J. A. Mundy, H. L. Xin, D. A. Muller, Microsc. Microanal. 18, 667 (2012) "
    "(sums of power laws).",
}
LEAST_SQUARES = "D. C. Heinz, C.-I Chang, IEEE Trans. Geosci. Remote Sens. 39, 529 (2001) (least squares)."


def section(inputs: Inputs) -> Section:
    """List what a paper with these results cites."""
    intro = "The program, and the papers behind the methods of this page. Cite what you use."
    return Section(name="citation", title="What to cite", intro=intro, blocks=(Text(*_papers(inputs)),))


def papers_of_backgrounds(curves: Sequence[BackgroundCurve]) -> list[str]:
    """Return the papers behind the curves that were fitted, each once; none where all are lines of X-rays.

    Examples
    --------
    >>> papers_of_backgrounds([]), len(papers_of_backgrounds(["power_law", "exponential"]))
    ([], 1)
    """
    return list(dict.fromkeys(BACKGROUNDS[curve] for curve in curves))


def _papers(inputs: Inputs) -> list[str]:
    """Return the program, the papers behind the workflow and those behind the methods that were run."""
    used = {str(store.attrs.get("method", "")) for store in inputs.fits.values()}
    named = {one: one for one in used} | (
        {one: _of_recommended(inputs, one, used) for one in COMPARED} if RECOMMENDED in used else {}
    )
    known = [(named[method], references(method)) for method in sorted(named) if method != RECOMMENDED]
    return [
        citation(),
        *WORKFLOW,
        *papers_of_backgrounds(inputs.curves),
        *(f"{name}: {' '.join(papers)}" for name, papers in known if papers),
        LEAST_SQUARES,
    ]


def _of_recommended(inputs: Inputs, method: str, used: Collection[str]) -> str:
    """Name a method, and whether the recommended result holds it or tried it: the consensus holds all."""
    chosen = str(dict(inputs.comparison.attrs.get("recommended") or {}).get("method", "")).lower()
    if chosen.startswith((method, "consensus")):
        return f"{method} (used by recommended)"
    return method if method in used else f"{method} (tried by recommended)"
