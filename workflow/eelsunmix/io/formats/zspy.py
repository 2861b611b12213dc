"""HyperSpy in Zarr: zspy."""

from pathlib import Path
from typing import Any

from eelsunmix.errors import InputError
from eelsunmix.io.rosettasciio import RosettaFormat


class Zspy(RosettaFormat):
    """Folders that HyperSpy writes; those packed into a zip have to be unpacked."""

    suffixes = (".zspy",)
    plugin = "zspy"
    is_folder = True

    def call_plugin(self, path: Path, **options: Any) -> list[dict[str, Any]]:
        """Read, with no right to write."""
        return super().call_plugin(path, mode="r", **options)

    def check_file(self, path: Path) -> None:
        """Refuse a folder that was copied in part: Zarr would take absent chunks for zeros."""
        import zarr

        root = zarr.open_group(path, mode="r")
        experiments = root.get("Experiments")
        for name, group in experiments.groups() if isinstance(experiments, zarr.Group) else ():
            data = group.get("data")
            if not isinstance(data, zarr.Array) or data.nchunks_initialized == data.nchunks:
                continue
            raise InputError(
                f"{path}: {name} holds {data.nchunks_initialized} of {data.nchunks} chunks; "
                "it was copied in part: copy the folder again"
            )
