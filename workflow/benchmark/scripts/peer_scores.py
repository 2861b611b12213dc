"""Results of another program on all images of a scene at one dose, compared with the truth."""

from eelsunmix.benchmark.peers import score_peer
from eelsunmix.benchmark.scene import scene_options
from eelsunmix.execution.job import job
from eelsunmix.storage import publish

with job(snakemake.log[0], threads=snakemake.threads, dask=snakemake.config["dask"]):
    params, place = snakemake.params, snakemake.wildcards
    scene = scene_options(place.scene, float(place.counts), size=params.size, seed=params.seed)
    run = score_peer(snakemake.input.results, scene, place.label, n_replicates=params.n_replicates)
    publish(run.assign_attrs(label=place.label), snakemake.output[0], kind="benchmark", settings=params)
