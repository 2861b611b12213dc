"""From an EELS spectrum image to components and maps.

The stages of the workflow as functions on labelled arrays::

    import eelsunmix as eu

    image = eu.open_image("file.dm4")
    image = eu.correct_gain(image)
    pca = eu.denoise(image)
    rank = eu.estimate_endmembers(image, pca)
    bs = eu.subtract_background(image, edges)
    result = eu.unmix(image, "vca", n_endmembers=3, seed=0)
    best = eu.recommend(image, n_endmembers=3, seed=0)

Everything is imported when it is first used.  A wrong argument is refused in one line, an
`eelsunmix.errors.InputError`.
"""

import functools
import importlib
from typing import Any

_HOMES = {
    "apply": "eelsunmix.mapping",
    "compare": "eelsunmix.comparison",
    "correct_gain": "eelsunmix.corrections",
    "correct_image": "eelsunmix.corrections",
    "denoise": "eelsunmix.pca",
    "estimate_endmembers": "eelsunmix.rank",
    "fit": "eelsunmix.fitting",
    "open_image": "eelsunmix.io",
    "open_store": "eelsunmix.storage",
    "publish": "eelsunmix.storage",
    "recommend": "eelsunmix.recommendation",
    "subtract_background": "eelsunmix.background",
    "unmix": "eelsunmix.unmixing",
}
_MODULES = ("metrics", "synthetic")

__all__ = [*_HOMES, *_MODULES]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"eelsunmix.{name}")
    if name in _HOMES:
        return _public(name)
    raise AttributeError(f"module 'eelsunmix' has no attribute {name!r}")


@functools.cache
def _public(name: str) -> Any:
    from eelsunmix.arguments import checked

    return checked(getattr(importlib.import_module(_HOMES[name]), name))


def __dir__() -> list[str]:
    return sorted(__all__)
