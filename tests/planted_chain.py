"""Files of simulated images in several formats, and the whole chain from a file to the first screen."""

import io
import json
import shutil
import stat
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import xarray as xr

from eelsunmix.background import BackgroundOptions, subtract_background
from eelsunmix.comparison import compare
from eelsunmix.corrections import Corrections, GainOptions, correct_image
from eelsunmix.edges import Edge
from eelsunmix.fitting import fit
from eelsunmix.inputs import learning_image, mapped_image
from eelsunmix.io import AxesOptions, DetectorOptions, EnergyAxis, import_image
from eelsunmix.mapping import apply
from eelsunmix.pca import denoise
from eelsunmix.profiles import Profile
from eelsunmix.rank import ComponentOptions, estimate_endmembers
from eelsunmix.report.content import Block, Notice, Text
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.sections import verdict

SHAPE = (13, 18)
FIRST_EV = 370.0
ENERGY = FIRST_EV + 1.5 * np.arange(170)
DIMS = ("y", "x", "energy_loss")
TI = Edge(element="Ti", onset_eV=456.0, fit_eV=(405.0, 450.0), integrate_eV=(456.0, 492.0))
O = Edge(element="O", onset_eV=532.0, fit_eV=(497.0, 525.0), integrate_eV=(530.0, 572.0))  # noqa: E741
EDGES = {"Ti_L23": TI, "O_K": O}


def axes_of(offset_ev, dispersion_ev, dims=DIMS, *, energy=None):
    """Axes of a bare array, with pixels of 0.4 nm."""
    energy = energy or EnergyAxis(offset_eV=offset_ev, dispersion_eV=dispersion_ev)
    return AxesOptions(dims=dims, energy=energy, pixel_nm=0.4)


# Files


def write_npy(path, sample):
    """Bare array."""
    np.save(path.with_suffix(".npy"), sample.counts)
    return path.with_suffix(".npy")


def hspy_writer(energy, *, pixel=("nm", 0.4), dims=("y", "x"), own=None):
    """Writer of HyperSpy's format; axes have units, offset and scale, or `axis`; of `own` its own."""

    def write(path, sample):
        path = path.with_suffix(".hspy")
        units, scale = pixel
        alike = {"units": units, "scale": scale, "offset": 0.0}
        axes = [(dim, (own or {}).get(dim, alike)) for dim in dims]
        with h5py.File(path, "w") as file:
            file.attrs.update({"file_format": "HyperSpy", "file_format_version": "3.3"})
            signal = file.create_group("Experiments/a")
            signal.create_dataset("data", data=sample.counts)
            for number, (name, values) in enumerate([*axes, ("E", energy)]):
                values = dict(values)
                steps = values.pop("axis", None)
                axis = signal.create_group(f"axis-{number}")
                kind = "UniformDataAxis" if steps is None else "DataAxis"
                axis.attrs.update({"name": name, "navigate": name != "E", "_type": kind} | values)
                axis.attrs["size"] = sample.counts.shape[number]
                if steps is not None:
                    axis.create_dataset("axis", data=steps)
            signal.create_group("original_metadata")
            signal.create_group("metadata/General").attrs["title"] = "made"
            signal.create_group("metadata/Signal").attrs["signal_type"] = "EELS"
        return path

    return write


def ndata_writer(energy, *, pixel=("nm", 0.4)):
    """Writer of Nion Swift's format, with an energy axis of units, offset and scale."""

    def write(path, sample):
        path = path.with_suffix(".ndata1")
        buffer = io.BytesIO()
        np.save(buffer, sample.counts)
        pixels = {"offset": 0, "scale": pixel[1], "units": pixel[0]}
        described = {
            "spatial_calibrations": [pixels, pixels, dict(energy)],
            "collection_dimension_count": 2,
            "datum_dimension_count": 1,
            "metadata": {"hardware_source": {"signal_type": "EELS"}},
        }
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("data.npy", buffer.getvalue())
            file.writestr("metadata.json", json.dumps(described))
        return path

    return write


def velox_writer(example_data, energy=ENERGY):
    """Writer of Velox files: an EELS image added to a real EDS file, as the plugin expects it."""

    def write(path, sample):
        path = path.with_suffix(".emd")
        shutil.copyfile(example_data / "Velox_EDS_16x16.emd", path)
        path.chmod(stat.S_IRUSR | stat.S_IWUSR)
        described = {"offset": float(energy[0]), "dispersion": float(energy[1] - energy[0])}
        with h5py.File(path, "r+") as file:
            group = file.create_group("Data/EelsSpectrumImage/0123")
            group["Data"] = sample.counts.transpose(1, 2, 0)
            for name in ("Metadata", "AcquisitionMetadata"):
                text = json.dumps({"Data": described}).encode()
                group[name] = np.frombuffer(text, "u1")[:, None]
        return path

    return write


