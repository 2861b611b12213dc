"""The recommended result -> its maps, and what it leaves of the counts of an image."""

from eelsunmix.execution.job import job
from eelsunmix.recommended import map_recommended
from eelsunmix.storage import check_inputs, open_store, publish

with job(snakemake.log[0], threads=snakemake.threads, dask=snakemake.config["dask"]):
    check_inputs(snakemake.params.made_of)
    corrected = open_store(snakemake.input.corrected)
    maps = map_recommended(
        open_store(snakemake.input.model, kind="recommended"),
        corrected.counts,
        pca=open_store(snakemake.input.pca),
        rank=open_store(snakemake.input.rank),
        vacuum=corrected.vacuum,
        mean_spectrum=corrected.mean_spectrum,
        same_image=snakemake.params.same_image,
    )
    publish(maps, snakemake.output[0], kind="map", inputs=snakemake.input, settings=snakemake.params)
