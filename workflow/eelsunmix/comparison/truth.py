"""Errors against the truth of a simulated image."""

import functools
from collections.abc import Sequence

import numpy as np
import xarray as xr

from eelsunmix.background.net_counts import edge_windows
from eelsunmix.comparison.components import REFERENCE, Components
from eelsunmix.comparison.elements import (
    cross_talk,
    edge_strength,
    labels,
    owners,
)
from eelsunmix.comparison.matching import match_whitened
from eelsunmix.comparison.regrouped import binned, groups_of
from eelsunmix.comparison.setting import Setting
from eelsunmix.comparison.true_maps import element_truth, where_valid
from eelsunmix.metrics import nmse, nmse_scale_free, sad, sad_edge, sad_whitened
from eelsunmix.profile_geometry import profile_pixels, sum_profile
from eelsunmix.typing import Floats
from eelsunmix.words import BACKGROUND

SCORES = ("truth_sad", "truth_sad_whitened", "truth_sad_edge", "truth_nmse", "truth_nmse_scale_free")


def truth_on_axes_of(truth: xr.Dataset, image: xr.DataArray) -> tuple[xr.Dataset | None, str]:
    """Truth cropped and binned as the image was; None and the reason where they do not fit.

    Returns
    -------
    Dataset
        `spectrum (true_endmember, energy)`, `abundance (navigation, true_endmember)` and
        `intensity (navigation)`: counts of the pixel over those of the mixture (thickness, beam current);
        attribute `composition` as in `raw.zarr`.
    """
    energy, navigation = image.dims[-1], image.dims[:-1]
    mixture = truth["true_abundance"] @ truth["true_endmember_spectrum"].sum([energy])
    intensity = truth["true_expected_counts"].sum([energy], dtype=float) / mixture.where(mixture > 0, np.inf)
    known = xr.Dataset(
        {
            "spectrum": truth["true_endmember_spectrum"],
            "abundance": truth["true_abundance"].astype(float),
            "intensity": intensity,
        }
    ).compute()
    known = known.reset_coords(drop=True)
    pixels = 1
    for dim in image.dims:
        groups = groups_of(known[dim].to_numpy(), image[dim].to_numpy())
        if groups is None:
            return (
                None,
                f"The truth is not compared: axis {dim} does not fit the simulated one.",
            )
        members, n = groups
        known = binned(known, dim, members, n, add=dim == energy)
        pixels *= n if dim in navigation else 1
    known["spectrum"] = known["spectrum"] * pixels
    known.attrs = {"composition": truth.attrs.get("composition")}
    return known.assign_coords({dim: image[dim] for dim in image.dims}), ""


def truth_variables(
    known: xr.Dataset, components: Sequence[Components], setting: Setting, elements: xr.Dataset
) -> xr.Dataset:
    """Everything of `comparison.zarr` that needs the truth, the reference's row empty of components."""
    spectra = known["spectrum"].to_numpy()
    profile_dims = ("true_endmember", *setting.bs["profile_counts"].dims[1:])
    data = {
        **element_truth(known, elements["element_map"], setting),
        "true_abundance": where_valid(known["abundance"], setting),
        "true_abundance_profile": (profile_dims, _mean_profiles(known["abundance"], setting)),
        "true_owner": ("edge", owners(spectra, edge_strength(spectra, setting), setting)),
        "true_endmember_label": ("true_endmember", np.array(_true_labels(spectra, setting))),
        **_method_truth(known, components, setting),
    }
    names = [REFERENCE, *[component.label for component in components]]
    coords = {"label": names, "true_endmember": known["true_endmember"]}
    return xr.Dataset(data, coords=coords).drop_vars([*setting.energy.dims], errors="ignore")


def net_spectra(spectra: Floats, setting: Setting) -> Floats:
    """Background-subtracted, whitened spectra in the windows of all edges, shape (spectrum, channel).

    Spectra without a background of their own, such as signed ones, get the exponent of the mean spectrum.
    """
    flat = spectra.reshape(-1, spectra.shape[-1])
    parts = []
    for window in edge_windows(setting.edges, exponent_from=setting.mean_spectrum).values():
        channels, net = window.net_spectra(flat, setting.energy)
        parts.append(net / setting.noise[channels])
    return np.concatenate(parts, axis=1).reshape(*spectra.shape[:-1], -1)


def _method_truth(
    known: xr.Dataset, components: Sequence[Components], setting: Setting
) -> dict[str, tuple[object, ...]]:
    """Match the components of every method to the materials, and score them; nothing for the reference."""
    n_true = known.sizes["true_endmember"]
    scores = np.full((len(SCORES), len(components) + 1, n_true), np.nan)
    matched = np.full(scores.shape[1:], -1)
    profiles = np.full((*matched.shape, *setting.bs["profile_counts"].shape[1:]), np.nan)
    for row, component in enumerate(components, start=1):
        if component.abundance is None:
            continue
        matched[row] = match_whitened(known["spectrum"].to_numpy(), component.spectra, setting.noise)
        found = matched[row] >= 0
        partner = matched[row][found]
        abundance = component.abundance.isel(endmember=partner).rename(endmember="true_endmember")
        scores[:3, row, found] = _angles(
            known["spectrum"].to_numpy()[found], component.spectra[partner], setting
        )
        scores[3:, row, found] = _map_errors(known["abundance"][..., found], abundance, setting)
        profiles[row, found] = _mean_profiles(abundance, setting)
    dims = ("label", "true_endmember")
    units = [{"units": "rad"}] * 3 + [{"units": "1"}] * 2
    named = zip(SCORES, scores, units, strict=True)
    return {
        **{name: (dims, values, unit) for name, values, unit in named},
        "truth_match": (dims, matched),
        "truth_abundance_profile": ((*dims, *setting.bs["profile_counts"].dims[1:]), profiles),
    }


def _angles(true: Floats, estimated: Floats, setting: Setting) -> Floats:
    angles = np.full((3, len(true)), np.nan)
    angles[0] = sad(true, estimated)
    angles[1] = sad_whitened(true, estimated, setting.noise)
    with_edge = np.array(_true_labels(true, setting)) != BACKGROUND
    if setting.edges and with_edge.any():
        subtract = functools.partial(net_spectra, setting=setting)
        angles[2, with_edge] = sad_edge(true[with_edge], estimated[with_edge], subtract)
    return angles


def _map_errors(true: xr.DataArray, estimated: xr.DataArray, setting: Setting) -> Floats:
    dims = (*setting.navigation, "true_endmember")
    first, second = true.transpose(*dims).to_numpy(), estimated.transpose(*dims).to_numpy().astype(float)
    return np.array([error(first, second, endmember_axis=-1) for error in (nmse, nmse_scale_free)])


def _true_labels(spectra: Floats, setting: Setting) -> list[str]:
    net_counts = edge_strength(spectra, setting)
    talk = cross_talk(spectra, net_counts, owners(spectra, net_counts, setting))
    return labels(talk, list(setting.edges.values()))


def _mean_profiles(abundance: xr.DataArray, setting: Setting) -> Floats:
    """Mean over the width of each profile, shape (true_endmember, profile, ..., position)."""
    like = setting.bs["profile_counts"]
    result = np.full((abundance.sizes["true_endmember"], *like.shape[1:]), np.nan)
    for column, (name, profile) in enumerate(setting.profiles.items()):
        first, stop = profile_pixels(profile, abundance, name=name).pixels
        summed = sum_profile(abundance, profile, name=name) / (stop - first)
        values = summed.transpose("true_endmember", *like.dims[2:]).to_numpy()
        result[:, column, ..., : values.shape[-1]] = values
    return result
