"""raw.zarr -> corrected.zarr."""

from eelsunmix.configuration import from_params
from eelsunmix.corrections import Corrections, correct_image
from eelsunmix.edges import EdgeRequest
from eelsunmix.execution.job import job
from eelsunmix.io import DetectorOptions
from eelsunmix.storage import check_inputs, open_store, publish

with job(snakemake.log[0], threads=snakemake.threads, dask=snakemake.config["dask"]):
    check_inputs(snakemake.params.made_of)
    corrected = correct_image(
        open_store(snakemake.input.raw).counts,
        from_params(Corrections, snakemake.params.corrections),
        edges=from_params(dict[str, EdgeRequest], snakemake.params.edges),
        detector=from_params(DetectorOptions, snakemake.params.detector),
    )
    publish(
        corrected,
        snakemake.output[0],
        kind="corrected",
        inputs=[snakemake.input.raw],
        settings=snakemake.params,
    )
