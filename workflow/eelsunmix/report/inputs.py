"""What a report is made from, and the few questions that every section asks about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.background.words import curves_of, lines_of
from eelsunmix.edges import BackgroundCurve
from eelsunmix.report.figures.mapview import MapView, view_of
from eelsunmix.report.figures.outline import outline_of
from eelsunmix.report.figures.style import REFERENCE, method_styles
from eelsunmix.report.formatting import integer
from eelsunmix.report.scan_image import scan_image_on
from eelsunmix.stage_warnings import collect_warnings
from eelsunmix.units import electronvolts_per

MAP_PIXELS = 2_600_000
"""Pixels that all maps of a page together may have, so that it stays under 15 MB: 2.7 bytes each."""


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """The stores and records of one sample."""

    sample: str
    title: str
    raw: xr.Dataset
    corrected: xr.Dataset
    pca: xr.Dataset
    rank: xr.Dataset
    bs: xr.Dataset
    comparison: xr.Dataset
    fits: Mapping[str, xr.Dataset]
    maps: Mapping[str, xr.Dataset]
    benchmarks: Sequence[Mapping[str, Any]]
    settings: Mapping[str, Any]
    seals: Mapping[str, str]
    versions: Mapping[str, str]
    versions_of_stores: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @cached_property
    def labels(self) -> list[str]:
        """All columns of the comparison: the reference and every method, failed ones too."""
        return [str(label) for label in self.comparison["label"].values]

    @cached_property
    def methods(self) -> list[str]:
        """All methods but the reference."""
        return [label for label in self.labels if label != REFERENCE]

    @cached_property
    def failures(self) -> dict[str, str]:
        """Failed methods and their reasons."""
        found = {}
        for method in self.methods:
            row = self.comparison.sel({"label": method})
            if str(row["status"].item()) == "failed":
                found[method] = str(row["message"].item()) or "no reason was recorded"
        return found

    @cached_property
    def warnings(self) -> list[tuple[str, str]]:
        """What the stages warn of: where it comes from, and sentences."""
        names = ("raw", "corrected", "pca", "rank", "bs", "comparison")
        return collect_warnings({name: getattr(self, name) for name in names}, self.fits, self.maps)

    @cached_property
    def working(self) -> list[str]:
        """Methods that gave a result."""
        return [method for method in self.methods if method not in self.failures]

    @cached_property
    def styles(self) -> dict[str, dict[str, Any]]:
        """Line style of every label."""
        methods = {label: str(store.attrs.get("method", "")) for label, store in self.fits.items()}
        return method_styles(self.labels, methods)

    @cached_property
    def edges(self) -> dict[str, dict[str, Any]]:
        """Edges in the order of the stores: name -> element; onset, fit, integrate in the axis' unit."""
        described = dict(self.bs.attrs.get("edges", {}))
        names: Any = self.bs["edge"].values if "edge" in self.bs.dims else []
        return {str(name): _on_axis(described.get(str(name), {}), self.energy_unit) for name in names}

    @property
    def has_lines(self) -> bool:
        """Whether lines of X-rays are named; edges of X-rays with windows by hand may be beside them."""
        return bool(lines_of(self.bs.attrs.get("edges", {})))

    @property
    def curves(self) -> list[BackgroundCurve]:
        """What was fitted before the edges, each once; none where all are lines."""
        return curves_of(self.bs.attrs.get("edges", {}))

    @cached_property
    def profiles(self) -> dict[str, dict[str, Any]]:
        """Profiles: name -> geometry."""
        described = dict(self.bs.attrs.get("profiles", {}))
        names: Any = self.comparison["profile"].values if "profile" in self.comparison.dims else []
        return {str(name): dict(described.get(str(name), {})) for name in names}

    @property
    def counts(self) -> xr.DataArray:
        """The corrected image."""
        return self.corrected["counts"]

    @property
    def energy_dim(self) -> str:
        """Name of the spectral axis."""
        return str(self.counts.dims[-1])

    @property
    def energy_unit(self) -> str:
        """Unit of the spectral axis."""
        return str(self.counts[self.energy_dim].attrs.get("units", "eV"))

    @property
    def energy_title(self) -> str:
        """Title of the spectral axis."""
        return f"{self.energy_dim.replace('_', ' ')} ({self.energy_unit})"

    @property
    def energy(self) -> np.ndarray:
        """Centres of the channels of the corrected image."""
        return np.asarray(self.counts[self.energy_dim].values, dtype=float)

    @property
    def n_endmembers(self) -> int:
        """Number of endmembers chosen."""
        return int(self.rank.attrs["n_endmembers"])

    @property
    def mean_counts(self) -> float:
        """Counts of a mean pixel, summed over its channels."""
        return float(self.corrected["mean_spectrum"].sum())

    @property
    def has_truth(self) -> bool:
        """Whether the sample is simulated and the comparison knows the truth."""
        return "true_abundance" in self.comparison

    @property
    def has_true_maps(self) -> bool:
        """Whether it also knows what the materials contain, and so the true maps of the elements."""
        return "true_element_map" in self.comparison

    @cached_property
    def view(self) -> MapView:
        """How all maps are shown."""
        n_labels, n_edges = 3 * len(self.labels) + 2 * self.has_true_maps, len(self.edges)
        n_maps = (
            (n_labels + 5) * n_edges + len(self.methods) * (1 + self.n_endmembers) + self.n_endmembers + 4
        )
        n_maps += self.has_truth * self.comparison.sizes.get("true_endmember", 0)
        n_maps += self.n_endmembers * sum("refit_abundance_sd" in store for store in self.maps.values())
        n_maps += (2 * self.n_endmembers + 1) * ("phase" in self.comparison)
        view = view_of(self.corrected["total_counts"], n_maps=n_maps, budget=MAP_PIXELS)
        return replace(view, outline=outline_of(self.corrected["vacuum"], view))

    @cached_property
    def scan_image(self) -> xr.DataArray | None:
        """The image that was recorded with the spectra, on the pixels of the corrected one."""
        return scan_image_on(self.raw, self.corrected["total_counts"])

    @property
    def one_frame(self) -> xr.Dataset:
        """The comparison, of a series that of the frame shown."""
        if "frame" not in self.comparison.dims:
            return self.comparison
        return self.comparison.isel(frame=self.view.frame)

    @property
    def raw_energy(self) -> np.ndarray:
        """Centres of the channels of the raw image."""
        counts = self.raw["counts"]
        return np.asarray(counts[counts.dims[-1]].values, dtype=float)

    @property
    def counts_check(self) -> dict[str, Any]:
        """What the import found of the counts."""
        return dict(self.raw.attrs.get("counts_check", {}))

    @property
    def n_pixels(self) -> str:
        """Number of valid pixels, for texts."""
        return integer(self.pca.attrs.get("n_valid_pixels"))

    def remarked(self, caption: str) -> str:
        """Return a caption of maps with what the reader has to know about their display."""
        return f"{caption} {self.view.remark}".strip()


def _on_axis(edge: Mapping[str, Any], unit: str) -> dict[str, Any]:
    """Describe an edge with its energies in the unit of an axis, so that figures draw them on it."""
    size = electronvolts_per(unit) or 1.0
    return {
        key.removesuffix("_eV"): (np.asarray(value) / size).tolist() if key.endswith("_eV") else value
        for key, value in edge.items()
    }
