"""Background subtraction: the reference that every method is compared with."""


rule subtract_background:
    input:
        corrected="results/{sample}/corrected.zarr",
    output:
        directory("results/{sample}/bs.zarr"),
    log:
        "results/{sample}/logs/subtract_background.log",
    benchmark:
        "results/{sample}/benchmarks/subtract_background.tsv"
    threads: 2
    resources:
        mem_mb=lambda wildcards, attempt: 1500 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        background=lambda wildcards: as_params(samples[wildcards.sample].background),
        edges=lambda wildcards: as_params(samples[wildcards.sample].edges),
        profiles=lambda wildcards: as_params(samples[wildcards.sample].profiles),
        regions=lambda wildcards: as_params(samples[wildcards.sample].regions),
        code=source_fingerprint("eelsunmix.background"),
    message:
        "{wildcards.sample}: background subtraction"
    script:
        "../scripts/subtract_background.py"
