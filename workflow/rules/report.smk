"""All methods beside the reference, and the page that shows them."""


rule compare:
    input:
        raw="results/{sample}/raw.zarr",
        corrected="results/{sample}/corrected.zarr",
        bs="results/{sample}/bs.zarr",
        fits=lambda wildcards: [
            f"results/{samples[wildcards.sample].fit_on or wildcards.sample}/fit/{label}.zarr"
            for label in samples[wildcards.sample].methods
        ],
        maps=lambda wildcards: [
            f"results/{wildcards.sample}/map/{label}.zarr"
            for label in samples[wildcards.sample].methods
        ],
    output:
        directory("results/{sample}/comparison.zarr"),
    log:
        "results/{sample}/logs/compare.log",
    benchmark:
        "results/{sample}/benchmarks/compare.tsv"
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
    params:
        edges=lambda wildcards: as_params(samples[wildcards.sample].edges),
        profiles=lambda wildcards: as_params(samples[wildcards.sample].profiles),
        regions=lambda wildcards: as_params(samples[wildcards.sample].regions),
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
        "reports/{sample}.html",
    log:
        "results/{sample}/logs/report.log",
    benchmark:
        "results/{sample}/benchmarks/report.tsv"
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
    params:
        title=lambda wildcards: samples[wildcards.sample].report.title,
        settings=lambda wildcards: as_params(samples[wildcards.sample]),
        benchmarks="results/{sample}/benchmarks",
        code=source_fingerprint("eelsunmix.report"),
    message:
        "{wildcards.sample}: write {output}"
    script:
        "../scripts/report.py"
