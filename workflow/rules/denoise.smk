"""Weighted principal components, and how many endmembers they hold."""


rule denoise:
    input:
        corrected="results/{sample}/corrected.zarr",
    output:
        directory("results/{sample}/pca.zarr"),
    log:
        "results/{sample}/logs/denoise.log",
    benchmark:
        "results/{sample}/benchmarks/denoise.tsv"
    threads: 2
    resources:
        mem_mb=per_attempt(1500),
        runtime=per_attempt(60),
    params:
        denoise=of_sample("denoise"),
        code=source_fingerprint("eelsunmix.pca"),
    message:
        "{wildcards.sample}: principal components"
    script:
        "../scripts/denoise.py"


rule estimate_endmembers:
    input:
        corrected="results/{sample}/corrected.zarr",
        pca="results/{sample}/pca.zarr",
    output:
        directory("results/{sample}/rank.zarr"),
    log:
        "results/{sample}/logs/estimate_endmembers.log",
    benchmark:
        "results/{sample}/benchmarks/estimate_endmembers.tsv"
    resources:
        mem_mb=per_attempt(1500),
        runtime=per_attempt(30),
    params:
        components=of_sample("components"),
        code=source_fingerprint("eelsunmix.rank"),
    message:
        "{wildcards.sample}: number of endmembers"
    script:
        "../scripts/estimate_endmembers.py"
