"""All stores of a sample -> its page and its verdict."""

from eelsunmix.execution.job import job
from eelsunmix.report import read_benchmarks, write_report
from eelsunmix.storage import check_inputs, installed_versions, open_stores, seals, versions_of

with job(snakemake.log[0], threads=snakemake.threads, dask=snakemake.config["dask"]):
    check_inputs(snakemake.params.made_of)
    stages = ["raw", "corrected", "pca", "rank", "bs", "comparison"]
    write_report(
        snakemake.output.page,
        verdict=snakemake.output.verdict,
        sample=snakemake.wildcards.sample,
        stores=open_stores(map(snakemake.input.get, stages)),
        fits=open_stores(snakemake.input.fits),
        maps=open_stores(snakemake.input.maps),
        benchmarks=read_benchmarks(snakemake.params.benchmarks),
        settings=snakemake.params.settings,
        seals=seals(snakemake.input),
        made_with=snakemake.params,
        versions=installed_versions(),
        versions_of_stores=versions_of(snakemake.input),
        title=snakemake.params.title,
    )
