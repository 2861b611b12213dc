"""What the paper concludes from its synthetic images, tested on ours and said in sentences."""

from collections.abc import Iterator, Sequence

import numpy as np

from eelsunmix.benchmark.options import UNMIXING
from eelsunmix.benchmark.results import Place, Results

SETTINGS = ("published", "eels")


def claims(results: Results) -> list[str]:
    """Say where the paper's ranking holds and where not (its section 3.1).

    Returns
    -------
    list of str
        One sentence for each claim, setting, scene and dose.
    """
    sentences = []
    for setting in SETTINGS:
        for place in results.places:
            ranked = ranking(results, place, setting)
            if len(ranked) > 1:
                sentences += [_best(ranked, place, setting), *_worst(ranked, results, place, setting)]
                sentences += _networks(results, place, setting)
        sentences += _same_order(results, setting)
    return [sentence for sentence in sentences if sentence]


def ranking(
    results: Results, place: Place, setting: str, score: str = "nmse"
) -> list[tuple[str, float, float]]:
    """Order the methods by a score: (method, mean, standard deviation), the best first."""
    found = []
    for name in UNMIXING:
        label = results.find(name, setting)
        if label is not None:
            mean, deviation = results.mean(place, label, score)
            found += [(name, mean, deviation)] if np.isfinite(mean) else []
    return sorted(found, key=lambda entry: entry[1])


def _where(place: Place, setting: str) -> str:
    return f"{place[0]}, {place[1]:g} counts, {setting}"


def _best(ranked: Sequence[tuple[str, float, float]], place: Place, setting: str) -> str:
    names = [name for name, _, _ in ranked]
    where, best = _where(place, setting), ranked[0]
    if "udas" not in names:
        return ""
    rank, mean = names.index("udas"), ranked[names.index("udas")][1]
    if rank == 0:
        text = f"holds: its mean NMSE of {mean:.2g} is the smallest of {len(ranked)}"
        return f"{where}: “uDAS is best” {text}; next is {ranked[1][0].upper()} with {ranked[1][1]:.2g}."
    tie = mean - best[1] <= max(best[2], ranked[rank][2])
    text = "is a tie within one standard deviation" if tie else "does not hold"
    return (
        f"{where}: “uDAS is best” {text}: {best[0].upper()} has {best[1]:.2g}, "
        f"uDAS {mean:.2g}, place {rank + 1} of {len(ranked)}."
    )


def _worst(
    ranked: Sequence[tuple[str, float, float]], results: Results, place: Place, setting: str
) -> Iterator[str]:
    names = [name for name, _, _ in ranked]
    if not {"nmf", "ica"} <= set(names) or len(names) < 3:
        return
    last = {name for name in names[-2:]}
    said = ", ".join(f"{name.upper()} {mean:.2g}" for name, mean, _ in ranked[-2:])
    holds = "holds" if last == {"nmf", "ica"} else "does not hold"
    free = [name for name, _, _ in ranking(results, place, setting, "nmse_scale_free")]
    still = "they are still last" if set(free[-2:]) == {"nmf", "ica"} else f"the last are {_names(free[-2:])}"
    yield (
        f"{_where(place, setting)}: “NMF and ICA are worst” {holds}: the last by NMSE are {said}; "
        f"by the scale-free NMSE, which forgives them their arbitrary scale, {still}."
    )


def _networks(results: Results, place: Place, setting: str) -> Iterator[str]:
    """Test for an improvement over DAEU of more than two standard errors of the images' differences."""
    daeu = results.find("daeu", setting)
    for name in ("mtaeu", "cnnaeu"):
        label = results.find(name, setting)
        if daeu is None or label is None:
            continue
        first, second = (results.per_image(place, one, "nmse") for one in (daeu, label))
        if len(first) != len(second) or len(first) < 2:
            continue
        difference = first - second
        error = difference.std(ddof=1) / np.sqrt(len(difference))
        better = difference.mean() > 2 * error
        yield (
            f"{_where(place, setting)}: “no significant improvement of {name.upper()} over DAEU” "
            f"{'does not hold' if better else 'holds'}: NMSE {second.mean():.2g} against {first.mean():.2g}, "
            f"difference {difference.mean():.2g} ± {error:.1g}."
        )


def _same_order(results: Results, setting: str) -> Iterator[str]:
    """Compare the order of the methods on the first two scenes, dose by dose (Spearman)."""
    from scipy.stats import spearmanr

    for counts in results.doses if len(results.scenes) > 1 else ():
        first, second = (
            [name for name, _, _ in ranking(results, (scene, counts), setting)]
            for scene in results.scenes[:2]
        )
        common = [name for name in first if name in second]
        if len(common) < 4:
            continue
        others = [name for name in second if name in common]
        rho = float(spearmanr(range(len(common)), [others.index(name) for name in common]).statistic)
        holds = "holds" if rho >= 0.7 else "does not hold"
        yield (
            f"{counts:g} counts, {setting}: “the ranking is the same for both sets of endmembers” {holds}: "
            f"rank correlation {rho:.2f} between {results.scenes[0]} and {results.scenes[1]} "
            f"over {len(common)} methods."
        )


def _names(names: Sequence[str]) -> str:
    return " and ".join(name.upper() for name in names)
