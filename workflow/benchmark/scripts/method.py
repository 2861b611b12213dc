"""One method on all images of a scene at one dose, compared with the truth."""

from eelsunmix.benchmark.replicates import run_replicates
from eelsunmix.benchmark.scene import scene_options
from eelsunmix.execution.job import job
from eelsunmix.storage import publish

with job(snakemake.log[0], threads=snakemake.threads, dask=snakemake.config["dask"]):
    params, place = snakemake.params, snakemake.wildcards
    scene = scene_options(place.scene, float(place.counts), size=params.size, seed=params.seed)
    run = run_replicates(
        scene,
        params.method,
        params.options,
        n_replicates=params.n_replicates,
        kind=params.input,
        brightness=params.brightness,
        seed=params.method_seed,
        device=snakemake.config["device"],
        checkpoint=f"{snakemake.log[0]}.checkpoint",
    )
    publish(run.assign_attrs(label=place.label), snakemake.output[0], kind="benchmark", settings=params)
