"""A fitted model applied to all pixels of an image."""

from eelsunmix.execution.job import job
from eelsunmix.inputs import mapped_image
from eelsunmix.mapping import apply
from eelsunmix.mapping.timing import mapping_time
from eelsunmix.storage import check_inputs, open_store, publish

with job(snakemake.log[0], threads=snakemake.threads, dask=snakemake.config["dask"]):
    check_inputs(snakemake.params.made_of)
    corrected = open_store(snakemake.input.corrected)
    pca, rank = open_store(snakemake.input.pca), open_store(snakemake.input.rank)
    model = open_store(snakemake.input.model, kind="fit")
    image = mapped_image(snakemake.params.input, corrected.counts, pca, rank)
    maps = apply(
        model,
        image,
        counts=corrected.counts,
        vacuum=corrected.vacuum,
        mean_spectrum=corrected.mean_spectrum,
    ).assign_attrs(mapping_time(model, image))
    publish(maps, snakemake.output[0], kind="map", inputs=snakemake.input, settings=snakemake.params)
