"""What the paper concludes from its synthetic images (its section 3.1), tested on ours."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from eelsunmix.benchmark.results import Place, Results

SETTINGS = ("published", "eels")
BEST, WORST, SAME = "uDAS is best", "NMF and ICA are worst", "the ranking is the same for both scenes"
Ranked = Sequence[tuple[str, float, float]]


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One conclusion of the paper in one case.

    Parameters
    ----------
    text : str
        The conclusion.
    setting : str
        Setting of the methods; the paper ran "published".
    scene : str
    counts : float
    holds : bool or None
        None for a tie within one standard deviation.
    evidence : str
        The numbers, as a sentence.
    """

    text: str
    setting: str
    scene: str
    counts: float
    holds: bool | None
    evidence: str


def claims(results: Results) -> list[Claim]:
    """Test every conclusion in both settings, on every scene, at every dose, where the runs allow it."""
    found: list[Claim] = []
    for setting in SETTINGS:
        for place in results.places:
            ranked = ranking(results, place, setting)
            if len(ranked) > 2:
                found += [*_best(ranked, place, setting), *_worst(ranked, results, place, setting)]
            found += _networks(results, place, setting)
        found += _same_order(results, setting)
    order = list(dict.fromkeys(claim.text for claim in found))
    return sorted(found, key=lambda claim: (order.index(claim.text), SETTINGS.index(claim.setting)))


def sentences(found: Sequence[Claim]) -> list[str]:
    """Say for each conclusion and setting in how many cases it holds.

    Examples
    --------
    >>> case = {"text": BEST, "setting": "eels", "counts": 1e3, "evidence": ""}
    >>> sentences([Claim(scene="ru3", holds=True, **case), Claim(scene="k4", holds=False, **case)])
    ['“uDAS is best”, eels: holds in 1 of 2 cases; not for k4 at 1000 counts.']
    """
    lines = []
    for (text, setting), group in groupby(found, key=lambda claim: (claim.text, claim.setting)):
        cases = list(group)
        parts = [f"holds in {sum(case.holds is True for case in cases)} of {len(cases)} cases"]
        for holds, word in ((None, "a tie"), (False, "not")):
            names = [f"{case.scene} at {case.counts:g} counts" for case in cases if case.holds is holds]
            parts += [f"{word} for {', '.join(names)}"] if names else []
        lines.append(f"“{text}”, {setting}: {'; '.join(parts)}.")
    return lines


def ranking(
    results: Results, place: Place, setting: str, score: str = "nmse"
) -> list[tuple[str, float, float]]:
    """Order the methods by a score: (method, mean, standard deviation), the best first."""
    labels = [label for label in results.labels if results.find(results.method(label), setting) == label]
    return [
        (results.method(label), mean, deviation)
        for label, mean, deviation in results.ranking(place, score)
        if label in labels
    ]


def _best(ranked: Ranked, place: Place, setting: str) -> Iterator[Claim]:
    names = [name for name, _, _ in ranked]
    if "udas" not in names:
        return
    rank = names.index("udas")
    (_, mean, own_deviation), (rival, smallest, deviation) = ranked[rank], ranked[1 if rank == 0 else 0]
    evidence = f"NMSE of uDAS {mean:.2g}, place {rank + 1} of {len(ranked)}; {rival.upper()} "
    evidence += f"follows with {smallest:.2g}." if rank == 0 else f"has {smallest:.2g}."
    tie = abs(mean - smallest) <= np.nanmax([deviation, own_deviation, 0.0])
    holds = None if tie else rank == 0
    yield _claim(BEST, setting, place, holds, evidence)


def _worst(ranked: Ranked, results: Results, place: Place, setting: str) -> Iterator[Claim]:
    both = {"nmf", "ica"}
    if not both <= {name for name, _, _ in ranked}:
        return
    free = [name for name, _, _ in ranking(results, place, setting, "nmse_scale_free")[-2:]]
    others = f"the last are {' and '.join(map(str.upper, free))}"
    still = "they are still last" if set(free) == both else others
    last = " and ".join(f"{name.upper()} {mean:.2g}" for name, mean, _ in ranked[-2:])
    evidence = f"The last by NMSE are {last}; by the scale-free NMSE {still}."
    yield _claim(WORST, setting, place, {name for name, _, _ in ranked[-2:]} == both, evidence)


def _networks(results: Results, place: Place, setting: str) -> Iterator[Claim]:
    """Test for an improvement over DAEU of more than two standard errors of the images' differences."""
    daeu = results.find("daeu", setting)
    for name in ("mtaeu", "cnnaeu"):
        label = results.find(name, setting)
        if daeu is None or label is None:
            continue
        first, second = results.paired(place, (daeu, label), "nmse")
        if len(first) < 2:
            continue
        difference = first - second
        error = float(difference.std(ddof=1) / np.sqrt(len(difference)))
        gain = f"gain {difference.mean():.2g} ± {error:.1g}"
        evidence = f"NMSE {second.mean():.2g} against {first.mean():.2g}; {gain}."
        holds = bool(difference.mean() <= 2 * error)
        yield _claim(f"{name.upper()} is no improvement over DAEU", setting, place, holds, evidence)


def _same_order(results: Results, setting: str) -> Iterator[Claim]:
    """Compare the order of the methods on the first two scenes, dose by dose (Spearman)."""
    from scipy.stats import spearmanr

    for counts in results.doses if len(results.scenes) > 1 else ():
        first, second = (
            [name for name, _, _ in ranking(results, (scene, counts), setting)]
            for scene in results.scenes[:2]
        )
        common = [name for name in first if name in second]
        if len(common) > 3:
            others = [name for name in second if name in common]
            rho = float(spearmanr(range(len(common)), [others.index(name) for name in common]).statistic)
            evidence = f"Rank correlation {rho:.2f} over {len(common)} methods."
            yield _claim(SAME, setting, (" and ".join(results.scenes[:2]), counts), rho >= 0.7, evidence)


def _claim(text: str, setting: str, place: Place, holds: bool | None, evidence: str) -> Claim:
    return Claim(text=text, setting=setting, scene=place[0], counts=place[1], holds=holds, evidence=evidence)
