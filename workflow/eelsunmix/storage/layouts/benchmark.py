"""Layout of the runs of the benchmark: one method on all images of a scene at one dose."""

from eelsunmix.storage.layout import Layout, attribute, variable
from eelsunmix.storage.layouts.axes import ENERGY, POSITION

RESULT = "an image has a result"
_SCORE = "replicate endmember"
BENCHMARK = Layout(
    path="benchmark/<scene>/<counts>/<m>.zarr",
    variables={
        "sad": variable(_SCORE, "float", "rad", "spectral angle to the truth; NaN where unknown"),
        "sad_whitened": variable(_SCORE, "float", "rad", "the same in units of the noise"),
        "nmse": variable(_SCORE, "float", "1", "relative squared error of the abundance"),
        "nmse_scale_free": variable(_SCORE, "float", "1", "the same after the best factor"),
        "n_dead": variable("replicate", "integer", "1", "components that contribute nothing anywhere"),
        "n_duplicated": variable("replicate", "integer", "1", "components that repeat another one"),
        "seconds": variable("replicate", "float", "s", "time of the fit"),
        "map_seconds": variable("replicate", "float", "s", "time of the mapping alone"),
        "status": variable("replicate", "text", None, "`converged`, `not converged` or `failed`"),
        "message": variable("replicate", "text", None, "the numbers behind it, or why it failed"),
        "cramer_rao_nmse": variable(
            _SCORE, "float", "1", "smallest `nmse` without a bias", when="the method is `oracle`"
        ),
        "endmember_spectrum": variable(
            "endmember energy", "float", "counts", "of the first image with a result", when=RESULT
        ),
        "abundance": variable(
            "navigation endmember",
            "float",
            "1|counts",
            "of the first image with a result; of BS net counts",
            when=RESULT,
        ),
    },
    coordinates={name: one for name, one in POSITION.items() if name == "frame"}
    | {name: variable(name, "float", "nm|px", "centre of the pixel", when=RESULT) for name in ("y", "x")}
    | ENERGY
    | {"endmember": variable("endmember", "text", None, "name of the material")},
    attributes={
        "method": attribute("str", "`bs` and `oracle` too"),
        "label": attribute("str", "name in the configuration"),
        "options": attribute("dict", "of the method"),
        "scene": attribute("dict", "options of the first image; the seeds of the others follow"),
        "n_replicates": attribute("int", "number of images"),
        "input": attribute("str", "`corrected`, `pca` or `nlm`", when="a method of unmixing"),
        "shown_seed": attribute("int", "seed of the image that is shown", when=RESULT),
        "edge_of": attribute("dict", "endmember -> edge that stands for it", when="the method is `bs`"),
        "peer": attribute("str", "name and version of another program", when="of another program"),
    },
)
