"""From a microscope's file to a labelled, checked spectrum image."""

from eelsunmix.io.axes import AxesOptions, EnergyAxis
from eelsunmix.io.counts import DetectorOptions
from eelsunmix.io.formats import reader_module
from eelsunmix.io.importing import import_image, open_image

__all__ = ["AxesOptions", "DetectorOptions", "EnergyAxis", "import_image", "open_image", "reader_module"]
