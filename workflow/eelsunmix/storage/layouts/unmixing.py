"""Layouts of the stores `fit/<m>.zarr` and `map/<m>.zarr` of a method."""

from eelsunmix.storage.layout import Layout, attribute, variable
from eelsunmix.storage.layouts.axes import ENERGY, IMAGE

RESULT = "it gave a result"
NUISANCE = "directions were taken out"
OUTCOME = {
    "method": attribute("str", "name of the method"),
    "options": attribute("dict", "all of them, defaults included"),
    "input": attribute("str", "`corrected`, `pca` or `nlm`"),
    "seed": attribute("int", "of the sample of pixels and of the method"),
    "n_endmembers": attribute("int", "how many were asked for"),
    "status": attribute("str", "`converged`, `not converged` or `failed`"),
    "message": attribute("str", "the numbers behind the status, or why it failed"),
    "model": attribute("str", "name of the class of the model; empty where it failed"),
}
FIT = Layout(
    path="fit/<m>.zarr",
    variables={
        "endmember_spectrum": variable(
            "endmember energy", "float", "counts", "of a pixel of abundance 1, on the scale of the method"
        ),
        "nuisance_direction": variable(
            "nuisance energy", "float", "counts", "in which one material differs from itself", when=NUISANCE
        ),
        "nuisance_filter": variable(
            "nuisance energy", "float", "1/counts", "gives how far to move a spectrum along it", when=NUISANCE
        ),
    },
    coordinates=ENERGY,
    attributes=OUTCOME
    | {
        "model_settings": attribute("dict", "what the model holds beside its arrays", when=RESULT),
        "brightness": attribute(
            "str", "`variable` where pixels were brought to the same counts, or `constant`"
        ),
        "equalised_counts": attribute(
            "float",
            "Total counts to which each spectrum is brought before it is mapped.",
            when="pixels were brought to the same counts",
        ),
        "learned_brightness": attribute(
            "float",
            "sum of the abundances of the mean spectrum that it has learned from",
            when="abundances sum to one, and pixels were not brought to the same counts",
        ),
        "brightness_spread": attribute(
            "float|None", "how much they differ, in units of the noise; None where not measured"
        ),
        "nuisance": attribute("int", "directions that were taken out of the spectra"),
        "nuisance_reason": attribute("str", "the evidence for them, or why there is none"),
        "anchored": attribute(
            "bool", "whether edges anchor the endmembers; the message says why not", when="`anchor: edges`"
        ),
        "warnings": attribute(
            "list", "sentences, where edges were to anchor the endmembers and cannot", when="`anchor: edges`"
        ),
        "n_learning_pixels": attribute("int", "pixels that the method has learned from"),
        "seconds": attribute("float", "time of the fit"),
    },
    may_fail=True,
)

RECOMMENDED = Layout(
    path="fit/recommended.zarr",
    variables={
        "endmember_spectrum": variable(
            "endmember energy", "float", "counts", "of a pixel of share 1 and brightness 1"
        ),
        "endmember_spectrum_sd": variable(
            "endmember energy",
            "float",
            "counts",
            "its standard deviation: errors on simulated images, and what other simplices allow",
        ),
        **{name: FIT.variables[name] for name in ("nuisance_direction", "nuisance_filter")},
        **{
            name: variable("navigation endmember", "float", "1", meaning)
            for name, meaning in {
                "abundance": "shares, which sum to one; 0 in vacuum",
                "abundance_sd": "their standard deviation: errors on twins, other simplices and totals",
                "thickness_weighted_abundance": "share x brightness; 0 in vacuum",
                "thickness_weighted_abundance_sd": "its standard deviation: the same but for the totals",
            }.items()
        },
    },
    coordinates=IMAGE
    | ENERGY
    | {"endmember": variable("endmember", "integer", None, "number of the endmember, from 0")},
    attributes=OUTCOME
    | {
        **{
            name: FIT.attributes[name]
            for name in ("model_settings", "brightness", "equalised_counts", "learned_brightness")
        },
        **{
            name: FIT.attributes[name]
            for name in ("brightness_spread", "nuisance", "nuisance_reason", "n_learning_pixels", "seconds")
        },
        "chosen": attribute("str", "the candidate that is recommended"),
        "reason": attribute("str", "how all candidates did on the simulated images, and who was left out"),
        "twin_error": attribute(
            "dict", "candidate -> squared error of its maps there, relative to their square; the best first"
        ),
        "excluded": attribute("dict", "candidate -> why it was left out"),
        "anchoring": attribute("str", "why edges did not anchor a candidate; empty where none was refused"),
        "warnings": attribute("list", "sentences on why it may not be trusted"),
    },
    may_fail=True,
)

MAP = Layout(
    path="map/<m>.zarr",
    variables={
        "abundance": variable("navigation endmember", "float", "1", "as the method returns it; 0 in vacuum"),
        "abundance_sd": variable(
            "navigation endmember",
            "float",
            "1",
            "its standard deviation by the noise of the counts, of VCA that of the endmembers too; "
            "at a bound, of the abundance set free",
            when="the method is no network",
        ),
        "thickness_weighted_abundance": variable(
            "navigation endmember",
            "float",
            "1",
            "abundance x brightness; 0 in vacuum",
            when="abundances sum to one",
        ),
        "thickness_weighted_abundance_sd": variable(
            "navigation endmember",
            "float",
            "1",
            "its standard deviation",
            when="abundances sum to one, and the method is no network",
        ),
        "refit_abundance": variable(
            "navigation endmember",
            "float",
            "1",
            "Poisson-weighted least squares of the corrected counts on the endmembers, non-negative unless "
            "the method is signed, no sum-to-one",
        ),
        "refit_abundance_sd": variable(
            "navigation endmember", "float", "1", "its standard deviation, as that of the abundance"
        ),
        "reduced_chi2": variable("navigation", "float", "1", "of the refit"),
        "mean_residual": variable(
            "energy", "float", "counts", "mean of (counts - refit) over the valid pixels"
        ),
        "mean_residual_sd": variable("energy", "float", "counts", "its expected standard deviation"),
    },
    coordinates=IMAGE
    | {"endmember": variable("endmember", "integer", None, "number of the endmember, from 0")},
    attributes=OUTCOME
    | {
        "warnings": attribute("list", "sentences, of an image of another dose", when=RESULT),
        "abundance_seconds": attribute(
            "float",
            "time of mapping so many pixels alone, without start-up, reading, refit and writing",
            when=RESULT,
        ),
        "abundance_pixels": attribute("int", "how many", when=RESULT),
    },
    may_fail=True,
)
