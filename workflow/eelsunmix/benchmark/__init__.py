"""The paper's synthetic benchmark: every method on chequerboards of known truth, beside what is possible.

A wing of its own: it uses all of the package, and the package knows of it only the options of its key.

Examples
--------
>>> from eelsunmix.benchmark.replicates import run_replicates
>>> from eelsunmix.synthetic import ChequerboardOptions
>>> run = run_replicates(ChequerboardOptions(size=(17, 24), counts=2000.0), "vca", n_replicates=2)
>>> dict(run["nmse"].sizes)
{'replicate': 2, 'endmember': 3}
"""
