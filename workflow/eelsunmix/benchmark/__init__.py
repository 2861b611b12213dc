"""The paper's synthetic benchmark: every method on chequerboards of known truth, beside what is possible.

Examples
--------
>>> from eelsunmix import benchmark, synthetic
>>> scene = synthetic.ChequerboardOptions(size=(17, 24), counts=2000.0)
>>> run = benchmark.run_replicates(scene, "vca", n_replicates=2)
>>> dict(run["nmse"].sizes)
{'replicate': 2, 'endmember': 3}
"""

from eelsunmix.benchmark.limits import cramer_rao_nmse, run_oracle
from eelsunmix.benchmark.options import BenchmarkOptions
from eelsunmix.benchmark.replicates import run_replicates
from eelsunmix.benchmark.results import Results, collect
from eelsunmix.benchmark.subtraction import run_background_subtraction

__all__ = [
    "BenchmarkOptions",
    "Results",
    "collect",
    "cramer_rao_nmse",
    "run_background_subtraction",
    "run_oracle",
    "run_replicates",
]
