"""Layout of `comparison.zarr`."""

from eelsunmix.storage.layout import Layout, Variable, attribute, variable
from eelsunmix.storage.layouts.axes import EDGE, POSITION, PROFILE

KNOWN_TRUTH = "the truth is known"
KNOWN_MATERIALS = "the truth is known, and what the materials contain"
_PROFILE = "label edge profile"
_LINE = f"{_PROFILE} frames position"
_TRUTH = "label true_endmember"


def _true(dims: str, dtype: str, unit: str | None, meaning: str, when: str = KNOWN_TRUTH) -> Variable:
    return variable(dims, dtype, unit, meaning, when=when)


ELEMENTS = {
    "element_map": variable(
        "label edge navigation",
        "float",
        "counts",
        "of BS its net counts; of a method sum of abundance x brightness x net counts over the endmembers "
        "that show the element, each by its `edge_weight`",
    ),
    "subspace_map": variable(
        "label edge navigation",
        "float",
        "counts",
        "sum of refit abundance x net counts over all endmembers: what they describe together",
    ),
    "element_map_sd": variable(
        "label edge navigation",
        "float",
        "counts",
        "its standard deviation by the noise of the counts, that of the brightness included; NaN of networks",
    ),
    "subspace_map_sd": variable(
        "label edge navigation", "float", "counts", "of the subspace map; for BS as of its net counts"
    ),
    "overshoot_map": variable(
        "label edge navigation",
        "float",
        "counts",
        "negative counts that BS finds in components without the element; added to the method's map before "
        "it is scored against BS; 0 for BS",
    ),
    "element_profile": variable(_LINE, "float", "counts", "the map summed over the width of the profile"),
    "element_profile_sd": variable(
        _LINE,
        "float",
        "counts",
        "its standard deviation by the noise of the counts, not the bias of clipped maps; NaN of networks",
    ),
    "overshoot_profile": variable(
        _LINE,
        "float",
        "counts",
        "profiles of `overshoot_map`: `profile_scale` x (element + overshoot) is scored",
    ),
    "profile_position": variable("profile position", "float", "nm|px", "along the profile"),
}
COMPONENTS = {
    "endmember_net_counts": variable(
        "label endmember edge", "float", "counts", "BS of the endmember spectra"
    ),
    "confirmed_net_counts": variable(
        "label endmember edge", "float", "counts", "the same by BS: regression of its maps on the abundances"
    ),
    "endmember_net_counts_sd": variable(
        "label endmember edge", "float", "counts", "their standard deviation, by the noise of BS"
    ),
    "endmember_exponent": variable(
        "label endmember edge", "float", "1", "of their power laws; NaN where a spectrum is not positive"
    ),
    "owner": variable("label edge", "integer", None, "endmember that shows the edge most clearly; -1: none"),
    "cross_talk": variable(
        "label endmember edge", "float", "1", "net counts relative to the owner's, at equal totals"
    ),
    "shared_strength": variable(
        "label endmember edge",
        "float",
        "1",
        "the same by BS where the component is alone, negative where BS overshoots; NaN if nowhere alone",
    ),
    "edge_weight": variable(
        "label endmember edge",
        "float",
        "1",
        "part of its net counts by which the endmember counts in the map of the edge, by their significance",
    ),
    "endmember_label": variable(
        "label endmember",
        "text",
        None,
        "such as `Ru`, `Mn+La with weak Ti`, `weak Ti+weak O`, `background`; weak: less than half of the "
        "counts that the element has in its strongest pixels (BS), or in its owner if these are fewer",
    ),
    "endmember_name": variable(
        "label endmember", "text", None, "`endmember_label` after the number of the component: `2 · Mn+La`"
    ),
    "group": variable(
        "label endmember", "integer", None, "same component in the first method with a result; -1: none"
    ),
    "sad_between": variable("label other_label", "float", "rad", "mean whitened angle of matched components"),
}
AMBIGUITY = {
    "scale_low": variable(
        "label edge",
        "float",
        "1",
        "least factor on the abundance of the owner that another simplex, fitting as well, gives; NaN of "
        "signed methods",
    ),
    "scale_high": variable("label edge", "float", "1", "the greatest one"),
    "shape_error": variable(
        "label edge",
        "float",
        "1",
        "most that such a simplex adds to the abundance, or takes from it, of that of other endmembers; part "
        "of its peak",
    ),
    "pure_pixels": variable(
        "label edge", "float", "1", "pixels of a pure area at the vertex of the owner; 0 if none"
    ),
    "owner_abundance_low": variable(
        "label edge navigation",
        "float",
        "1",
        "least abundance of the owner by any such simplex, in the unit of the abundance; noise comes on top",
    ),
    "owner_abundance_high": variable("label edge navigation", "float", "1", "the greatest one"),
}
_SHARES = "the abundances of the recommended result, else of another method, sum to one"
PHASES = {
    "phase": variable(
        "navigation",
        "integer",
        None,
        "number of the endmember with the largest share, from 0; -1: no sample, or no result",
        when=_SHARES,
    ),
    "phase_confidence": variable(
        "navigation",
        "float",
        "1",
        "probability that it exceeds the next one, by the deviations of the shares, from 0.5 to 1",
        when=_SHARES,
    ),
}
AGREEMENT = {
    "map_correlation": variable("label edge", "float", "1", "with BS"),
    "subspace_correlation": variable("label edge", "float", "1", "of the map of all endmembers with BS"),
    "map_scale": variable("label edge", "float", "1", "factor on the method that fits BS best"),
    "map_scale_sd": variable("label edge", "float", "1", "its standard deviation, by the noise of BS"),
    "map_error": variable("label edge", "float", "1", "rms after scaling, over the peak"),
    "map_reduced_chi2": variable("label edge", "float", "1", "after scaling"),
    "map_misfit": variable("label edge", "float", "1", "part of the error that the noise does not explain"),
    "map_noise_ceiling": variable("edge", "float", "1", "correlation of the noise-free truth with BS"),
    "profile_correlation": variable(_PROFILE, "float", "1", "with BS"),
    "profile_scale": variable(_PROFILE, "float", "1", "factor on the method that fits BS best"),
    "profile_scale_sd": variable(_PROFILE, "float", "1", "its standard deviation, by the noise of BS"),
    "profile_error": variable(_PROFILE, "float", "1", "rms after scaling, over the peak"),
    "profile_reduced_chi2": variable(_PROFILE, "float", "1", "after scaling"),
    "profile_misfit": variable(_PROFILE, "float", "1", "part of the error that the noise does not explain"),
    "profile_noise_ceiling": variable(
        "edge profile", "float", "1", "correlation of the noise-free truth with BS"
    ),
    "fwhm": variable(
        _PROFILE, "float", "nm|px", "of the highest peak, from zero; NaN where the profile oscillates"
    ),
    "lattice_period": variable(
        "profile", "float", "nm|px", "atomic planes, over which widths and flanks are averaged; NaN: not seen"
    ),
    "left_10_90": variable(_PROFILE, "float", "nm|px", "width of its left flank"),
    "right_10_90": variable(_PROFILE, "float", "nm|px", "width of its right flank"),
    "asymmetry": variable(_PROFILE, "float", "1", "of the flanks"),
}
CHECKS = {
    "off_region_mean": variable("label edge", "float", "counts", "per pixel where the element is absent"),
    "off_region_sd": variable("label edge", "float", "counts", "its standard error"),
    "off_region_owner": variable(
        "label edge",
        "float",
        "1",
        "abundance of the owner there over its peak; for BS its mean over the peak of the 3 x 3 averaged map",
    ),
    "negative_fraction": variable("label edge", "float", "1", "part of the pixels below zero"),
    "binarisation": variable("label", "float", "1", "part of the mixed pixels that are taken for pure"),
    "reconstruction_chi2": variable("label", "float", "1", "median reduced chi-square of the refit"),
    "status": variable("label", "text", None, "of the fit; `reference` for BS"),
    "message": variable("label", "text", None, "of the fit"),
    "stopped_at_limit": variable(
        "label", "bool", None, "whether the fit had not converged when it had iterated as long as it may"
    ),
    "seconds": variable("label", "float", "s", "of the fit"),
}
TRUE_MAPS = {
    "true_element_map": _true(
        "edge navigation",
        "float",
        "counts",
        "sum of true abundance x brightness x net counts over the materials that contain the element",
        KNOWN_MATERIALS,
    ),
    "true_element_profile": _true(
        "edge profile frames position", "float", "counts", "its profiles", KNOWN_MATERIALS
    ),
    "material_bs_map": _true(
        "edge navigation",
        "float",
        "counts",
        "the same over all materials: what BS makes of their spectra, not BS of the image without noise",
        KNOWN_MATERIALS,
    ),
    "material_bs_profile": _true(
        "edge profile frames position", "float", "counts", "its profiles", KNOWN_MATERIALS
    ),
    "truth_map_correlation": _true(
        "label edge", "float", "1", "of the element map with the true one", KNOWN_MATERIALS
    ),
    "truth_map_nmse": _true(
        "label edge", "float", "1", "its squared error relative to the true map", KNOWN_MATERIALS
    ),
}
TRUTH = {
    "true_abundance": _true("navigation true_endmember", "float", "1", "of the simulation"),
    "true_abundance_profile": _true(
        "true_endmember profile frames position", "float", "1", "mean over the width of the profile"
    ),
    "true_owner": _true("edge", "integer", None, "true endmember that shows the edge most clearly; -1: none"),
    "true_endmember_label": _true("true_endmember", "text", None, "as `endmember_label`"),
    "truth_match": _true(_TRUTH, "integer", None, "the endmember that is matched; -1: none"),
    "truth_abundance_profile": _true(
        f"{_TRUTH} profile frames position", "float", "1", "of the matched endmember, as returned"
    ),
    "truth_sad": _true(_TRUTH, "float", "rad", "spectral angle"),
    "truth_sad_whitened": _true(_TRUTH, "float", "rad", "the same in units of the noise"),
    "truth_sad_edge": _true(_TRUTH, "float", "rad", "the same after BS, in the windows of the edges"),
    "truth_nmse": _true(_TRUTH, "float", "1", "relative squared error of the abundance as returned"),
    "truth_nmse_scale_free": _true(_TRUTH, "float", "1", "the same after the best factor"),
}
COMPARISON = Layout(
    path="comparison.zarr",
    variables=ELEMENTS | COMPONENTS | AMBIGUITY | PHASES | AGREEMENT | CHECKS | TRUE_MAPS | TRUTH,
    coordinates=POSITION
    | EDGE
    | PROFILE
    | {
        "label": variable("label", "text", None, "`BS`, then the labels of the methods as configured"),
        "other_label": variable("other_label", "text", None, "the same"),
        "true_endmember": _true("true_endmember", "text", None, "name of the material"),
    },
    attributes={
        "verdict": attribute(
            "list", "of `method, criterion, value, text, green, amber, percent, light, explanation`"
        ),
        "verdict_by_element": attribute(
            "list",
            "of `method, element, agreement, misfit, scale, cross_talk, light`, the worst of its edges",
        ),
        "sentences": attribute("list", "what was found, in words"),
        "ambiguity": attribute("list", "what other simplices would give, for each element, in words"),
        "caveats": attribute("list", "what the reader should know before trusting it"),
        "warnings": attribute(
            "list",
            "sentences on profiles that are too short, and components that are no materials of their own",
        ),
        "recommended": attribute(
            "dict",
            "`method, reason, twin_error, warnings` of the recommended result, whose label is `recommended`",
            when="it is among the methods",
        ),
        "phase_method": attribute("str", "label of the method whose phases are mapped", when=_SHARES),
        "edges": attribute("dict", "as in `bs.zarr`"),
        "profiles": attribute("dict", "as in `bs.zarr`"),
        "regions": attribute("dict", "name -> `x_nm, y_nm, without`"),
    },
)
