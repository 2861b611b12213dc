"""Options of a scene -> raw.zarr with its truth."""

from eelsunmix.configuration import from_params
from eelsunmix.execution.job import job
from eelsunmix.storage import publish
from eelsunmix.synthetic import SCENES, simulate

with job(snakemake.log[0], threads=snakemake.threads, dask=snakemake.config["dask"]):
    scene = simulate(from_params(SCENES[snakemake.params.scene], snakemake.params.options))
    publish(scene.to_dataset(), snakemake.output[0], kind="raw", settings=snakemake.params)
