"""One fit and one map rule per method label of the configuration, so that each can be rerun and sized alone."""

for label in sorted({label for sample in samples.values() for label in sample.methods}):

    rule:
        name:
            f"fit_{label}"
        input:
            remade("fit"),
            corrected="results/{sample}/corrected.zarr",
            pca="results/{sample}/pca.zarr",
            rank="results/{sample}/rank.zarr",
        output:
            directory("results/{sample}/fit/{label}.zarr"),
        log:
            "results/{sample}/logs/fit_{label}.log",
        benchmark:
            "results/{sample}/benchmarks/fit_{label}.tsv"
        wildcard_constraints:
            label=label,
        resources:
            **needs("fit"),
        params:
            **asked("fit"),
        message:
            "{wildcards.sample}: fit {wildcards.label}"
        script:
            "../scripts/fit.py"

    rule:
        name:
            f"map_{label}"
        input:
            remade("map"),
            model=fitted_model,
            corrected="results/{sample}/corrected.zarr",
            pca="results/{sample}/pca.zarr",
            rank="results/{sample}/rank.zarr",
        output:
            directory("results/{sample}/map/{label}.zarr"),
        log:
            "results/{sample}/logs/map_{label}.log",
        benchmark:
            "results/{sample}/benchmarks/map_{label}.tsv"
        wildcard_constraints:
            label=label,
        threads: threads_of("map")
        resources:
            **needs("map"),
        params:
            **asked("map"),
        message:
            "{wildcards.sample}: map with {wildcards.label}"
        script:
            "../scripts/map.py"
