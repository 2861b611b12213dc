"""Stores of the methods and of background subtraction -> one dataset of the same quantities for all."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.comparison.ambiguity_words import ambiguity_sentences
from eelsunmix.comparison.by_element import verdict_by_element
from eelsunmix.comparison.caveats import caveats, reference_doubts
from eelsunmix.comparison.components import REFERENCE, Components, read_components
from eelsunmix.comparison.doubts import component_warnings, short_profiles
from eelsunmix.comparison.element_maps import element_variables
from eelsunmix.comparison.matching import matching_variables
from eelsunmix.comparison.names import check_component_names, numbered_names
from eelsunmix.comparison.phases import phase_variables
from eelsunmix.comparison.same_image import check_same_counts, check_same_image, check_subtracted
from eelsunmix.comparison.scores import score_variables
from eelsunmix.comparison.sentences import sentences
from eelsunmix.comparison.setting import Setting, loaded_reference
from eelsunmix.comparison.sharing import shared_variables
from eelsunmix.comparison.tables import component_variables
from eelsunmix.comparison.true_maps import UNKNOWN_MATERIALS
from eelsunmix.comparison.truth import truth_on_axes_of, truth_variables
from eelsunmix.comparison.verdict import verdict
from eelsunmix.edge_choice import resolve_edges
from eelsunmix.edges import Edge, Edges
from eelsunmix.image import in_canonical_order
from eelsunmix.mapping.pieces import known_mean
from eelsunmix.mapping.pieces import mean_spectrum as mean_of_valid
from eelsunmix.profiles import Profile, Region, as_options
from eelsunmix.typing import Floats
from eelsunmix.words import RECOMMENDED


def compare(
    image: xr.DataArray,
    bs: xr.Dataset,
    fits: Mapping[str, xr.Dataset],
    maps: Mapping[str, xr.Dataset],
    *,
    edges: Edges,
    profiles: Mapping[str, Profile | Mapping[str, Any]] | None = None,
    regions: Mapping[str, Region | Mapping[str, Any]] | None = None,
    component_names: Mapping[str, str] | None = None,
    truth: xr.Dataset | None = None,
    total_counts: xr.DataArray | None = None,
    mean_spectrum: xr.DataArray | None = None,
) -> xr.Dataset:
    """Turn the result of every method into element counts and compare it with background subtraction (BS).

    Parameters
    ----------
    image : DataArray, shape (..., channel)
        Corrected counts; lazy ones are read block by block, once.
    bs : Dataset
        `bs.zarr` of the same image.
    fits, maps : mapping of str to Dataset
        `fit/<m>.zarr` and `map/<m>.zarr` by label, in the order of the configuration. A failed method keeps
        its place, with NaN.
    edges : sequence of str, or mapping
    profiles, regions : mapping
        As given to `eelsunmix.subtract_background`.
    component_names : mapping of str to str, optional
        Names of components: element -> that of the component that holds most of its counts; "background" ->
        that of one that shows no edge. Without it they are named after the elements that they show.
    truth : Dataset, optional
        `raw.zarr` of a simulated image; one of a measured image is ignored.
    total_counts : DataArray, dims (navigation), optional
        Of each pixel, from `corrected.zarr`; summed from the image without it.
    mean_spectrum : DataArray, dims (energy), optional
        Over all valid pixels, from `corrected.zarr`; taken from the image without it.

    Returns
    -------
    Dataset
        The store ``comparison.zarr`` of the data model; the first `label` is ``"BS"``. The maps of a large
        image are lazy, in files that are removed with the job.

    Raises
    ------
    InputError
        If a map, `bs` or `total_counts` has other pixels than the image, `mean_spectrum` other energies, a
        map or `total_counts` another mean spectrum, a map other endmembers than its model, or `bs` other
        edges or profiles than are given.

    References
    ----------
    Brun, Lambert, Bocher, Eur. Phys. J. Appl. Phys. 99, 28 (2024), section 3.2, for profiles as a criterion.
    """
    image = in_canonical_order(image)
    edges = resolve_edges(edges, image[image.dims[-1]])
    check_same_image(image, bs, fits, maps, total_counts)
    mean = known_mean(mean_spectrum, image)
    setting = _setting(
        image, mean, bs, total_counts, edges, profiles or {}, regions or {}, component_names or {}
    )
    components = [
        read_components(label, fit, maps.get(label), image, total_counts=setting.total_counts)
        for label, fit in fits.items()
    ]
    check_same_counts(image, setting.mean_spectrum, setting.total_counts, components, maps)
    return _compared(image, components, setting, truth).assign_attrs(_recommended(fits))


def _recommended(fits: Mapping[str, xr.Dataset]) -> dict[str, Any]:
    """Take over which candidate is recommended and why, so that whoever reads the comparison knows."""
    attrs = fits[RECOMMENDED].attrs if RECOMMENDED in fits else {}
    names = {"method": "chosen", "reason": "reason", "twin_error": "twin_error", "warnings": "warnings"}
    found = {name: attrs[key] for name, key in names.items() if key in attrs}
    return {RECOMMENDED: found} if found else {}


def _setting(
    image: xr.DataArray,
    mean: Floats | None,
    bs: xr.Dataset,
    total_counts: xr.DataArray | None,
    edges: Mapping[str, Edge],
    profiles: Mapping[str, Profile | Mapping[str, Any]],
    regions: Mapping[str, Region | Mapping[str, Any]],
    component_names: Mapping[str, str],
) -> Setting:
    lines = as_options(Profile, profiles)
    check_component_names(component_names, edges)
    check_subtracted(bs, edges, lines)
    # What is compared goes by places: those of the reference, which may be older than the configuration.
    edges = {name: edges[name] for name in bs["edge"].to_numpy().tolist()}
    lines = {name: lines[name] for name in bs["profile"].to_numpy().tolist()}
    totals = image.sum([image.dims[-1]], dtype=float) if total_counts is None else total_counts
    return Setting(
        energy=image[image.dims[-1]],
        mean_spectrum=mean_of_valid(image) if mean is None else mean,
        bs=loaded_reference(bs),
        edges=edges,
        profiles=lines,
        regions=as_options(Region, regions),
        component_names=component_names,
        total_counts=totals.compute(),
    )


def _compared(
    image: xr.DataArray, components: Sequence[Components], setting: Setting, truth: xr.Dataset | None
) -> xr.Dataset:
    n_endmembers = max((len(component.spectra) for component in components), default=0)
    table = component_variables(components, setting, n_endmembers)
    table = table.merge(shared_variables(table, components, setting, n_endmembers))
    elements = element_variables(components, table, setting)
    phases = phase_variables(components, setting)
    matching = matching_variables(components, setting.noise, n_endmembers)
    names = numbered_names(elements["endmember_label"], matching["group"], with_edges=bool(setting.edges))
    parts = [
        elements,
        matching.assign(endmember_name=names),
        score_variables(elements, components, setting),
        phases,
        _bookkeeping(components),
    ]
    truths, notes = _truth(truth, image, components, setting, elements)
    parts += truths
    result = xr.merge(parts, join="exact", compat="identical", combine_attrs="override")
    free = [one.label for one in components if one.anchoring == "not asked for" and one.label != RECOMMENDED]
    ambiguity, open_ones = ambiguity_sentences(result, setting, can_be_anchored=free)
    warnings = [*short_profiles(setting), *component_warnings(result, components, setting)]
    judged = _with_verdict(_with_units(result), setting, [*open_ones, *notes])
    return judged.assign_attrs(warnings=warnings, ambiguity=ambiguity, **phases.attrs)


def _truth(
    truth: xr.Dataset | None,
    image: xr.DataArray,
    components: Sequence[Components],
    setting: Setting,
    elements: xr.Dataset,
) -> tuple[list[xr.Dataset], list[str]]:
    """Compare with the truth of a simulated image, and say what of it cannot be compared."""
    if truth is None or "true_endmember_spectrum" not in truth:
        return [], []
    known, reason = truth_on_axes_of(truth, image)
    if known is None:
        return [], [reason]
    found = truth_variables(known, components, setting, elements)
    return [found], [] if "true_element_map" in found else [UNKNOWN_MATERIALS]


def _with_units(result: xr.Dataset) -> xr.Dataset:
    """Say of correlations, factors and parts that their unit is 1; all other numbers have one already."""
    for array in result.data_vars.values():
        if array.dtype.kind == "f":
            array.attrs.setdefault("units", "1")
    return result


def _with_verdict(result: xr.Dataset, setting: Setting, notes: Sequence[str]) -> xr.Dataset:
    doubted = reference_doubts(result, setting)
    rows = verdict(result, setting, doubted)
    return result.assign_attrs(
        verdict=rows,
        verdict_by_element=verdict_by_element(result, setting),
        sentences=sentences(result, rows, setting, doubted=doubted),
        caveats=[*caveats(result, setting), *notes],
        **{key: setting.bs.attrs.get(key, {}) for key in ("edges", "profiles")},
        regions={name: _region_attrs(region) for name, region in setting.regions.items()},
    )


def _bookkeeping(components: Sequence[Components]) -> xr.Dataset:
    columns = {
        "status": ["reference", *[component.status for component in components]],
        "message": ["", *[component.message for component in components]],
        "stopped_at_limit": [False, *[component.stopped_at_limit for component in components]],
        "seconds": [np.nan, *[component.seconds for component in components]],
        "reconstruction_chi2": [np.nan, *[component.reduced_chi2 for component in components]],
    }
    labels = [REFERENCE, *[component.label for component in components]]
    data = {name: ("label", np.array(values)) for name, values in columns.items()}
    table = xr.Dataset(data, coords={"label": labels, "other_label": labels})
    table["seconds"].attrs["units"] = "s"
    return table


def _region_attrs(region: Region) -> dict[str, object]:
    return {
        "x_nm": None if region.x_nm is None else list(region.x_nm),
        "y_nm": None if region.y_nm is None else list(region.y_nm),
        "without": list(region.without),
    }
