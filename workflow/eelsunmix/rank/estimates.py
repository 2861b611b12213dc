"""How many endmembers an image holds: several estimates, the evidence, and one choice with its reason."""

import numpy as np
import xarray as xr

from eelsunmix.image import in_canonical_order
from eelsunmix.pca.drift import drift_components, drift_warnings
from eelsunmix.pca.noise_eigenvalues import MARGIN, Noise, measure_noise
from eelsunmix.pca.score_maps import ScoreMaps
from eelsunmix.rank.choice import ComponentOptions, Evidence, check_user, choice_warnings
from eelsunmix.rank.coherence import count_signals, map_coherence
from eelsunmix.rank.emptiness import holds_no_structure
from eelsunmix.rank.jump_words import jump_warnings
from eelsunmix.rank.line_words import line_warnings, offset_warnings
from eelsunmix.rank.neighbours import stability_of_numbers
from eelsunmix.rank.own_image import check_same_image
from eelsunmix.rank.parallel_analysis import noise_quantiles
from eelsunmix.rank.taking import take_number
from eelsunmix.typing import Bools, Floats
from eelsunmix.vacuum import sample_pixels


def estimate_endmembers(
    image: xr.DataArray,
    pca: xr.Dataset,
    options: ComponentOptions | None = None,
    *,
    vacuum: xr.DataArray | None = None,
) -> xr.Dataset:
    """Estimate the number of endmembers and choose one number.

    Parameters
    ----------
    image : DataArray, dims (y, x, energy) or (frame, y, x, energy) in any order
        The image that `pca` belongs to; read twice, block by block, and once more without `vacuum`.
    pca : Dataset
        From `denoise`.
    options : ComponentOptions, optional
        Defaults where not given.
    vacuum : DataArray of bool, dims those of the pixels, optional
        Pixels without sample, where no counts are predicted and no residuals looked at; found without it.

    Returns
    -------
    Dataset
        `estimate` (estimator), `parallel_eigenvalue` (index; on the scale of `eigenvalue`),
        `coherence` (component): positive where a score map has more order than scan lines have by chance;
        `chi2` and `stability` (number): what one component less or more would change;
        `residual_deviation` (navigation): what the components miss in each pixel with sample, in standard
        deviations, and for counts `prediction_chi2` (n_predicting): how well components of half of the counts
        predict the others. Attributes: `n_endmembers`, `chosen`, `reason`, `noise_level`, `noise_edge`,
        `noise_stretch`, `signal_rank` (eigenvalues above the edge), `residual_limit`, `second_opinion`,
        `warnings`.

    Raises
    ------
    InputError
        The user's number exceeds what the data can hold; `pca` or `vacuum` belongs to another image.

    Notes
    -----
    On data that are not ideal counts (correlated channels, a camera, less than half a count per channel) an
    eigenvalue just above the edge counts only if its map is in order along an axis: alike neighbours, a
    period. What varies at random from scan line to scan line, as camera read-out does, is no material.
    """
    options, image = options or ComponentOptions(), in_canonical_order(image)
    check_same_image(image, pca)
    pca = pca.transpose(*image.dims[:-1], "component", ...)
    values, n_pixels = pca.eigenvalue.to_numpy(), int(pca.attrs["n_valid_pixels"])
    check_user(options, pca, values)
    noise = measure_noise(values, n_pixels, int(pca.attrs["n_channels_with_counts"]))
    maps = ScoreMaps(pca)
    coherence, parallel = map_coherence(maps), _parallel(pca, noise)
    # Nearly empty pixels have no noise to compare with, and would set the scatter of the darkest ones.
    sample = sample_pixels(image, vacuum)
    looked_at = image.assign_coords(valid_pixel=(image.dims[:-1], sample))
    evidence = _evidence(pca, noise, coherence, parallel)
    about_lines = _about_lines(pca, sample, coherence, evidence)  # before there is a map of residuals
    taken = take_number(looked_at, pca, evidence, coherence, options)
    evidence, number, examined = taken.evidence, taken.number, taken.examined
    estimates = evidence.estimates | examined.estimates | ({} if options.n == "auto" else {"user": options.n})
    found = {
        "estimate": ("estimator", np.array(list(estimates.values())), {"units": "1"}),
        "parallel_eigenvalue": ("index", parallel, {"units": "1"}),
        "coherence": ("component", coherence, {"units": "1"}),
    }
    said = [
        *_warnings(pca, maps, about_lines, evidence, number, options),
        *examined.warnings(taken.around, estimated=number if options.n == "auto" else None),
    ]
    attrs = {"n_endmembers": number, "chosen": taken.chosen, "reason": taken.reason, **_describe(noise)}
    attrs |= {**examined.attrs, "second_opinion": examined.second_opinion, "warnings": said}
    dataset = xr.Dataset(found, coords={"estimator": list(estimates)})
    return dataset.merge(taken.around).merge(examined.variables).assign_attrs(attrs)


