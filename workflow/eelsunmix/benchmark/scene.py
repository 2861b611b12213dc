"""The scenes of the benchmark."""

from eelsunmix.synthetic import ChequerboardOptions


def scene_options(scene: str, counts: float, *, size: int = 64, seed: int = 0) -> ChequerboardOptions:
    """Options of the first image of a scene."""
    return ChequerboardOptions(endmembers=scene, size=size, counts=float(counts), seed=seed)
