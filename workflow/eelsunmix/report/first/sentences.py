"""At most four sentences: which maps to use, what not to believe, where to take care, what to do next."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eelsunmix.comparison.words import CONVERGENCE, listed
from eelsunmix.report.axis_words import off_the_table
from eelsunmix.report.candidates import MOST_NAMED, errors_of, on_twins
from eelsunmix.report.figures.style import REFERENCE
from eelsunmix.report.first.choice import Shown, has_better_lights, lights_of, outputs_of, red_lights
from eelsunmix.report.first.map_errors import map_errors
from eelsunmix.report.first.next_step import next_step
from eelsunmix.report.first.presence import is_seen_by_bs
from eelsunmix.report.first.state import (
    agreements,
    axis_warnings,
    following,
    holds_nothing,
    is_astray,
    open_shares,
)
from eelsunmix.report.formatting import in_words
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.number_words import answered
from eelsunmix.report.texts import one_style, sentence
from eelsunmix.stage_warnings import reference_problems
from eelsunmix.twin_errors import MOST_ERROR
from eelsunmix.words import RECOMMENDED

ABSENT = (
    "that {names} is absent: no component of {label} shows it, so its map is that of BS",
    "that {names} are absent: no component of {label} shows them, so their maps are those of BS",
)
"""Of elements that BS sees: of one, and of several."""
UNKNOWN = (
    "that {names} is there, or absent: BS failed, and no component of {label} shows it",
    "that {names} are there, or absent: BS failed, and no component of {label} shows them",
)
"""Of elements at which BS failed: of one, and of several."""


@dataclass(frozen=True, kw_only=True)
class Said:
    """A sentence, what it is about, and the section with the evidence.

    Parameters
    ----------
    title, text : str
    level : {"use", "doubt", "void", "next"}
        ``void`` where what is shown, or all, may not be used; it alone is red.
    section : str
        Name of the section that shows why.
    items : tuple of str
        The parts of the text, each a sentence, where it has several.
    """

    title: str
    text: str
    level: str
    section: str = ""
    items: tuple[str, ...] = ()


def sentences(inputs: Inputs, label: str, maps: Sequence[Shown]) -> list[Said]:
    """Return what the first screen says of the maps that it shows."""
    void = _void(inputs, label)
    doubts = list(_doubts(inputs, label, maps))
    found = [void] if void else [_use(inputs, label, maps)]
    if doubts:
        found.append(_said("Do not believe", "; ".join(doubts), "doubt", "verdict", items=doubts))
    if care := _care(inputs, label):
        found.append(_said("Take care", care, "doubt", "verdict"))
    return [*found, _said("Next", *next_step(inputs, label, maps))]


def _said(title: str, text: str, level: str, section: str = "", items: Sequence[str] = ()) -> Said:
    text = one_style(text)
    text = text if text.endswith(".") else f"{text}."
    parts = tuple(one_style(f"{item.rstrip('.')}.") for item in items)
    return Said(title=title, text=text, level=level, section=section, items=parts if len(parts) > 1 else ())


def _void(inputs: Inputs, label: str) -> Said | None:
    """Say that nothing, or not what is shown, may be used, where that is so."""
    axis = axis_warnings(inputs)
    if axis:
        text = f"no map of an element can be trusted as long as the energy axis is off: {axis[0]}"
        return _said("Use nothing yet", text, "void", "background")
    failed, edges = reference_problems(inputs.bs), list(inputs.edges)
    if edges and all(edge in failed for edge in edges):
        text = (
            "background subtraction failed for every edge, so that no counts of an element are right; "
            "components and their abundances do not depend on it"
        )
        return _said("Use no counts", text, "void", "background")
    if label == REFERENCE:
        return _said("Use background subtraction", "no method gave a result", "void", "verdict")
    if holds_nothing(inputs):
        text = "there is no structure above the noise, so that they stand for no material"
        return _said("Use no components", text, "void", "components")
    return _astray(inputs, label) if is_astray(inputs, label) else None


def _astray(inputs: Inputs, label: str) -> Said:
    """Say how far the maps of a label are from the reference, and which methods follow it."""
    others = following(inputs)
    reached = (
        f"they reach {max(agreements(inputs)[label]):.2f} at most of the correlation with background "
        "subtraction that the noise allows"
    )
    if others:
        text = f"{reached}; {listed(others)} {'follow' if len(others) > 1 else 'follows'} it"
        return _said(f"Use no map of {label}", text, "void", "verdict")
    text = f"no method follows background subtraction in every element; as to {label}, {reached}"
    return _said("Use nothing yet", text, "void", "verdict")


def _use(inputs: Inputs, label: str, maps: Sequence[Shown]) -> Said:
    known = dict(inputs.comparison.attrs.get("recommended") or {})
    if label == RECOMMENDED and known:
        unfinished = _not_converged(inputs, label)
        text = f"the maps of “recommended”: {on_twins(known, ' (not converged)' * unfinished)}"
        text += _brighter(inputs, known)
        far = errors_of(known)[str(known["method"])] > 100 * MOST_ERROR
        if far or unfinished or red_lights(inputs, label):
            return _said("Use with care", text, "doubt", "maps")
        return _said("Use", text, "use", "maps")
    red, amber = lights_of(inputs, label)
    marks = listed([f"{number}\u00a0{mark}" for number, mark in ((red, "✖"), (amber, "▲")) if number])
    lights = f"with {marks}" if marks else "all lights green"
    text = f"the maps of {label}" + ", which did not converge" * _not_converged(inputs, label)
    if len(inputs.working) > 1:
        text += f": of {len(inputs.working)} methods it has the best lights in the verdict ({lights})"
    return _said("Use", text, "use", "verdict")


def _brighter(inputs: Inputs, known: Mapping[str, Any]) -> str:
    """Name the methods with better marks that took no part in the choice."""
    tried = {label.partition(",")[0].partition(" ")[0].lower() for label in errors_of(known)}
    others = [
        label
        for label in inputs.working
        if label != RECOMMENDED
        and str(inputs.fits[label].attrs.get("method", label)).partition("_")[0] not in tried
        and has_better_lights(inputs, label, RECOMMENDED)
    ]
    if not others:
        return ""
    have, are = ("has", "was") if len(others) == 1 else ("have", "were")
    return f". {listed(others)} {have} better marks in the verdict, but {are} not tried on simulated images"


def _not_converged(inputs: Inputs, label: str) -> bool:
    rows: Sequence[Mapping[str, Any]] = inputs.comparison.attrs.get("verdict", [])
    own = [row for row in rows if row.get("method") == label and row.get("criterion") == CONVERGENCE]
    return any(row.get("light") not in ("green", "grey") for row in own)


def _doubts(inputs: Inputs, label: str, maps: Sequence[Shown]) -> Iterator[str]:
    """Yield what must not be believed, the most serious first."""
    failed = [edge for edge in reference_problems(inputs.bs) if edge in inputs.edges]
    if failed and len(failed) < len(inputs.edges):
        names = listed([in_words(edge) for edge in failed])
        its = "its background" if len(failed) == 1 else "their backgrounds"
        checked = "" if inputs.has_true_maps else "; nothing checks the methods' counts there"
        yield f"BS counts of {names} ({its} failed){checked}"
    if not inputs.edges:
        yield "that components are materials before you have seen their spectra: no edge is named as a check"
    none = [one for one in maps if one.edge and one.source != label]
    unknown = [one.name for one in none if one.edge in failed]
    if unknown:
        yield UNKNOWN[len(unknown) > 1].format(names=listed(unknown), label=label)
    missing = [one.name for one in none if one.edge not in failed and is_seen_by_bs(inputs, one.edge)]
    if missing:
        yield ABSENT[len(missing) > 1].format(names=listed(missing), label=label)
    far = [one for one in map_errors(inputs, maps) if one.doubt]
    if far:
        worst_first = sorted(far, key=lambda one: -one.worst)
        yield f"counts of {listed([f'{one.shown.name} ({one.doubt})' for one in worst_first])}"
    yield from _red(inputs, label)
    shares = open_shares(inputs, label, maps)
    if shares:
        yield f"absolute shares (not counts) of {listed(shares)}: other shares fit just as well"


def _red(inputs: Inputs, label: str) -> Iterator[str]:
    """Yield where all methods are red, where the one shown is besides, and where others are besides."""
    red = {one: red_lights(inputs, one) for one in dict.fromkeys((label, *inputs.working))}
    own = red.pop(label)
    everywhere = [name for name in own if red and all(name in lights for lights in red.values())]
    alone = [name for name in own if name not in everywhere]
    if everywhere:
        first, whose = everywhere[0], outputs_of(everywhere)
        worst = _first_of(everywhere, own)
        yield f"that {whose} of any method are right: all have ✖ in {first}; {label} {worst}"
    if alone:
        yield f"{outputs_of(alone)} of {label} itself where it has ✖: {alone[0]}, {_first_of(alone, own)}"
    besides = {one: sorted(set(lights) - set(everywhere)) for one, lights in red.items()}
    named = [
        f"{outputs_of(names)} of {one} ({listed(names[:MOST_NAMED])})"
        for one, names in besides.items()
        if names
    ]
    reasons = {tuple(names) for names in besides.values()}
    if len(besides) > 1 and len(reasons) == 1 and all(reasons):
        (names,) = reasons
        yield f"{outputs_of(names)} of other methods, which all have ✖ ({listed(names)})"
    elif named:
        more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
        yield f"other methods where they have ✖: {', '.join(named[:MOST_NAMED])}{more}"


def _first_of(names: Sequence[str], texts: Mapping[str, str]) -> str:
    """Return what is said of the first of the criteria, and how many more there are."""
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return in_words(texts[names[0]]) + more


def _care(inputs: Inputs, label: str) -> str:
    """Return the first warning, of the maps shown before others, but none of the axis or a reference."""
    known = ("The energy axis", "The reference", "Background subtraction")
    warnings = sorted(inputs.warnings, key=lambda one: one[0] != label)
    texts = [text for place, text in warnings if not place.startswith(known) and not _is_said(text)]
    axis = "The energy axis is not confirmed: the facts below say why." if off_the_table(inputs) else ""
    first = f"{sentence(answered(inputs, texts[0])).rstrip('.')}." if texts else ""
    more = "The verdict has further warnings." if len(texts) > 1 else ""
    return " ".join(filter(None, (first, axis, more)))


def _is_said(text: str) -> bool:
    """Whether a warning is the error on simulated images, which the sentence on what to use has."""
    return text.startswith("even the best method is off by")