def elbow(eigenvalues: Floats, max_points: int = 20) -> int:
    """Count the components up to the elbow of the scree plot, as HyperSpy's users know it.

    The elbow is the point of the logarithmic scree plot that is farthest from the line between its first and
    last point. Its index counts from zero; the number of components is one more.

    References
    ----------
    Satopää, Albrecht, Irwin, Raghavan, ICDCS Workshops (2011) 166, section III.

    Examples
    --------
    >>> elbow(np.array([1e4, 300.0, 100.0, 1.1, 1.0, 0.9, 0.8, 0.7]))
    4
    """
    values = eigenvalues[eigenvalues > 0][:max_points]
    if len(values) < 3:
        return max(1, len(values))
    height = np.log10(values)
    position = np.linspace(0, 1, len(values))
    # All points share the line, so the vertical distance ranks them as the perpendicular one does.
    below = height[0] + (height[-1] - height[0]) * position - height
    return int(np.argmax(np.abs(below))) + 1


def _counts_ideally(pca: xr.Dataset, noise: Noise) -> bool:
    mean = float((pca.channel_weight**2).mean())
    return noise.is_white and 0.5 < noise.level < 2.0 and mean >= 0.5


def _parallel(pca: xr.Dataset, noise: Noise) -> Floats:
    """Quantiles of pure noise; zero for what dead channels or lost pixels leave of the index."""
    pixel = pca.pixel_weight.to_numpy().ravel()
    channel = np.sort(pca.channel_weight.to_numpy() ** 2)[::-1][: pca.attrs["n_channels_with_counts"]]
    pixel = pixel[np.isfinite(pixel)] ** 2
    pixel.sort()
    pixel = pixel[::-1][: pca.attrs["n_valid_pixels"]]
    quantiles = noise_quantiles(pixel, channel, noise.level, np.random.default_rng(0))
    result = np.zeros(pca.sizes["index"])
    result[: len(quantiles)] = quantiles[: len(result)]
    return result


def _evidence(pca: xr.Dataset, noise: Noise, coherence: Floats, parallel: Floats) -> Evidence:
    values = pca.eigenvalue.to_numpy()
    empty = holds_no_structure(pca, noise)
    material = count_signals(values, noise, coherence, counting=_counts_ideally(pca, noise))
    estimates = {
        "marchenko_pastur": 0 if empty else max(1, material),
        "parallel_analysis": max(1, int(np.sum(values > MARGIN * parallel[0]))),
        "elbow": elbow(values),
    }
    n_drift = 0 if empty else drift_components(pca, material, noise.edge)
    return Evidence(
        estimates=estimates,
        eigenvalues=values,
        noise=noise,
        n_drift=n_drift,
        empty=empty,
        stability=stability_of_numbers(pca),
    )


def _about_lines(pca: xr.Dataset, sample: Bools, coherence: Floats, evidence: Evidence) -> list[str]:
    """Leave vacuum out: its scores, brought to a brightness of one, are huge, and are no scan lines."""
    inside, noise = xr.DataArray(sample, dims=pca["score"].dims[:-1]), evidence.noise
    maps = ScoreMaps(pca.assign(score=pca["score"].where(inside)))
    standing = maps.leading(min(noise.rank, maps.shape[-1]))
    if _counts_ideally(pca, noise):
        return offset_warnings(standing, evidence.eigenvalues, noise)
    return line_warnings(standing, coherence, evidence)


def _warnings(
    pca: xr.Dataset,
    maps: ScoreMaps,
    about_lines: list[str],
    evidence: Evidence,
    number: int,
    options: ComponentOptions,
) -> list[str]:
    noise = evidence.noise
    left_out = evidence.n_drift if options.n == "auto" else None
    # A jump is a drift too, but is known better: where, and by how much.
    jump = [] if left_out else jump_warnings(pca, maps, noise)
    return [
        *choice_warnings(number, evidence, options),
        *(jump or drift_warnings(pca, max(number, noise.rank), left_out=left_out)),
        *about_lines,
    ]


def _describe(noise: Noise) -> dict[str, float]:
    return {
        "noise_level": noise.level,
        "noise_edge": noise.edge,
        "noise_stretch": noise.stretch,
        "signal_rank": noise.rank,
    }
