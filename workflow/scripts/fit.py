"""corrected.zarr, pca.zarr and rank.zarr -> the fitted model of one method."""

from eelsunmix.execution.job import job
from eelsunmix.fitting import fit
from eelsunmix.inputs import learning_image
from eelsunmix.model_arrays import model_arrays
from eelsunmix.profile_geometry import edge_free_pixels
from eelsunmix.storage import check_inputs, open_store, publish

with job(snakemake.log[0], threads=snakemake.threads, dask=snakemake.config["dask"]):
    check_inputs(snakemake.params.made_of)
    corrected = open_store(snakemake.input.corrected)
    pca, rank = open_store(snakemake.input.pca), open_store(snakemake.input.rank)
    model = fit(
        learning_image(snakemake.params.input, corrected.counts, pca, rank),
        snakemake.params.method,
        n_endmembers=rank.attrs["n_endmembers"],
        seed=snakemake.params.seed,
        pca=pca,
        counts=corrected.counts,
        vacuum=corrected.vacuum,
        brightness=snakemake.params.brightness,
        nuisance=snakemake.params.nuisance,
        edge_free=edge_free_pixels(corrected.counts, snakemake.params.edge_free),
        anchor=snakemake.params.anchor,
        edges=snakemake.params.edges,
        n_learning_pixels=snakemake.params.n_learning_pixels,
        device=snakemake.config["device"],
        checkpoint=f"{snakemake.log[0]}.checkpoint",
        **snakemake.params.options,
    )
    publish(
        model,
        snakemake.output[0],
        kind="fit",
        own=model_arrays(model),
        inputs=snakemake.input,
        settings=snakemake.params,
    )
