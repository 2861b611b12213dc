"""Background subtraction on all images of a scene at one dose, compared with the truth."""

from eelsunmix.benchmark.scene import scene_options
from eelsunmix.benchmark.subtraction import run_background_subtraction
from eelsunmix.execution.job import job
from eelsunmix.storage import publish

with job(snakemake.log[0], threads=snakemake.threads, dask=snakemake.config["dask"]):
    params, place = snakemake.params, snakemake.wildcards
    scene = scene_options(place.scene, float(place.counts), size=params.size, seed=params.seed)
    run = run_background_subtraction(scene, n_replicates=params.n_replicates, exponent=params.exponent)
    publish(run.assign_attrs(label=place.label), snakemake.output[0], kind="benchmark", settings=params)
