"""corrected.zarr -> pca.zarr."""

from eelsunmix.configuration import from_params
from eelsunmix.execution.job import job
from eelsunmix.pca import DenoiseOptions, denoise
from eelsunmix.storage import check_inputs, open_store, publish

with job(snakemake.log[0], threads=snakemake.threads, dask=snakemake.config["dask"]):
    check_inputs(snakemake.params.made_of)
    image = open_store(snakemake.input.corrected).counts
    pca = denoise(image, from_params(DenoiseOptions, snakemake.params.denoise))
    publish(pca, snakemake.output[0], kind="pca", inputs=snakemake.input, settings=snakemake.params)
