"""One fit and one map rule per method label of the configuration, so that each can be rerun and sized alone."""

for label in sorted({label for sample in samples.values() for label in sample.methods}):

    rule:
        name:
            f"fit_{label}"
        input:
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
            mem_mb=lambda wildcards, attempt: 2000 * attempt,
            runtime=lambda wildcards, attempt: 60 * attempt,
        params:
            method=lambda wildcards: samples[wildcards.sample]
            .methods[wildcards.label]
            .method,
            input=lambda wildcards: samples[wildcards.sample]
            .methods[wildcards.label]
            .input,
            brightness=lambda wildcards: samples[wildcards.sample]
            .methods[wildcards.label]
            .brightness,
            options=lambda wildcards: as_params(
                samples[wildcards.sample].methods[wildcards.label].options
            ),
            seed=lambda wildcards: samples[wildcards.sample].seed_of(wildcards.label),
            n_learning_pixels=lambda wildcards: samples[
                wildcards.sample
            ].n_learning_pixels,
            code=lambda wildcards: source_fingerprint(
                "eelsunmix.inputs",
                "eelsunmix.unmixing",
                f"eelsunmix.methods.{samples[wildcards.sample].methods[wildcards.label].method}",
            ),
        message:
            "{wildcards.sample}: fit {wildcards.label}"
        script:
            "../scripts/fit.py"

    rule:
        name:
            f"map_{label}"
        input:
            model=lambda wildcards: f"results/{samples[wildcards.sample].fit_on or wildcards.sample}/fit/{wildcards.label}.zarr",
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
        threads: 2
        resources:
            mem_mb=lambda wildcards, attempt: 1500 * attempt,
            runtime=lambda wildcards, attempt: 60 * attempt,
        params:
            input=lambda wildcards: samples[wildcards.sample]
            .methods[wildcards.label]
            .input,
            code=source_fingerprint(
                "eelsunmix.inputs", "eelsunmix.mapping_time", "eelsunmix.unmixing"
            ),
        message:
            "{wildcards.sample}: map with {wildcards.label}"
        script:
            "../scripts/map.py"