# The chain


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A file and its configuration; what is not given is that of a bare array of `two_materials`.

    Parameters
    ----------
    counts : ndarray
        As the file holds them.
    write : callable
        (path without suffix, sample) -> path.
    axes : AxesOptions
    gain : dict
        Options of the gain; `gain_reference` and `dark_reference` are files of these values.
    corrections : dict
        Options of the other steps.
    fit_on : Sample, optional
        Whose models are applied.
    """

    counts: np.ndarray
    write: Callable[[Path, "Sample"], Path] = write_npy
    axes: AxesOptions = field(default_factory=lambda: axes_of(FIRST_EV, 1.5))
    signal: str | None = None
    detector: DetectorOptions = field(default_factory=DetectorOptions)
    invalid_pixels: str = "refuse"
    gain: Mapping[str, Any] = field(default_factory=dict)
    gain_reference: np.ndarray | None = None
    dark_reference: np.ndarray | None = None
    corrections: Mapping[str, Any] = field(default_factory=dict)
    components: ComponentOptions = field(default_factory=ComponentOptions)
    background: BackgroundOptions = field(default_factory=BackgroundOptions)
    edges: Mapping[str, Edge] = field(default_factory=lambda: EDGES)
    profiles: Mapping[str, Profile] = field(default_factory=lambda: {"P": Profile()})
    methods: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: {"vca": {}})
    fit_on: "Sample | None" = None


@dataclass(frozen=True, kw_only=True)
class Run:
    """All stores of a sample, and what the first screen of its page says."""

    sample: Sample
    raw: xr.Dataset
    corrected: xr.Dataset
    pca: xr.Dataset
    rank: xr.Dataset
    bs: xr.Dataset
    comparison: xr.Dataset
    fits: Mapping[str, xr.Dataset]
    maps: Mapping[str, xr.Dataset]

    @property
    def counts(self) -> xr.DataArray:
        """Corrected counts."""
        return self.corrected["counts"]

    @property
    def n_endmembers(self) -> int:
        """Number that was chosen."""
        return int(self.rank.attrs["n_endmembers"])

    @property
    def warnings(self) -> list[str]:
        """Notices on the first screen, each with its title."""
        return [f"{block.title}: {block.text}" for block in self._blocks if isinstance(block, Notice)]

    @property
    def said(self) -> list[str]:
        """Notices and sentences of the first screen."""
        return self.warnings + [line for b in self._blocks if isinstance(b, Text) for line in b.lines]

    @property
    def inputs(self) -> Inputs:
        """What the page is made from."""
        names = ("raw", "corrected", "pca", "rank", "bs", "comparison", "fits", "maps")
        nothing: dict[str, Any] = {"benchmarks": (), "settings": {}, "seals": {}, "versions": {}}
        return Inputs(sample="S1", title="S1", **{name: getattr(self, name) for name in names}, **nothing)

    @property
    def _blocks(self) -> tuple[Block, ...]:
        return verdict.section(self.inputs).blocks


def run_chain(sample: Sample, folder: Path) -> Run:
    """Read, correct, count components, subtract backgrounds, fit, map, compare: as the workflow does."""
    raw = import_image(
        sample.write(folder / "image", sample),
        signal=sample.signal,
        axes=sample.axes,
        detector=sample.detector,
        invalid_pixels=sample.invalid_pixels,
    ).load()
    corrected = correct_image(raw.counts, _corrections(sample, folder), edges=sample.edges)
    counts = corrected.counts
    pca = denoise(counts)
    rank = estimate_endmembers(counts, pca, sample.components)
    places = {"edges": sample.edges, "profiles": sample.profiles}
    bs = subtract_background(counts, sample.edges, sample.background, profiles=sample.profiles)
    fits = _fits(sample, folder, counts, pca, rank)
    image = mapped_image("corrected", counts, pca, rank)
    maps = {label: apply(model, image, counts=counts) for label, model in fits.items()}
    return Run(
        sample=sample,
        raw=raw,
        corrected=corrected,
        pca=pca,
        rank=rank,
        bs=bs,
        comparison=compare(counts, bs, fits, maps, truth=raw, **places),
        fits=fits,
        maps=maps,
    )


def _corrections(sample: Sample, folder: Path) -> Corrections:
    gain = dict(sample.gain)
    for key, values in (("reference", sample.gain_reference), ("dark", sample.dark_reference)):
        if values is not None:
            np.save(folder / f"{key}.npy", values)
            gain[key] = str(folder / f"{key}.npy")
    return Corrections(gain=GainOptions(**gain), **sample.corrections)


def _fits(sample, folder, counts, pca, rank) -> Mapping[str, xr.Dataset]:
    if sample.fit_on is not None:
        return run_chain(sample.fit_on, folder).fits
    return {
        label: fit(
            learning_image("corrected", counts, pca, rank),
            label,
            n_endmembers=rank.attrs["n_endmembers"],
            pca=pca,
            counts=counts,
            edges=sample.edges,
            **options,
        )
        for label, options in sample.methods.items()
    }
