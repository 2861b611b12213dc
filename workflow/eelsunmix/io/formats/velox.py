"""Velox: emd."""

from eelsunmix.io.rosettasciio import RosettaFormat


class Velox(RosettaFormat):
    """EMD files of Velox, and of NCEM."""

    suffixes = (".emd",)
    plugin = "emd"
