"""At most four sentences: which maps to use, what not to believe, where to take care, what to do next."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eelsunmix.comparison.ambiguity_words import SCALE, SHAPE
from eelsunmix.comparison.thresholds import CRITERIA
from eelsunmix.comparison.words import CONVERGENCE, listed
from eelsunmix.report.candidates import MOST_NAMED, errors_of, on_twins
from eelsunmix.report.figures.style import REFERENCE
from eelsunmix.report.first.choice import Shown, lights_of, red_lights
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.texts import one_style, sentence
from eelsunmix.stage_warnings import reference_problems
from eelsunmix.twin_errors import MOST_ERROR
from eelsunmix.words import RECOMMENDED


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
    """

    title: str
    text: str
    level: str
    section: str = ""


def sentences(inputs: Inputs, label: str, maps: Sequence[Shown]) -> list[Said]:
    """Return what the first screen says of the maps that it shows."""
    void = _void(inputs, label)
    doubts = list(_doubts(inputs, label, maps))
    found = [void] if void else [_use(inputs, label, maps)]
    if doubts:
        found.append(_said("Do not believe", "; ".join(doubts), "doubt", "verdict"))
    if care := _care(inputs, label):
        found.append(_said("Take care", care, "doubt", "verdict"))
    if next_step := _next(inputs, label, maps):
        found.append(_said("Next", *next_step))
    return found


def _said(title: str, text: str, level: str, section: str = "") -> Said:
    text = one_style(text)
    return Said(title=title, text=text if text.endswith(".") else f"{text}.", level=level, section=section)


def _void(inputs: Inputs, label: str) -> Said | None:
    """Say that nothing, or not what is shown, may be used, where that is so."""
    axis = _axis_warnings(inputs)
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
    if _holds_nothing(inputs):
        text = "there is no structure above the noise, so that they stand for no material"
        return _said("Use no components", text, "void", "components")
    return _astray(inputs, label) if _is_astray(inputs, label) else None


def _astray(inputs: Inputs, label: str) -> Said:
    """Say how far the maps of a label are from the reference, and which methods follow it."""
    others = _following(inputs)
    reached = (
        f"they reach {max(_agreements(inputs)[label]):.2f} at most of the correlation with background "
        "subtraction that the noise allows"
    )
    if others:
        text = f"{reached}; {listed(others)} {'follow' if len(others) > 1 else 'follows'} it"
        return _said(f"Use no map of {label}", text, "void", "verdict")
    text = f"no method follows background subtraction in every element; as to {label}, {reached}"
    return _said("Use nothing yet", text, "void", "verdict")


def _holds_nothing(inputs: Inputs) -> bool:
    return int(inputs.rank["estimate"].sel(estimator="marchenko_pastur")) == 0


def _is_astray(inputs: Inputs, label: str) -> bool:
    """Whether all agreements of a label that are known are bad."""
    known = _agreements(inputs).get(label, [])
    return bool(known) and all(CRITERIA["agreement"].light(value) == "red" for value in known)


def _following(inputs: Inputs) -> list[str]:
    """Methods of which no agreement that is known is bad."""
    return [
        label
        for label, known in _agreements(inputs).items()
        if all(CRITERIA["agreement"].light(value) != "red" for value in known)
    ]


def _agreements(inputs: Inputs) -> dict[str, list[float]]:
    """Agreements of each method with the reference, of the elements of which they are known."""
    rows: Sequence[Mapping[str, Any]] = inputs.comparison.attrs.get("verdict_by_element", [])
    found: dict[str, list[float]] = {}
    for row in rows:
        if row["agreement"] is not None:
            found.setdefault(row["method"], []).append(row["agreement"])
    return found


def _axis_warnings(inputs: Inputs) -> list[str]:
    return [text for place, text in inputs.warnings if place == "The energy axis"]


def _use(inputs: Inputs, label: str, maps: Sequence[Shown]) -> Said:
    known = dict(inputs.comparison.attrs.get("recommended") or {})
    if label == RECOMMENDED and known:
        unfinished = _not_converged(inputs, label)
        text = f"the maps of “recommended”: {on_twins(known, ' (not converged)' * unfinished)}"
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


def _not_converged(inputs: Inputs, label: str) -> bool:
    rows: Sequence[Mapping[str, Any]] = inputs.comparison.attrs.get("verdict", [])
    own = [row for row in rows if row.get("method") == label and row.get("criterion") == CONVERGENCE]
    return any(row.get("light") not in ("green", "grey") for row in own)


