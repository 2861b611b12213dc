"""Velox: emd."""

from eelsunmix.io.rosettasciio import RosettaFormat


class Velox(RosettaFormat):
    """EMD files of Velox, and of NCEM.

    Of EELS images the plugin lists the axes as they lie in the array and numbers x and y the other way round.
    """

    suffixes = (".emd",)
    plugin = "emd"
    numbers_axes_wrongly = True
