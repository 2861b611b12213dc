"""Weighted principal components, and how many endmembers they hold."""


rule denoise:
    input:
        remade("denoise"),
        corrected="results/{sample}/corrected.zarr",
    output:
        directory("results/{sample}/pca.zarr"),
    log:
        "results/{sample}/logs/denoise.log",
    benchmark:
        "results/{sample}/benchmarks/denoise.tsv"
    group:
        together
    threads: threads_of("denoise")
    resources:
        **needs("denoise"),
    params:
        **asked("denoise"),
    message:
        "{wildcards.sample}: principal components"
    script:
        "../scripts/denoise.py"


rule estimate_endmembers:
    input:
        remade("estimate_endmembers"),
        corrected="results/{sample}/corrected.zarr",
        pca="results/{sample}/pca.zarr",
    output:
        directory("results/{sample}/rank.zarr"),
    log:
        "results/{sample}/logs/estimate_endmembers.log",
    benchmark:
        "results/{sample}/benchmarks/estimate_endmembers.tsv"
    group:
        together
    resources:
        **needs("estimate_endmembers"),
    params:
        **asked("estimate_endmembers"),
    message:
        "{wildcards.sample}: number of endmembers"
    script:
        "../scripts/estimate_endmembers.py"
