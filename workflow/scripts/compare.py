"""All stores of a sample -> comparison.zarr."""

from eelsunmix.comparison import compare
from eelsunmix.configuration import from_params
from eelsunmix.edges import EdgeRequest
from eelsunmix.execution.job import job
from eelsunmix.profiles import Profile, Region
from eelsunmix.storage import check_inputs, open_store, open_stores, publish

with job(snakemake.log[0], threads=snakemake.threads, dask=snakemake.config["dask"]):
    check_inputs(snakemake.params.made_of)
    corrected = open_store(snakemake.input.corrected)
    bs, raw = open_stores([snakemake.input.bs, snakemake.input.raw]).values()
    comparison = compare(
        corrected.counts,
        bs,
        open_stores(snakemake.input.fits),
        open_stores(snakemake.input.maps),
        edges=from_params(dict[str, EdgeRequest], snakemake.params.edges),
        profiles=from_params(dict[str, Profile], snakemake.params.profiles),
        regions=from_params(dict[str, Region], snakemake.params.regions),
        component_names=snakemake.params.component_names,
        truth=raw,
        total_counts=corrected.total_counts,
        mean_spectrum=corrected.mean_spectrum,
    )
    publish(
        comparison, snakemake.output[0], kind="comparison", inputs=snakemake.input, settings=snakemake.params
    )
