"""How many endmembers an image holds: several estimates, the evidence, and one choice with its reason."""

from typing import Annotated, Literal

import numpy as np
import xarray as xr
from pydantic import Field

from eelsunmix.errors import InputError
from eelsunmix.options import Options
from eelsunmix.pca.drift import drift_warnings
from eelsunmix.pca.noise_eigenvalues import MARGIN, Noise, measure_noise, rounding_error
from eelsunmix.rank.coherence import count_signals, map_coherence
from eelsunmix.rank.parallel_analysis import noise_quantiles
from eelsunmix.typing import Floats


class ComponentOptions(Options):
    """Number of endmembers to look for, or how to find it.

    Parameters
    ----------
    n : int or "auto"
        The number, or "auto" to estimate it.
    max : int
        Largest number that an estimate may give.
    estimator : {"auto", "marchenko_pastur", "parallel_analysis", "elbow"}
        Estimate that is used if `n` is "auto"; "auto" is the calibrated edge of Marchenko and Pastur.
    """

    n: Annotated[int, Field(ge=1)] | Literal["auto"] = "auto"
    max: int = Field(10, ge=1)
    estimator: Literal["auto", "marchenko_pastur", "parallel_analysis", "elbow"] = "auto"


def estimate_endmembers(
    image: xr.DataArray, pca: xr.Dataset, options: ComponentOptions | None = None
) -> xr.Dataset:
    """Estimate the number of endmembers and choose one number.

    Parameters
    ----------
    image : DataArray, shape (..., channel)
        The image that `pca` belongs to; only its shape and name are used.
    pca : Dataset
        From `denoise`.
    options : ComponentOptions, optional
        Defaults where not given.

    Returns
    -------
    Dataset
        `estimate` (estimator), `parallel_eigenvalue` (index; on the scale of `eigenvalue`),
        `coherence` (component): how alike neighbours are in each score map, positive if more than by chance.
        Attributes: `n_endmembers`, `chosen`, `reason`, `noise_level`, `noise_edge`, `noise_stretch`,
        `signal_rank` (eigenvalues above the edge), `warnings`.

    Raises
    ------
    InputError
        The user's number exceeds what the data can hold; or `pca` belongs to another image.

    Notes
    -----
    On data that are not ideal counts (correlated channels, a camera, less than half a count per channel) an
    eigenvalue just above the edge counts only if its map is coherent along both axes. What varies at random
    from scan line to scan line, as camera read-out does, is no material.
    """
    options = options or ComponentOptions()
    if image.dims[-1] not in pca.dims or image.shape[-1] != pca.sizes[image.dims[-1]]:
        raise InputError(
            f"the PCA belongs to another image than {image.name or 'this one'}; run denoise again"
        )
    values, n_pixels = pca.eigenvalue.to_numpy(), int(pca.attrs["n_valid_pixels"])
    _check_user(options, pca, values)
    noise = measure_noise(values, n_pixels, int(pca.attrs["n_channels_with_counts"]))
    coherence, parallel = _coherence(pca), _parallel(pca, noise)
    estimates = _estimates(pca, noise, coherence, parallel)
    number, chosen, reason = _choose(estimates, values, noise, options)
    if options.n != "auto":
        estimates["user"] = options.n
    evidence = {
        "estimate": ("estimator", np.array(list(estimates.values())), {"units": "1"}),
        "parallel_eigenvalue": ("index", parallel, {"units": "1"}),
        "coherence": ("component", coherence, {"units": "1"}),
    }
    choice = {"n_endmembers": number, "chosen": chosen, "reason": reason}
    warnings = [*_warnings(number, estimates, noise, options), *drift_warnings(pca, number)]
    attrs = {**choice, **_describe(noise), "warnings": warnings}
    return xr.Dataset(evidence, coords={"estimator": list(estimates)}, attrs=attrs)


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


def _coherence(pca: xr.Dataset) -> Floats:
    maps = (pca.score / pca.pixel_weight).transpose(*pca.score.dims).to_numpy().astype(np.float64)
    return map_coherence(maps.reshape(-1, *maps.shape[-3:]))


def _counts_ideally(pca: xr.Dataset, noise: Noise) -> bool:
    mean = float((pca.channel_weight**2).mean())
    return noise.is_white and 0.5 < noise.level < 2.0 and mean >= 0.5


