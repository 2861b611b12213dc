"""What is possible on a scene at one dose: the oracle and the Cramer-Rao limit."""

from eelsunmix.benchmark.limits import run_oracle
from eelsunmix.benchmark.scene import scene_options
from eelsunmix.execution.job import job
from eelsunmix.storage import publish

with job(snakemake.log[0], threads=snakemake.threads, dask=snakemake.config["dask"]):
    params, place = snakemake.params, snakemake.wildcards
    scene = scene_options(place.scene, float(place.counts), size=params.size, seed=params.seed)
    run = run_oracle(scene, n_replicates=params.n_replicates)
    publish(run.assign_attrs(label="oracle"), snakemake.output[0], kind="benchmark", settings=params)
