"""The layouts of all kinds of stores: what `publish` checks and `docs/data-model.md` shows."""

from types import MappingProxyType

from eelsunmix.storage.layout import Layout
from eelsunmix.storage.layouts.background import BS
from eelsunmix.storage.layouts.benchmark import BENCHMARK
from eelsunmix.storage.layouts.comparison import COMPARISON
from eelsunmix.storage.layouts.components import PCA, RANK
from eelsunmix.storage.layouts.images import CORRECTED, RAW
from eelsunmix.storage.layouts.unmixing import FIT, MAP, RECOMMENDED

LAYOUTS = MappingProxyType(
    {
        "raw": RAW,
        "corrected": CORRECTED,
        "pca": PCA,
        "rank": RANK,
        "bs": BS,
        "fit": FIT,
        "recommended": RECOMMENDED,
        "map": MAP,
        "comparison": COMPARISON,
        "benchmark": BENCHMARK,
    }
)
"""Layout of each kind of store, in the order in which the stages make them."""

__all__ = ["LAYOUTS", "Layout"]
