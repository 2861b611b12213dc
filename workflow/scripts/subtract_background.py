"""corrected.zarr -> bs.zarr."""

from eelsunmix.background import BackgroundOptions, subtract_background
from eelsunmix.configuration import from_params
from eelsunmix.edges import EdgeRequest
from eelsunmix.execution.job import job
from eelsunmix.profiles import Profile, Region
from eelsunmix.storage import check_inputs, open_store, publish

with job(snakemake.log[0], threads=snakemake.threads, dask=snakemake.config["dask"]):
    check_inputs(snakemake.params.made_of)
    corrected = open_store(snakemake.input.corrected)
    bs = subtract_background(
        corrected.counts,
        from_params(dict[str, EdgeRequest], snakemake.params.edges),
        from_params(BackgroundOptions, snakemake.params.background),
        profiles=from_params(dict[str, Profile], snakemake.params.profiles),
        regions=from_params(dict[str, Region], snakemake.params.regions),
        raw_energy=corrected.raw_energy,
    )
    publish(bs, snakemake.output[0], kind="bs", inputs=snakemake.input, settings=snakemake.params)
