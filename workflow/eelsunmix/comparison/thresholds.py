"""Where green ends and red begins: the only place with these numbers, printed beside every value."""

from collections.abc import Collection
from dataclasses import dataclass
from types import MappingProxyType

from eelsunmix.comparison.words import percent

CLEAR_CEILING = 0.5
"""A reference whose noise ceiling is lower is mostly noise and judges nobody."""
SHOWN = 0.5
"""Cross-talk from which an element belongs to the name of a component."""
UNCALIBRATED_CHI2 = 0.8
"""Chi-square below which the noise is not the one that was expected, and says nothing."""
EXPONENTS = (1.0, 6.0)
"""Exponents that the background of a component may have."""
FLAT = 0.25
"""Variation of a reference over its mean below which small errors decide whether a method follows it."""
NEGATIVE = 0.6
"""Fraction of negative pixels of a reference from which it is doubted; noise around zero gives half."""
BELOW_SD, BELOW_CHANCE = 2.0, 0.0228
"""Standard deviations below zero, and the part of pixels without the element that chance puts there."""
BELOW, BELOW_PEAK, BELOW_SURE = 0.05, 0.1, 5.0
"""Part of the pixels, how far below zero in parts of the peak, and standard deviations of chance from which
a background is doubted to be too high: docs/decisions/045."""
OFF_REGION_SD = 3.0
"""Standard deviations from zero at which net counts in an element-free region are an artefact."""
MORE_DIGITS = 6
"""Digits added at most, so that a value beside a limit does not read as the limit."""


@dataclass(frozen=True, kw_only=True)
class Criterion:
    """One question asked of every method.

    Attributes
    ----------
    title : str
        Name in the report.
    green, amber : float
        Limits of the value; beyond `amber` the light is red. Without `amber` it is never red.
    higher_is_better, percent : bool
    explanation : str
        What the value is and why it matters, for a microscopist.
    outputs : tuple of {"counts", "shares", "spectra"}
        What of a method is not to be relied on where the light is red.
    """

    title: str
    outputs: tuple[str, ...]
    green: float
    amber: float | None
    higher_is_better: bool = False
    percent: bool = False
    explanation: str

    def light(self, value: float) -> str:
        """Return "green", "amber" or "red", or "grey" where the value is not known."""
        if value != value:
            return "grey"
        sign = -1.0 if self.higher_is_better else 1.0
        if sign * value <= sign * self.green:
            return "green"
        return "amber" if self.amber is None or sign * value <= sign * self.amber else "red"

    def form(self, value: float) -> str:
        """Write a value or a limit; a value beside a limit with the digits that tell them apart.

        Examples
        --------
        >>> [CRITERIA["misfit"].form(value) for value in (0.12, 0.1203, 0.1196, 0.134)]
        ['12 %', '12.03 %', '11.96 %', '13 %']
        """
        size = value if self.higher_is_better else abs(value)
        others = [limit for limit in (self.green, self.amber) if limit is not None and limit != size]
        for more in range(MORE_DIGITS):
            if self._written(size, more) not in [self._written(limit, more) for limit in others]:
                return self._written(value, more)
        return self._written(value, MORE_DIGITS)

    @property
    def limits(self) -> str:
        """Both limits in their order, for a sentence.

        Examples
        --------
        >>> CRITERIA["misfit"].limits, CRITERIA["agreement"].limits, CRITERIA["cross_talk"].limits
        ('good up to 6 %, bad above 12 %', 'good from 0.9, bad below 0.7', 'good up to 10 %')
        """
        good = f"good {'from' if self.higher_is_better else 'up to'} {self.form(self.green)}"
        return good if self.amber is None else f"{good}, {self.red_from}"

    @property
    def red_from(self) -> str:
        """The limit behind which the light is red; empty where it never is."""
        beyond = "below" if self.higher_is_better else "above"
        return "" if self.amber is None else f"bad {beyond} {self.form(self.amber)}"

    def _written(self, value: float, more: int) -> str:
        return percent(value, more) if self.percent else f"{value:.{3 + more}g}"


