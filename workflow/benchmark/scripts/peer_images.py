"""Images of a scene at one dose, for programs that know nothing of eelsunmix."""

from eelsunmix.benchmark.peers import write_images
from eelsunmix.benchmark.scene import scene_options
from eelsunmix.execution.job import job

with job(snakemake.log[0], threads=snakemake.threads, dask=snakemake.config["dask"]):
    params, place = snakemake.params, snakemake.wildcards
    scene = scene_options(place.scene, float(place.counts), size=params.size, seed=params.seed)
    write_images(snakemake.output[0], scene, n_replicates=params.n_replicates)
