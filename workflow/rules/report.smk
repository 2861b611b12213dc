"""All methods beside the reference, and the page that shows them."""


rule compare:
    input:
        raw="results/{sample}/raw.zarr",
        corrected="results/{sample}/corrected.zarr",
        bs="results/{sample}/bs.zarr",
        fits=collect(
            "results/{source}/fit/{label}.zarr",
            source=of_sample("model_source"),
            label=of_sample("methods"),
        ),
        maps=collect("results/{{sample}}/map/{label}.zarr", label=of_sample("methods")),
    output:
        directory("results/{sample}/comparison.zarr"),
    log:
        "results/{sample}/logs/compare.log",
    benchmark:
        "results/{sample}/benchmarks/compare.tsv"
    resources:
        mem_mb=per_attempt(2000),
        runtime=per_attempt(30),
    params:
        edges=of_sample("edges"),
        profiles=of_sample("profiles"),
        regions=of_sample("regions"),
        code=source_fingerprint("eelsunmix.comparison"),
    message:
        "{wildcards.sample}: compare all methods with background subtraction"
    script:
        "../scripts/compare.py"


rule report:
    input:
        raw="results/{sample}/raw.zarr",
        corrected="results/{sample}/corrected.zarr",
        pca="results/{sample}/pca.zarr",
        rank="results/{sample}/rank.zarr",
        bs="results/{sample}/bs.zarr",
        comparison="results/{sample}/comparison.zarr",
        fits=rules.compare.input.fits,
        maps=rules.compare.input.maps,
    output:
        report(
            "reports/{sample}.html", category="Samples", labels={"sample": "{sample}"}
        ),
    log:
        "results/{sample}/logs/report.log",
    benchmark:
        "results/{sample}/benchmarks/report.tsv"
    resources:
        mem_mb=per_attempt(2000),
        runtime=per_attempt(30),
    params:
        title=of_sample("report.title"),
        settings=lambda wildcards: as_params(samples[wildcards.sample]),
        references=references_of_methods,  # of docstrings, which no fingerprint sees
        benchmarks="results/{sample}/benchmarks",
        code=source_fingerprint("eelsunmix.report"),
    message:
        "{wildcards.sample}: write {output}"
    script:
        "../scripts/report.py"
