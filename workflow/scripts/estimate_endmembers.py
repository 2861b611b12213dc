"""corrected.zarr and pca.zarr -> rank.zarr."""

from eelsunmix.configuration import from_params
from eelsunmix.execution.job import job
from eelsunmix.rank import ComponentOptions, estimate_endmembers
from eelsunmix.storage import check_inputs, open_store, publish

with job(snakemake.log[0], threads=snakemake.threads, dask=snakemake.config["dask"], keep_freed=False):
    check_inputs(snakemake.params.made_of)
    corrected = open_store(snakemake.input.corrected)
    rank = estimate_endmembers(
        corrected.counts,
        open_store(snakemake.input.pca),
        from_params(ComponentOptions, snakemake.params.components),
        vacuum=corrected.vacuum,
    )
    publish(rank, snakemake.output[0], kind="rank", inputs=snakemake.input, settings=snakemake.params)
