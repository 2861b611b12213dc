"""The recommended result of an image: `recommend`."""

import numpy as np
import xarray as xr

from eelsunmix.edge_choice import resolve_edges
from eelsunmix.edges import Edges
from eelsunmix.recommendation.choosing import choose
from eelsunmix.recommendation.data import with_sample_alone
from eelsunmix.recommendation.labelling import in_callers_order, labelled
from eelsunmix.recommendation.pieces import mapped_in_pieces
from eelsunmix.recommendation.sample import is_large, representative


def recommend(
    image: xr.DataArray,
    n_endmembers: int = 3,
    edges: Edges | None = None,
    seed: int = 0,
    *,
    vacuum: xr.DataArray | None = None,
) -> xr.Dataset:
    """Find the endmembers and maps by the method that is best on images like this one.

    Several methods are fitted. From what they found, images are simulated with the same endmembers, maps,
    dose and noise: *twins*, of which the truth is known. The method (or the median of all) that comes nearest
    to it there is recommended. Its standard deviations are its errors there, and half of how far other
    simplices that fit as well are away (`eelsunmix.comparison.simplex_range`). Where the brightness varies,
    those of shares hold too that the totals of the endmembers are known no better than the thickness
    (`eelsunmix.recommendation.totals`); amounts are in units of their endmember, whatever its total.

    Parameters
    ----------
    image : DataArray, dims in any order, one of them spectral
        Corrected counts, eager or lazy. Of more than 128 x 128 pixels a sample of tiles is looked at, and
        the candidate that is best there maps the whole image, block by block.
    n_endmembers : int
        How many.
    edges : sequence of str, or mapping, optional
        Names of edges, or name -> `Edge` or its plain values. Where no pixel is pure they say which
        endmembers are mixtures (`eelsunmix.anchoring`); where that was refused, ``attrs["anchoring"]`` says
        why. An element that several materials hold is left out if you write ``{"O_K": {"shared": True}}``.
        ``attrs["edge_owner"]`` says which endmember has most of each.
    seed : int
        Of everything random: the same image and seed give the same result.
    vacuum : DataArray of bool, dims those of the pixels, optional
        True in pixels without sample, which are left out; found in the counts where it is not given.

    Returns
    -------
    Dataset
        ``endmember_spectrum (endmember, energy)`` in counts of a pixel of share one and brightness one;
        ``abundance (navigation, endmember)``, shares that sum to one; ``thickness_weighted_abundance``,
        shares times brightness; ``_sd`` of all three. Shares and amounts are zero in pixels without sample,
        and NaN in pixels that are not valid. Where bending of the background was taken out, its
        ``nuisance_direction`` and ``nuisance_filter (nuisance, energy)``. Attrs: ``method`` and its
        ``status``, ``reason`` (a line with the errors on twins), ``nuisance`` and ``nuisance_reason``
        (whether bending was taken out, and why), ``twin_error`` (label -> relative squared error),
        ``excluded`` (label -> why), ``brightness``, ``totals`` (how well shares compare components, where it
        varies), ``anchoring``, ``edge_owner``, ``n_empty_pixels``, ``n_pixels_looked_at``, ``warnings``.

    Raises
    ------
    InputError
        Not as many endmembers in the image, a bad pixel, edges that are off the axis.
    """
    narrowed, empty = with_sample_alone(image, vacuum)
    resolved = {} if edges is None else resolve_edges(edges, narrowed[narrowed.dims[-1]])
    large = is_large(narrowed)
    looked_at = representative(narrowed) if large else narrowed.load()
    choice = choose(looked_at, n_endmembers, resolved, seed=seed, of_averages=large)
    amounts = mapped_in_pieces(choice, narrowed) if large else choice.best.amounts
    result = labelled(choice, narrowed, amounts, empty)
    counts = {"n_empty_pixels": int(empty.sum()), "n_pixels_looked_at": int(np.prod(looked_at.shape[:-1]))}
    return in_callers_order(result, image).assign_attrs(choice.record | counts)
