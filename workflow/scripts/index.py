"""The verdicts of all samples -> the page that lists them."""

from eelsunmix.execution.job import job
from eelsunmix.report.index import write_index
from eelsunmix.storage import check_inputs

with job(snakemake.log[0], threads=snakemake.threads, dask=snakemake.config["dask"]):
    check_inputs(snakemake.params.made_of)
    write_index(
        snakemake.output[0],
        snakemake.input.verdicts,
        skipped=snakemake.params.skipped,
        benchmark=snakemake.params.benchmark,
        made_with=snakemake.params,
    )