WORST_FIRST = ("red", "amber", "green")
"""Lights that judge."""
CRITERIA = MappingProxyType(
    {
        "agreement": Criterion(
            title="agreement with BS",
            outputs=("counts", "shares"),
            green=0.9,
            amber=0.7,
            higher_is_better=True,
            explanation="Correlation with background subtraction (BS) of the counts of an element in the "
            "components that show it, as a fraction of the noise ceiling, the correlation that the truth "
            "itself would have with the noisy BS; the worst reference edge counts. Edges and "
            "profiles where noise alone could spoil it are left out.",
        ),
        "misfit": Criterion(
            title="misfit to BS",
            outputs=("counts", "shares"),
            green=0.06,
            amber=0.12,
            percent=True,
            explanation="Root mean square of what is left of the BS profile (or map) after the method's has "
            "been scaled to it, without the part that noise explains, as a fraction of the peak; zero where "
            "chi-square may be noise. A profile can correlate well and still be wrong by many times its "
            "noise; the worst reference edge counts.",
        ),
        "scale": Criterion(
            title="scale to BS",
            outputs=("counts",),
            green=0.15,
            amber=0.3,
            percent=True,
            explanation="How far the factor from the method's counts of an element to those of BS is from 1, "
            "beyond two of its standard deviations. Where BS is below zero in components without the "
            "element, this offset is taken out before the factor is fitted. The worst reference edge counts.",
        ),
        "off_region": Criterion(
            title="outside its region",
            outputs=("counts", "shares"),
            green=0.05,
            amber=0.15,
            percent=True,
            explanation="What the component of an element leaves where the element is known to be absent, "
            "as a fraction of its peak.",
        ),
        "cross_talk": Criterion(
            title="cross-talk",
            outputs=("counts", "shares"),
            green=0.1,
            amber=None,
            percent=True,
            explanation="Largest edge of an element, also one below zero (−), in a component that is not "
            "its own, as a fraction of that edge in its own component, for components of equal total "
            "counts, beyond noise and what BS finds where the component is alone. Either a material that is "
            "hardly ever alone contains both elements, or the method has not separated them. An element with "
            "several edges leaks only if all of them do.",
        ),
        "reconstruction": Criterion(
            title="reconstruction",
            outputs=("counts", "shares", "spectra"),
            green=1.1,
            amber=1.5,
            explanation="Median over the pixels of the chi-square per channel of a refit: what the "
            "endmembers leave when all abundances are fitted anew, not what the maps as returned leave. 1 is "
            "pure counting noise.",
        ),
        "exponent": Criterion(
            title="background shape",
            outputs=("spectra",),
            green=0.0,
            amber=0.25,
            percent=True,
            explanation=f"Part of the components' backgrounds whose exponent is outside {EXPONENTS[0]:g} to "
            f"{EXPONENTS[1]:g} or that are not positive: no material has such a "
            "spectrum.",
        ),
        "binarisation": Criterion(
            title="mixed shown as pure",
            outputs=("shares",),
            green=0.3,
            amber=0.6,
            percent=True,
            explanation="Part of the pixels of mixed composition (BS per count of the pixel between 0.1 and "
            "0.9 of its peak) that the method takes for pure (the same of its map below 0.05 or above 0.95). "
            "Per count, a thinner place is no mixture.",
        ),
        "truth_maps": Criterion(
            title="truth: shares",
            outputs=("shares",),
            green=0.1,
            amber=0.5,
            explanation="Largest squared error of a component map (its shares) against the simulated truth "
            "after the best scale, relative to the true one (NMSE).",
        ),
        "truth_spectra": Criterion(
            title="truth: spectra",
            outputs=("spectra",),
            green=0.05,
            amber=0.15,
            explanation="Largest angle in radians between a component and the simulated truth, both in units "
            "of their noise.",
        ),
    }
)


def worst(lights: Collection[str]) -> str:
    """Return the worst of several lights; grey, which judges nothing, where there is no other.

    Examples
    --------
    >>> worst(["grey", "green", "amber"]), worst([])
    ('amber', 'grey')
    """
    return next((light for light in WORST_FIRST if light in lights), "grey")
