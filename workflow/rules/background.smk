"""Background subtraction: the reference that every method is compared with."""


rule subtract_background:
    input:
        remade("subtract_background"),
        corrected="results/{sample}/corrected.zarr",
    output:
        directory("results/{sample}/bs.zarr"),
    log:
        "results/{sample}/logs/subtract_background.log",
    benchmark:
        "results/{sample}/benchmarks/subtract_background.tsv"
    group:
        together
    threads: threads_of("subtract_background")
    resources:
        **needs("subtract_background"),
    params:
        **asked("subtract_background"),
    message:
        "{wildcards.sample}: background subtraction"
    script:
        "../scripts/subtract_background.py"
