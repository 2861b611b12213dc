"""Bruker Esprit: bcf."""

from pathlib import Path
from typing import Any

import numpy as np

from eelsunmix.errors import InputError
from eelsunmix.io.bruker_packed import check_packed
from eelsunmix.io.rosettasciio import RosettaFormat


class Bruker(RosettaFormat):
    """Composite files of EDS maps; the maps are compressed, so they are unpacked as a whole."""

    suffixes = (".bcf",)
    plugin = "bruker"

    def is_lazy(self, path: Path) -> bool:
        """Unpacked at once, while the limits of readers hold."""
        return False

    def call_plugin(self, path: Path, **options: Any) -> list[dict[str, Any]]:
        """Return images and all maps, with counts of 16 bits or more, and the width of pixels along x.

        The plugin chooses the bits by the mean spectrum; counts of a pixel beyond them begin at zero again.
        It takes the first of several maps, and the height of pixels for their width.
        """
        from rsciio.bruker import _api

        file = _api.BCF_reader(str(path))
        chosen = file.header.estimate_map_depth
        file.header.estimate_map_depth = lambda **given: np.promote_types(chosen(**given), np.uint16)
        for index in file.available_indexes:
            packed = file.get_file(f"EDSDatabase/SpectrumData{index}")
            chunks, chunk_size, _ = packed.get_iter_and_properties()
            try:
                check_packed(chunks, chunk_size, (file.header.image.height, file.header.image.width))
            except InputError as error:
                raise InputError(f"{path}: {error}") from None
        maps = _api.bcf_hyperspectra(file, index="all", downsample=1)
        for entry in maps:
            entry["axes"][1]["scale"] = file.header.x_res
        return [*_api.bcf_images(file), *maps]
