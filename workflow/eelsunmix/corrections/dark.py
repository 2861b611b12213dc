"""Dark signal: counts that a detector adds to every pixel, from a reference file."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from eelsunmix.corrections.common import record
from eelsunmix.corrections.correction import Correction
from eelsunmix.corrections.gain_options import GainOptions
from eelsunmix.corrections.references import read_reference


@dataclass(frozen=True, kw_only=True)
class Dark(Correction):
    """Dark signal per channel: `values` in counts, (channel,)."""

    values: np.ndarray

    @property
    def changes(self) -> bool:
        """Whether there is any."""
        return bool(self.values.any())

    def apply(self, image: xr.DataArray) -> xr.DataArray:
        """Subtract it, in float64."""
        return image - self.values


def measure_dark(n_channels: int, options: GainOptions) -> Dark:
    """Read the dark signal of a detector; zeros without a file.

    Raises
    ------
    InputError
        The file is missing, of the wrong length, or holds values that cannot be used.
    """
    if options.dark is None:
        entry = record("dark", False, "No dark reference given and no additive pattern removed.")
        return Dark(values=np.zeros(n_channels), entry=entry)
    values = read_reference(options.dark, n_channels, options.offset_channels, key="corrections.gain.dark")
    mean = values.mean()
    summary = f"Dark signal of {options.dark} subtracted: {mean:.4g} counts per channel on average."
    entry = record("dark", True, summary, method="reference", mean_counts=mean, reference=options.dark)
    return Dark(values=values, entry=entry)
