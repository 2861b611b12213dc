"""Background subtraction (BS), the report's reference: a power law before each edge, the counts above it."""

from eelsunmix.background.image import subtract_background
from eelsunmix.background.net_counts import net_counts_of_spectra
from eelsunmix.background.subtraction import BackgroundOptions

__all__ = ["BackgroundOptions", "net_counts_of_spectra", "subtract_background"]
