"""Comparison of the methods with background subtraction, with each other, and with the truth if known.

``comparison.zarr`` has these variables; ``label`` is ``"BS"``, then the labels of the methods in the order
of the configuration (not ``method``: xarray's ``sel`` has a keyword of this name). A failed method keeps its
place, with NaN (-1 for indices, ``""`` for labels).

===========================  ===========================  ==================================================
variable                     dims                         meaning
===========================  ===========================  ==================================================
element_map                  label, edge, navigation      counts: sum of refit abundance x net counts
element_profile, _sd         ..., profile, position       the map summed over the band; sd of BS alone
profile_position             profile, position            nm
endmember_net_counts         label, endmember, edge       BS of the endmember spectra
endmember_exponent           label, endmember, edge       NaN where the spectrum is not positive
owner                        label, edge                  endmember that shows the edge the clearest
cross_talk                   label, endmember, edge       net counts relative to the owner's, at equal totals
endmember_label              label, endmember             such as ``"Ru"``, ``"Mn+La"``, ``"background"``
group                        label, endmember             same component in the first method with a result
sad_between                  label, other_label           mean whitened angle of matched components, rad
map_correlation, map_scale   label, edge                  against BS; scale is the factor on the method
profile_correlation,         label, edge, profile         against BS; error: rms after scaling over the peak
_scale, _error,
_reduced_chi2
map_noise_ceiling,           edge (profile)               correlation of the noise-free truth with BS
profile_noise_ceiling
fwhm_nm, left_10_90_nm,      label, edge, profile         of the highest peak, from zero
right_10_90_nm, asymmetry
off_region_mean, _sd         label, edge                  counts per pixel where the element is absent
off_region_owner             label, edge                  abundance of the owner there over its peak; for BS
                                                          its mean over the peak of the 3 x 3 averaged map
negative_fraction            label, edge                  part of the pixels below zero
binarisation,                label                        part of mixed pixels taken for pure; median chi2
reconstruction_chi2
status, message, seconds     label                        of the fit
true_element_map, _profile   edge, ...                    simulated images only, as all that follow
truth_match                  label, true_endmember        index of the matched endmember
truth_sad, _whitened, _edge  label, true_endmember        rad; `_edge` after BS, in the windows of the edges
truth_nmse, _scale_free      label, true_endmember        of the abundances as returned
truth_abundance_profile      ..., profile, position       mean over the width; `true_abundance_profile` too
===========================  ===========================  ==================================================

Attributes: ``verdict`` (list of dicts: method, criterion, value, text, green, amber, percent, light,
explanation), ``sentences``, ``caveats``, and ``edges``, ``profiles``, ``regions`` as given.
"""

from eelsunmix.comparison.comparing import compare

__all__ = ["compare"]
