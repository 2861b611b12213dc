"""corrected.zarr, pca.zarr and rank.zarr -> the recommended result, as a model and its maps."""

from eelsunmix.execution.job import job
from eelsunmix.model_arrays import model_arrays
from eelsunmix.recommended import fit_recommended
from eelsunmix.storage import check_inputs, open_store, publish

with job(snakemake.log[0], threads=snakemake.threads, dask=snakemake.config["dask"]):
    check_inputs(snakemake.params.made_of)
    corrected = open_store(snakemake.input.corrected)
    rank = open_store(snakemake.input.rank)
    model = fit_recommended(
        corrected.counts,
        n_endmembers=rank.attrs["n_endmembers"],
        pca=open_store(snakemake.input.pca),
        vacuum=corrected.vacuum,
        edges=snakemake.params.edges,
        seed=snakemake.params.seed,
    )
    publish(
        model,
        snakemake.output[0],
        kind="recommended",
        own=model_arrays(model),
        inputs=snakemake.input,
        settings=snakemake.params,
    )
