"""Vendor file -> raw.zarr."""

from eelsunmix.configuration import from_params
from eelsunmix.execution.job import job
from eelsunmix.io import AxesOptions, DetectorOptions, import_image
from eelsunmix.storage import publish

with job(snakemake.log[0], threads=snakemake.threads, dask=snakemake.config["dask"]):
    raw = import_image(
        snakemake.params.file,
        signal=snakemake.params.signal,
        axes=from_params(AxesOptions, snakemake.params.axes),
        detector=from_params(DetectorOptions, snakemake.params.detector),
        invalid_pixels=snakemake.params.invalid_pixels,
    )
    publish(
        raw,
        snakemake.output[0],
        kind="raw",
        files={snakemake.params.file: raw.attrs["source"]["sha256"]},
        settings=snakemake.params,
    )
