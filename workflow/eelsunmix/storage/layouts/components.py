"""Layouts of `pca.zarr` and `rank.zarr`."""

from eelsunmix.storage.layout import Layout, attribute, variable
from eelsunmix.storage.layouts.axes import IMAGE

NLM = "`spatial: nlm`"
NOISY = "the image has noise"
KNOWN = "known of the image"
PCA = Layout(
    path="pca.zarr",
    variables={
        "eigenvalue": variable(
            "index",
            "float",
            "1",
            "of `X^T X / n_valid`, `X = counts / (pixel_weight * channel_weight)`; pure Poisson noise gives "
            "a bulk around `counts_per_electron`",
        ),
        "loading": variable("component energy", "float", "counts", "`counts ~ score @ loading`"),
        "score": variable("navigation component", "float", "1", "coordinates of the pixel, float32"),
        "channel_weight": variable(
            "energy", "float", "counts", "root of the rank-one Poisson variance (Keenan and Kotula)"
        ),
        "pixel_weight": variable("navigation", "float", "1", "the same of a pixel, relative to the mean"),
        "score_nlm": variable(
            "navigation component", "float", "1", "scores smoothed by non-local means", when=NLM
        ),
        "score_nlm_guarded": variable(
            "navigation component", "float", "1", "unsmoothed where the loss is significant", when=NLM
        ),
        "nlm_restored": variable("navigation", "bool", None, "where that is so", when=NLM),
    },
    coordinates=IMAGE
    | {"component": variable("component", "integer", None, "number of the component, from 0")},
    attributes={
        "counts_per_electron": attribute("float", "of the image", when=KNOWN),
        "title": attribute("str", "of the image", when=KNOWN),
        "signal": attribute("str", '"EELS" or "EDS"', when=KNOWN),
        "n_valid_pixels": attribute("int", "pixels that the components come from"),
        "n_channels": attribute("int", "channels of the image"),
        "n_channels_with_counts": attribute("int", "of these, not zero everywhere"),
        "noise_level": attribute("float", "mean of the eigenvalues of the noise"),
        "precision": attribute("str", "float32 or float64, of the sums"),
        "spatial": attribute("str", "none or nlm"),
        "nlm_components_compared": attribute(
            "int", "components that decide which pixels are alike", when=NLM
        ),
        "nlm_score_noise": attribute("list", "standard deviation of the noise of each score map", when=NLM),
        "nlm_restored_fraction": attribute("float", "share of the pixels that were restored", when=NLM),
    },
)

RANK = Layout(
    path="rank.zarr",
    variables={
        "estimate": variable("estimator", "integer", "1", "number of endmembers by each estimator"),
        "parallel_eigenvalue": variable(
            "index", "float", "1", "99 % quantile of pure noise, on the scale of `eigenvalue`"
        ),
        "coherence": variable(
            "component",
            "float",
            "1",
            "log10 of 1 % over the chance that random scan lines have the order of this score map",
        ),
        "chi2": variable(
            "number", "float", "1", "mean square of what so many components leave, over the noise"
        ),
        "stability": variable(
            "number",
            "float",
            "1",
            "cosine of the largest angle between the components of halves of the pixels",
        ),
        "residual_deviation": variable(
            "navigation",
            "float",
            "1",
            "largest deviation of a pixel with sample from the components in a window of energy, in sd",
            when=NOISY,
        ),
        "prediction_chi2": variable(
            "n_predicting",
            "float",
            "1",
            "misfit of held-out counts to none, one, two ... components of the others",
            when="the values are counts",
        ),
    },
    coordinates=IMAGE
    | {
        "estimator": variable(
            "estimator",
            "text",
            None,
            "`marchenko_pastur, parallel_analysis, elbow`, of counts `prediction`, if given `user`",
        ),
        "number": variable("number", "integer", None, "the chosen number of components and its neighbours"),
    },
    attributes={
        "n_endmembers": attribute("int", "the number that the fits use"),
        "chosen": attribute("str", "the estimator that it comes from"),
        "reason": attribute("str", "a sentence with the numbers"),
        "second_opinion": attribute("str", "a sentence on the prediction of held-out counts"),
        "noise_level": attribute("float", "mean of the eigenvalues of the noise, measured on their tail"),
        "noise_edge": attribute("float", "the largest eigenvalue that noise alone gives"),
        "noise_stretch": attribute("float", "how much wider the noise is than that of ideal counts"),
        "signal_rank": attribute("int", "eigenvalues above the edge"),
        "residual_limit": attribute("float", "`residual_deviation` that chance does not reach", when=NOISY),
        "warnings": attribute("list", "sentences"),
    },
)
