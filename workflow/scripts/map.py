"""A fitted model applied to all pixels of an image."""

from eelsunmix.inputs import mapped_image
from eelsunmix.job import job
from eelsunmix.store import open_store, publish
from eelsunmix.unmixing import apply

with job(snakemake.log[0], threads=snakemake.threads, dask=snakemake.config["dask"]):
    corrected = open_store(snakemake.input.corrected).counts
    pca, rank = open_store(snakemake.input.pca), open_store(snakemake.input.rank)
    maps = apply(
        open_store(snakemake.input.model),
        mapped_image(snakemake.params.input, corrected, pca, rank),
        counts=corrected,
    )
    publish(maps, snakemake.output[0], inputs=snakemake.input, settings=snakemake.params)
