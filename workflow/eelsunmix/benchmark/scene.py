"""The scenes of the benchmark."""

from collections.abc import Mapping
from typing import Any, Literal

from eelsunmix.plain import plain_values
from eelsunmix.synthetic import SCENES, AnySceneOptions, ChequerboardOptions

BenchmarkScene = Literal[
    "ru3", "k4", "particles", "columns", "stack", "gradient", "eds", "rare", "drift", "vacuum"
]
"""The paper's two sets of endmembers on chequerboards, and scenes of `eelsunmix.synthetic`."""


def scene_options(scene: str, counts: float, *, size: int = 64, seed: int = 0) -> AnySceneOptions:
    """Options of the first image of a scene."""
    if scene in SCENES:
        return SCENES[scene](size=size, counts=float(counts), seed=seed)
    return ChequerboardOptions(endmembers=scene, size=size, counts=float(counts), seed=seed)


def described(options: AnySceneOptions) -> dict[str, Any]:
    """Options as plain values, with the name of the scene where they do not tell it.

    Examples
    --------
    >>> scene_name(described(scene_options("particles", 500)))
    'particles'
    """
    name = next(name for name, kind in SCENES.items() if kind is type(options))
    return plain_values(options) | ({} if isinstance(options, ChequerboardOptions) else {"name": name})


def scene_name(scene: Mapping[str, Any]) -> str:
    """Name of a scene, from what `described` says of it."""
    return str(scene.get("name") or scene["endmembers"])


def nth_image(scene: AnySceneOptions, replicate: int) -> AnySceneOptions:
    """Return the options of a further image: the seeds follow that of the first one."""
    return scene.replaced(seed=scene.seed + replicate)
