"""What the user may say of profiles and regions."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import Field, model_validator

from eelsunmix.errors import InputError
from eelsunmix.options import LISTED, BrokenRuleError, Interval, Options, PixelRange, Positive

Place = TypeVar("Place", "Profile", "Region")

FARTHEST_NM = 1e9
"""No image reaches a metre; beyond, a number is a typing error."""


class Profile(Options):
    """A line along which the counts of a band of the image are summed.

    Parameters
    ----------
    along : {"x", "y"}
        Axis that the profile runs along; the band is across it.
    start_nm : float, optional
        Where the band begins on the other axis; its first pixel by default.
    width_nm : float, optional
        Width of the band. Without `width_nm` and `pixels`, the whole image.
    pixels : tuple of int, optional
        Instead of `start_nm` and `width_nm`: first row (column) of the band and the one after its last,
        so that (0, 3) are the first three.
    """

    along: Literal["x", "y"] = "x"
    start_nm: Annotated[float, Field(ge=-FARTHEST_NM, le=FARTHEST_NM)] | None = None
    width_nm: Annotated[Positive, Field(le=FARTHEST_NM)] | None = None
    pixels: PixelRange | None = None

    @model_validator(mode="after")
    def _one_geometry(self) -> Self:
        if self.pixels is not None and (self.width_nm is not None or self.start_nm is not None):
            raise BrokenRuleError("pixels", "stands beside start_nm or width_nm; give one geometry, not both")
        if self.start_nm is not None and self.width_nm is None:
            raise BrokenRuleError("start_nm", "needs width_nm")
        return self


class Region(Options):
    """A rectangle of the image, and the elements that the user knows to be absent there.

    Parameters
    ----------
    x_nm, y_nm : tuple of float, optional
        Limits on either axis; the whole axis by default.
    without : tuple of str
        Elements whose net counts must vanish in the region.
    """

    x_nm: Interval | None = None
    y_nm: Interval | None = None
    without: Annotated[tuple[str, ...], LISTED] = ()


def as_options(kind: type[Place], given: Mapping[str, Place | Mapping[str, Any]]) -> dict[str, Place]:
    """Make profiles or regions of plain mappings.

    Examples
    --------
    >>> as_options(Profile, {"across": {"along": "y"}})["across"].along
    'y'
    """
    return {name: one if isinstance(one, kind) else _as_place(kind, name, one) for name, one in given.items()}  # type: ignore[arg-type]


def _as_place(kind: type[Place], name: str, fields: Mapping[str, Any]) -> Place:
    try:
        return kind(**fields)
    except InputError as error:
        word = kind.__name__
        raise InputError(f"{word.lower()}s.{name}: {str(error).removeprefix(f'{word}: ')}") from None
