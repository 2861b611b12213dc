"""Which arrays of the stores leave: every map, spectrum and profile, with its deviation where there is one.

Nothing is listed by hand but what stays: a new array of a store is exported by its dims.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.comparison.components import REFERENCE
from eelsunmix.export.axes import frame_names
from eelsunmix.export.quantities import OWN, Quantity
from eelsunmix.export.sample import Sample
from eelsunmix.storage import LAYOUTS

STAYS = {
    "counts": "the image itself, as large as memory or larger; its store opens in xarray",
    "true_expected_counts": "an image too",
    "score": "opens with the loadings, from its store",
    "score_nlm": "the same",
    "score_nlm_guarded": "the same",
    "overshoot_map": "enters the scores alone",
    "overshoot_profile": "enters the scores alone",
    "pixel_weight": "a weight of the fit",
    "channel_weight": "a weight of the fit",
    "profile_position": "the axis of all profiles",
    "nlm_restored": "of the denoising alone",
    "vacuum": "a mask, no quantity: the thickness-weighted abundances are zero there",
}
"""Arrays with pixels or channels that are not exported, and why."""
TWINS = ("element_map", "subspace_map", "element_profile")
"""Of background subtraction they repeat its net counts."""
METHOD = (
    *("method", "options", "input", "seed", "n_endmembers", "status", "message"),
    *("brightness", "nuisance", "nuisance_reason", "anchored"),
)
"""What is said of the method behind an array."""


def kind_of(array: xr.DataArray) -> str | None:
    """Say whether an array holds maps, spectra or profiles; None if it is none of them, or stays."""
    name, dims = str(array.name), set(array.dims)
    if name in STAYS or name.endswith("_sd") or array.dtype.kind not in "fiu" or not array.size:
        return None
    is_map, is_spectrum = {"y", "x"} <= dims, bool(dims & set(OWN["spectrum"]))
    if is_map == is_spectrum:  # neither, or an image of spectra
        return "profile" if "position" in dims else None
    return "map" if is_map else "spectrum"


def quantities(sample: Sample, about: Mapping[str, Any]) -> Iterator[Quantity]:
    """Yield all that is exported of a sample, in the order of its stores.

    Parameters
    ----------
    sample : Sample
    about : mapping
        What is said of each.
    """
    for place, store in sample.all_stores.items():
        layout = LAYOUTS[place.partition("/")[0]]
        for name in store.data_vars:
            kind, declared = kind_of(store[name]), layout.variables.get(str(name))
            if kind is None or declared is None:  # weights of a network are of use to its own model alone
                continue
            one = _Found(place, str(name), kind, declared.meaning)
            yield from _by_label(sample, one, about)


PHASES = ("phase", "phase_confidence")
"""Maps of the comparison that are of one method alone."""


@dataclass(frozen=True)
class _Found:
    place: str
    name: str
    kind: str
    meaning: str


def _by_label(sample: Sample, one: _Found, about: Mapping[str, Any]) -> Iterator[Quantity]:
    """Take an array of all methods apart; those of failed methods are left out."""
    store = sample.all_stores[one.place]
    if "label" not in store[one.name].dims:
        label = str(store.attrs["phase_method"]) if one.name in PHASES else _label_of(one.place)
        yield from _by_profile(sample, one, store, label, about)
        return
    for label in map(str, store["label"].values):
        row = store.sel(label=label)
        is_twin = label == REFERENCE and one.name in TWINS
        if not is_twin and str(row["status"].item()) != "failed":
            yield from _by_profile(sample, one, row, label, about)


def _by_profile(
    sample: Sample, one: _Found, store: xr.Dataset, label: str, about: Mapping[str, Any]
) -> Iterator[Quantity]:
    """Take profiles apart, each with its own positions and no further than it goes."""
    if one.kind != "profile":
        yield _quantity(sample, one, store, label, about)
        return
    for name in map(str, store["profile"].values):
        row = store.sel(profile=name)
        positions = row["profile_position"]
        row = row.assign_coords(position=positions.variable).isel(position=np.isfinite(positions.values))
        yield _quantity(sample, one, row, label, {**about, "profile": name})


def _label_of(place: str) -> str:
    stage, _, label = place.partition("/")
    return label or (REFERENCE if stage == "bs" else "")


def _quantity(
    sample: Sample, one: _Found, store: xr.Dataset, label: str, about: Mapping[str, Any]
) -> Quantity:
    array, deviation = store[one.name], store.get(f"{one.name}_sd")
    own = [dim for dim in OWN[one.kind] if dim in array.dims]
    order = [*(dim for dim in array.dims if dim not in own), *own]
    variable = f"raw_{one.name}" if one.place == "raw" else one.name
    words = [sample.name, label.lower() if label == REFERENCE else label, variable, about.get("profile", "")]
    return Quantity(
        kind=one.kind,
        variable=variable,
        label=label,
        stem="_".join(filter(None, words)),
        array=array.transpose(*order),
        deviation=None if deviation is None else deviation.transpose(*order),
        meaning=one.meaning,
        unit=str(array.attrs.get("units", "")),
        names={str(dim): _names(sample, store, label, str(dim)) for dim in order if dim not in own},
        about={**about, **_origin(sample, one, label), **_values(sample, one, label)},
    )


def _names(sample: Sample, store: xr.Dataset, label: str, dim: str) -> tuple[str, ...]:
    size = store.sizes[dim]
    if dim == "endmember":
        return tuple(sample.component_name(label, k) for k in range(size))
    if dim in store.coords and store[dim].dtype.kind in "UTO":
        return tuple(map(str, store[dim].values))
    if dim == "frame":
        return frame_names(store)
    return tuple(f"{dim} {number + 1}" for number in range(size))


def _values(sample: Sample, one: _Found, label: str) -> dict[str, Any]:
    """Say which component each value of the phase map is."""
    if one.name != "phase":
        return {}
    size = sample.fits[label].sizes["endmember"]
    names = {str(number): sample.component_name(label, number) for number in range(size)}
    return {"values": {"-1": "no sample", **names}}


def _origin(sample: Sample, one: _Found, label: str) -> dict[str, Any]:
    """Say where an array comes from: store, seal, method and its settings."""
    found: dict[str, Any] = {"quantity": one.name, "meaning": one.meaning, "store": one.place}
    found["seal"] = sample.seals.get(one.place, "")
    if label == REFERENCE:
        bs = sample.stores["bs"].attrs
        options = {key: bs[key] for key in ("exponent_from", "local_sigma_px") if key in bs}
        return found | {"method": "background subtraction", "options": options}
    method = sample.fits[label].attrs if label in sample.fits else {}
    return found | {key: method[key] for key in METHOD if key in method}
