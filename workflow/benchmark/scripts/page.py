"""All stores of the benchmark -> its page."""

from eelsunmix.benchmark.page.page import write_benchmark_report
from eelsunmix.benchmark.results import collect
from eelsunmix.execution.job import job
from eelsunmix.storage import installed_versions, open_store, seals

with job(snakemake.log[0], threads=snakemake.threads, dask=snakemake.config["dask"]):
    write_benchmark_report(
        snakemake.output[0],
        collect(map(open_store, snakemake.input)),
        settings=snakemake.params.settings,
        seals=seals(snakemake.input),
        versions=installed_versions(),
        command=f"snakemake --cores all {snakemake.output[0]}",
    )