def _doubts(inputs: Inputs, label: str, maps: Sequence[Shown]) -> Iterator[str]:
    """Yield what must not be believed, the most serious first."""
    failed = [edge for edge in reference_problems(inputs.bs) if edge in inputs.edges]
    if failed and len(failed) < len(inputs.edges):
        names = listed([edge.replace("_", " ") for edge in failed])
        its = "its background" if len(failed) == 1 else "their backgrounds"
        yield f"BS counts of {names} ({its} failed); nothing checks the methods' counts there"
    if not inputs.edges:
        yield "that components are materials before you have seen their spectra: no edge is named as a check"
    missing = [one.name for one in maps if one.edge and one.source != label]
    if missing:
        yield f"that {listed(missing)} is absent: no component of {label} shows it, so its map is that of BS"
    own = red_lights(inputs, label)
    if own:
        name, text = next(iter(own.items()))
        more = f" and {len(own) - 1} more" if len(own) > 1 else ""
        yield f"{label} itself where it has ✖: {name}, {text.replace('_', ' ')}{more}"
    worse = {one: set(red_lights(inputs, one)) - set(own) for one in inputs.working if one != label}
    named = [f"{one} ({listed(sorted(names)[:MOST_NAMED])})" for one, names in worse.items() if names]
    if named:
        more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
        yield f"other methods where they have ✖: {', '.join(named[:MOST_NAMED])}{more}"
    shares = _open_shares(inputs, label, maps)
    if shares:
        yield f"absolute shares (not counts), because other shares fit just as well: {listed(shares)}"


def _open_shares(inputs: Inputs, label: str, maps: Sequence[Shown]) -> list[str]:
    """Elements whose abundances other simplices, fitting as well, would change much; and how much."""
    if label == REFERENCE or "scale_low" not in inputs.comparison:
        return []
    table = inputs.comparison.sel({"label": label})
    found: dict[str, list[str]] = {}
    for one in maps:
        if one.edge and one.source == label:
            low, high, shape = (
                float(table[name].sel(edge=one.edge)) for name in ("scale_low", "scale_high", "shape_error")
            )
            wide = [f"{low:.2g} to {high:.2g} times as much"] if low < 1 / SCALE or high > SCALE else []
            wide += [f"± {100 * shape:.0f} % of the peak"] if shape > SHAPE else []
            if wide:
                found.setdefault(", ".join(wide), []).append(one.name)
    return [f"{listed(elements)} ({wide})" for wide, elements in found.items()]


def _care(inputs: Inputs, label: str) -> str:
    """Return the first warning, of the maps shown before others, but none of the axis or a reference."""
    known = ("The energy axis", "The reference", "Background subtraction")
    warnings = sorted(inputs.warnings, key=lambda one: one[0] != label)
    texts = [text for place, text in warnings if not place.startswith(known)]
    if not texts:
        return ""
    further = len(texts) - 1
    more = f" The verdict has {further} more warning{'s' * (further > 1)}." if further else ""
    return f"{sentence(texts[0]).rstrip('.')}.{more}"


def _next(inputs: Inputs, label: str, maps: Sequence[Shown]) -> tuple[str, str, str] | None:
    """Return what to do next, its level, and the section that helps."""
    if _axis_warnings(inputs):
        return "correct the energy axis (axes in the configuration) and run again", "next", "data"
    if _holds_nothing(inputs):
        return "record more counts, or more pixels than one, or sum channels and pixels", "next", "components"
    if _is_astray(inputs, label):
        return _next_if_astray(inputs)
    failed = reference_problems(inputs.bs)
    alone = [one for one in maps if one.edge in failed]
    if alone:
        names = listed([one.edge.replace("_", " ") for one in alone])
        return f"choose other windows for {names}, or other edges, and run again", "next", "background"
    if RECOMMENDED not in inputs.methods:
        return "list recommended: {} under methods, and the choice is made on simulated images", "next", ""
    if _open_shares(inputs, label, maps):
        text = "for absolute shares, record an image that has a region of the pure material"
        return (
            f"{text}; for counts, look at the residuals, then eelsunmix export {inputs.sample}",
            "next",
            "residuals",
        )
    return (
        "look at the residuals of the refit for what no method's endmembers explain; then eelsunmix export "
        f"{inputs.sample}",
        "next",
        "residuals",
    )


def _next_if_astray(inputs: Inputs) -> tuple[str, str, str]:
    if others := _following(inputs):
        text = f"compare the maps of {listed(others)} with those of BS, and use those that agree"
        return f"{text}; or try another number of components (components.n)", "next", "maps"
    text = "try another number of components (components.n), look at the windows of BS, and run again"
    return text, "next", "background"
