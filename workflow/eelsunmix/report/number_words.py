"""How many components were used, who chose that, and what speaks for one less or more: in plain sentences."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from eelsunmix.comparison.words import listed
from eelsunmix.rank.line_words import ASKED
from eelsunmix.rank.neighbours import STABLE
from eelsunmix.report.first.state import holds_nothing
from eelsunmix.report.formatting import in_words, number
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.loading_edges import edges_in_loading
from eelsunmix.report.texts import sentence
from eelsunmix.words import numbered

CHOSEN_BY = MappingProxyType(
    {
        "user": "set in the configuration",
        "marchenko_pastur": "estimated from the image",
        "parallel_analysis": "estimated by parallel analysis",
        "elbow": "estimated by the elbow of the scree plot",
    }
)
AXIS = "energy axis"
"""What the reason for a number, or a warning, names where components are there because the axis moves."""
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_SAID = MappingProxyType(
    {
        "eigenvalue": ("its eigenvalue {value} is {} the noise (up to {edge})", "above", "within"),
        "prediction": ("half of the counts {} it in the other half", "predict", "do not predict"),
        "halves": ("two halves of the pixels show it {}", "alike", "differently"),
        "order": ("its map has {}", "an order in space", "no order in space beyond chance"),
    }
)
"""Test -> what it says, where it shows a component, and where it does not."""


@dataclass(frozen=True, kw_only=True)
class Tested:
    """What tests say of one component.

    Parameters
    ----------
    number : int
        From 1.
    passed : mapping of str to bool
        Whether each test that could be made shows it; names as in `_SAID`.
    value, edge : str
        Its eigenvalue, and up to where those of noise go.
    """

    number: int
    passed: Mapping[str, bool]
    value: str
    edge: str

    @property
    def which(self) -> str:
        """Its place in words."""
        return _ORDINALS[self.number - 1] if self.number <= len(_ORDINALS) else f"{self.number}th"

    @property
    def article(self) -> str:
        """The one that stands before its place, at the beginning of a sentence."""
        return "An" if self.which.startswith(("e", "11", "18")) else "A"

    @property
    def repeated(self) -> list[bool]:
        """Whether each test that repeats the measurement shows it."""
        return [self.passed[test] for test in ("prediction", "halves") if test in self.passed]

    def is_likely(self, shown: Sequence[str]) -> bool:
        """Whether it is one of the specimen, whose loading shows these edges: noise has none."""
        repeated = any(self.repeated) or not self.repeated
        return bool(shown) and self.passed.get("eigenvalue", False) and repeated

    @property
    def share(self) -> str:
        """How many tests show it."""
        return f"{self.n_passed} of {numbered(len(self.passed), 'test')}"

    @property
    def n_passed(self) -> int:
        """The number of those that do."""
        return sum(self.passed.values())

    def said(self) -> str:
        """Return what speaks for it, then what speaks against it."""
        parts: dict[bool, list[str]] = {True: [], False: []}
        for test, passed in self.passed.items():
            text, *words = _SAID[test]
            parts[passed].append(text.format(words[not passed], value=self.value, edge=self.edge))
        return ", but ".join(listed(texts) for texts in parts.values() if texts)


def number_in_words(inputs: Inputs, *, why: bool = False) -> str:
    """Return the number, who chose it, and how sure the last component and the next one are.

    Parameters
    ----------
    inputs : Inputs
    why : bool
        Whether to add what each test says.
    """
    n, chosen = inputs.n_endmembers, str(inputs.rank.attrs.get("chosen", ""))
    by = CHOSEN_BY.get(chosen, chosen.replace("_", " "))
    head = f"{numbered(n, 'component') if why else n}, {by}."
    if holds_nothing(inputs):
        return f"{head} Nothing in the image stands out from the noise: no component is a material."
    reason = str(inputs.rank.attrs.get("reason", ""))
    if AXIS in reason:
        # The leading components are not the materials then, so that no test is about them.
        return f"{head} {sentence(reason.partition('. ')[0])}"
    moving = _axis_moves(inputs)
    last, further = tested(inputs, n), tested(inputs, n + 1)
    shown = edges_in_loading(inputs, n)
    parts = [head, _of_last(last, why=why), _of_next(further, why=why, moving=moving, shown=shown)]
    return " ".join(filter(None, parts))


def likely_further(inputs: Inputs) -> str:
    """Name the component beyond those used that the tests and its loading show; empty where they do not.

    Returns
    -------
    str
        Such as "a fifth component".
    """
    if holds_nothing(inputs) or AXIS in str(inputs.rank.attrs.get("reason", "")) or _axis_moves(inputs):
        return ""
    further = tested(inputs, inputs.n_endmembers + 1)
    if not further.is_likely(edges_in_loading(inputs, inputs.n_endmembers)):
        return ""
    return f"{further.article.lower()} {further.which} component"


def _axis_moves(inputs: Inputs) -> bool:
    """Whether the number of components warns of an axis that shifts or drifts, which makes further ones."""
    return any(AXIS in text for text in inputs.rank.attrs.get("warnings", []))


def tested(inputs: Inputs, k: int) -> Tested:
    """Gather what the store says of the k-th component."""
    rank, values = inputs.rank, inputs.pca["eigenvalue"].to_numpy()
    passed = {"eigenvalue": k <= int(rank.attrs["signal_rank"])} if k <= len(values) else {}
    if "prediction" in rank["estimator"]:
        passed["prediction"] = k <= int(rank["estimate"].sel(estimator="prediction"))
    if "stability" in rank and k in rank["number"]:
        passed["halves"] = float(rank["stability"].sel(number=k)) > STABLE
    if "coherence" in rank and k <= rank.sizes["component"]:
        passed["order"] = float(rank["coherence"][k - 1]) > 0
    value = number(values[k - 1]) if k <= len(values) else ""
    return Tested(number=k, passed=passed, value=value, edge=number(rank.attrs["noise_edge"]))


def answered(inputs: Inputs, warning: str) -> str:
    """Return a warning; where it asks what the loading of a component shows, with the answer instead."""
    about = re.match(r"Component (\d+) \([^)]*\): ", warning)  # one alone
    question = " That is read-out noise of scan lines, or "
    if about is None or ASKED not in warning or question not in warning:
        return warning
    component = int(about[1])
    shown = edges_in_loading(inputs, component - 1)
    seen = warning.partition(question)[0]
    if shown:
        edges = listed([in_words(edge) for edge in shown])
        return (
            f"{seen} Its loading changes at {edges}, as noise does not: it is probably of the specimen; set "
            f"components.n to {component} and compare"
        )
    return (
        f"{seen} Its loading changes at no named edge: probably read-out noise, which is not counted; to see "
        f"its maps, set components.n to {component}"
    )


def _of_last(last: Tested, *, why: bool) -> str:
    """Say how sure the last component is; the first one, the mean spectrum, is always there."""
    if last.number < 2 or not last.passed:
        return ""
    doubtful = 2 * last.n_passed <= len(last.passed)
    show = "shows" if last.n_passed == 1 else "show"
    text = f"{last.share} {show} the {last.which}" + f": {last.said()}" * why
    fewer = f"; it may be noise or a rare phase: compare the maps with components.n: {last.number - 1}"
    return f"{text}{fewer * doubtful}."


def _of_next(further: Tested, *, why: bool, moving: bool, shown: Sequence[str]) -> str:
    """Say whether one more component is possible: where something beside its eigenvalue shows it too.

    Noise has no edges, so those that its loading shows decide it.
    """
    if not further.passed:
        return ""
    passed, which, article = further.passed, further.which, further.article
    reasons = f": {further.said()}" if why and further.n_passed else f" ({further.share})"
    if not passed.get("eigenvalue") and not passed.get("prediction"):
        return f"No {which} stands out{reasons}."
    if moving:
        return (
            f"{article} {which} stands out{reasons}; but the energy axis shifts, which makes such components."
        )
    if further.is_likely(shown):
        edges = listed([in_words(edge) for edge in shown])
        text = f"{article} {which} is likely{reasons}: its loading changes at {edges}, as noise does not"
        return f"{text}. Run with components.n: {further.number} and compare."
    if further.repeated and not any(further.repeated):
        return f"{article} {which} is unlikely{reasons}."
    how = f"to see, compare with a run of components.n: {further.number}"
    return f"{article} {which} is possible{reasons}; {how}."
