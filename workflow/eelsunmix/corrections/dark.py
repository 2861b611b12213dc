"""Dark signal: counts that a detector adds to every pixel, from a reference file."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from eelsunmix.corrections.common import record
from eelsunmix.corrections.correction import Correction
from eelsunmix.corrections.evidence import Evidence
from eelsunmix.corrections.gain_options import GainOptions
from eelsunmix.corrections.losses import excessive, loss_sentences, losses, with_losses
from eelsunmix.corrections.references import read_reference

CHECK_LOSS = "Compare the edge before and after (report, corrections)."
LOSS_REFUSED = (
    "It was not subtracted: it may have been recorded with the beam on. If it is right all the same, raise "
    "corrections.gain.max_taken_percent; else give another reference."
)


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


def measure_dark(evidence: Evidence, options: GainOptions) -> Dark:
    """Read the dark signal of a detector; zeros without a file, or where it takes too much from an edge.

    Raises
    ------
    InputError
        The file is missing, of the wrong length, or holds values that cannot be used.
    """
    n_channels = evidence.n_channels
    if options.dark is None:
        entry = record("dark", False, "No dark reference given and no additive pattern removed.")
        return Dark(values=np.zeros(n_channels), entry=with_losses(entry, {}))
    values = read_reference(options.dark, n_channels, options.offset_channels, key="corrections.gain.dark")
    mean = evidence.statistics.mean
    found = losses(mean, mean - values, evidence.energy_eV, evidence.edges)
    what = f"The dark signal of {options.dark}"
    if excessive(found, options.max_taken_percent):
        text = " ".join(loss_sentences(what, found, LOSS_REFUSED))
        entry = record("dark", False, text, method="reference", reference=options.dark, warnings=[text])
        return Dark(values=np.zeros(n_channels), entry=with_losses(entry, found))
    summary = f"Dark signal of {options.dark} subtracted: {values.mean():.4g} counts per channel on average."
    numbers = {"method": "reference", "mean_counts": values.mean(), "reference": options.dark}
    entry = record("dark", True, summary, **numbers, warnings=loss_sentences(what, found, CHECK_LOSS))
    return Dark(values=values, entry=with_losses(entry, found))