def _parallel(pca: xr.Dataset, noise: Noise) -> Floats:
    """Quantiles of pure noise; zero for what dead channels or lost pixels leave of the index."""
    pixel = pca.pixel_weight.to_numpy().ravel() ** 2
    channel = np.sort(pca.channel_weight.to_numpy() ** 2)[::-1][: pca.attrs["n_channels_with_counts"]]
    pixel = np.sort(pixel[np.isfinite(pixel)])[::-1][: pca.attrs["n_valid_pixels"]]
    quantiles = noise_quantiles(pixel, channel, noise.level, np.random.default_rng(0))
    result = np.zeros(pca.sizes["index"])
    result[: len(quantiles)] = quantiles[: len(result)]
    return result


def _estimates(pca: xr.Dataset, noise: Noise, coherence: Floats, parallel: Floats) -> dict[str, int]:
    values = pca.eigenvalue.to_numpy()
    material = count_signals(values, noise, coherence, counting=_counts_ideally(pca, noise))
    return {
        "marchenko_pastur": max(1, material),
        "parallel_analysis": max(1, int(np.sum(values > MARGIN * parallel[0]))),
        "elbow": elbow(values),
    }


def _describe(noise: Noise) -> dict[str, float]:
    return {
        "noise_level": noise.level,
        "noise_edge": noise.edge,
        "noise_stretch": noise.stretch,
        "signal_rank": max(1, noise.rank),
    }


def _check_user(options: ComponentOptions, pca: xr.Dataset, values: Floats) -> None:
    if options.n == "auto":
        return
    shape = int(pca.attrs["n_valid_pixels"]), int(pca.attrs["n_channels"])
    numerical = int(np.sum(values > rounding_error(values, *shape)))
    limits = {
        f"the image has only {shape[0]} valid pixels": shape[0],
        f"the image has only {shape[1]} channels": shape[1],
        f"the numerical rank of the image is {numerical}": numerical,
        f"the PCA keeps {pca.sizes['component']} components (denoise.n_components)": pca.sizes["component"],
    }
    message, limit = min(limits.items(), key=lambda item: item[1])
    if options.n > limit:
        raise InputError(f"components.n is {options.n}, but {message}; choose at most {limit}")


def _choose(
    estimates: dict[str, int], values: Floats, noise: Noise, options: ComponentOptions
) -> tuple[int, str, str]:
    """Return the number of endmembers, the estimator chosen, and one plain sentence."""
    edge = (
        f"{noise.rank} eigenvalues exceed the noise edge of {noise.edge:.3g} (noise level {noise.level:.3g})"
    )
    if options.n != "auto":
        return options.n, "user", f"{options.n} as set in components.n; {edge}."
    chosen = "marchenko_pastur" if options.estimator == "auto" else options.estimator
    found = estimates[chosen]
    sentences = {
        "marchenko_pastur": f"{edge}{_following(values, noise)}{_left_out(found, noise)}",
        "parallel_analysis": f"{found} eigenvalues exceed the largest one of simulated noise (99 %)",
        "elbow": f"the scree plot has its elbow at component {found}",
    }
    number = min(found, options.max)
    capped = f"; components.max allows {number}" if number < found else ""
    return number, chosen, f"{sentences[chosen]}{capped}."


def _following(values: Floats, noise: Noise) -> str:
    return f", the next one is {values[noise.rank]:.3g}" if noise.rank < len(values) else ""


def _left_out(found: int, noise: Noise) -> str:
    if (left_out := noise.rank - found) <= 0:
        return ""
    return f"; {left_out} near the edge not counted: maps not coherent in space, as those of detector noise"


def _warnings(number: int, estimates: dict[str, int], noise: Noise, options: ComponentOptions) -> list[str]:
    warnings = []
    if number > max(1, noise.rank):
        warnings.append(
            f"{number} endmembers are asked for, but {max(1, noise.rank)} components stand out from the "
            "noise; the others will be fitted to noise"
        )
    if not noise.is_white:
        warnings.append(
            f"the noise is correlated between channels: its eigenvalues reach {noise.stretch:.2f} times "
            "as far as those of white noise; parallel analysis assumes white noise and may find too many"
        )
    if options.n == "auto" and estimates["marchenko_pastur"] > options.max:
        warnings.append(
            f"{estimates['marchenko_pastur']} components stand out; components.max is {options.max}"
        )
    return warnings
