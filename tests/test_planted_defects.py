"""One defect planted in a clean image or file, the whole chain: put right, or named on the first screen.

Each row of `PLANTED` is a defect: how its file is made and read, and either a check that the truth is found all
the same or words, all of one sentence of the first screen, that name it and say what to do.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np
import pytest
from scipy import ndimage

import eelsunmix as eu
from eelsunmix.corrections import AlignOptions, BadChannelOptions, CropOptions, MaskOptions, SpikeOptions
from eelsunmix.errors import InputError
from eelsunmix.io import AxesOptions, DetectorOptions, EnergyAxis
from eelsunmix.profiles import Profile
from eelsunmix.rank import ComponentOptions
from planted_images import (
    DIMS,
    EDGES,
    ENERGY,
    O,
    SHAPE,
    TI,
    Run,
    Sample,
    edge_shape,
    hspy_writer,
    material,
    mixture,
    ndata_writer,
    power_law,
    run_chain,
    share_of,
    two_materials,
    velox_writer,
)

BASE = two_materials()
N_PIXELS = SHAPE[0] * SHAPE[1]


@dataclass(frozen=True, kw_only=True)
class Planted:
    """A defect, and what has to come of it.

    Parameters
    ----------
    name : str
    sample : callable
        Makes the file and its configuration.
    words : tuple of str
        Of one sentence of the first screen; of the message of the refusal where `refused`.
    check : callable, optional
        Of the run: the truth is found all the same.
    refused : bool
        Whether the file or its configuration is refused.
    still : str
        Why the defect is neither put right nor named today.
    """

    name: str
    sample: Callable[[], Sample]
    words: tuple[str, ...] = ()
    check: Callable[[Run], None] | None = None
    refused: bool = False
    still: str = ""


def counted(expected, seed=1):
    return np.random.default_rng(seed).poisson(expected)


def sample(expected=BASE.expected, seed=1, **options):
    return Sample(counts=counted(expected, seed).astype("u2"), **options)


def altered(change, seed=1, **options):
    """Sample of the base image whose counts are changed after they were drawn."""
    counts = counted(BASE.expected, seed).astype("u2")
    return Sample(counts=change(counts, np.random.default_rng(seed + 100)), **options)


# What makes a result right


def finds(run, scene=BASE, *, net=0.04, angle=0.04, share=0.07):
    """The number of materials, the net counts by BS, spectra and abundances are those of the scene."""
    assert run.n_endmembers == len(scene.spectra)
    found = run.bs.net_counts.sum(["y", "x"])
    np.testing.assert_allclose(found, scene.net_counts, rtol=net)
    spectra = run.fits["vca"].endmember_spectrum.to_numpy()
    angles = np.array([[eu.metrics.sad(one, true) for one in spectra] for true in scene.spectra])
    order = angles.argmin(axis=1)
    assert sorted(order) == list(range(len(order)))
    assert angles.min(axis=1).max() < angle
    error = run.maps["vca"].abundance.to_numpy()[..., order] - scene.share
    assert np.sqrt((error**2).mean()) < share
