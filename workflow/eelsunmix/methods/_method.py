"""What an unmixing method is: options, what it needs, and one function."""

from typing import ClassVar, Literal

import numpy as np

from eelsunmix.methods._learning_set import LearningSet
from eelsunmix.methods._models import FrameModel, PixelModel
from eelsunmix.options import Options

Need = Literal["tiles", "edges", "mask", "resources"]
"""What a method may ask for beyond the spectra of pixels.

``tiles``, ``edges`` and ``mask`` are fields of the `LearningSet`; with ``resources``, `fit` gets a further
argument of that name, a `Resources`.
"""


class Method(Options):
    """One way of unmixing: its options are its fields, each with its bounds.

    Subclasses define `fit`, and say what differs from the defaults below.
    """

    needs: ClassVar[frozenset[Need]] = frozenset()
    """What `fit` uses beyond the spectra; what is not named here is not given."""
    simplex: ClassVar[bool] = False
    """Whether the abundances of a pixel sum to one, so that its brightness matters."""

    needs_extra: ClassVar[str | None] = None
    """Extra of the package that installs what `fit` needs, where that is not there anyway."""

    def fit(
        self, learning_set: LearningSet, n_endmembers: int, rng: np.random.Generator
    ) -> PixelModel | FrameModel:
        """Learn the endmembers; all randomness comes from `rng`, torch seeds too.

        Raises
        ------
        MethodFailedError
            The method cannot give a result on these data; the message says why.
        """
        raise NotImplementedError
