"""One fit and one map rule per method label of the configuration, so that each can be rerun and sized alone."""


rule fit_recommended:
    input:
        remade("fit_recommended"),
        corrected="results/{sample}/corrected.zarr",
        pca="results/{sample}/pca.zarr",
        rank="results/{sample}/rank.zarr",
    output:
        directory(f"results/{{sample}}/fit/{RECOMMENDED}.zarr"),
    log:
        "results/{sample}/logs/fit_recommended.log",
    benchmark:
        "results/{sample}/benchmarks/fit_recommended.tsv"
    group:
        together
    threads: threads_of("fit_recommended")
    resources:
        **needs("fit_recommended"),
    params:
        **asked("fit_recommended"),
    message:
        "{wildcards.sample}: recommend a result"
    script:
        "../scripts/fit_recommended.py"


rule map_recommended:
    input:
        remade("map_recommended"),
        model=fitted_model,
        corrected="results/{sample}/corrected.zarr",
        pca="results/{sample}/pca.zarr",
        rank="results/{sample}/rank.zarr",
    output:
        directory(f"results/{{sample}}/map/{RECOMMENDED}.zarr"),
    log:
        "results/{sample}/logs/map_recommended.log",
    benchmark:
        "results/{sample}/benchmarks/map_recommended.tsv"
    group:
        together
    threads: threads_of("map_recommended")
    resources:
        **needs("map_recommended"),
    params:
        **asked("map_recommended"),
    message:
        "{wildcards.sample}: map with the recommended result"
    script:
        "../scripts/map_recommended.py"


for label in sorted(
    {label for sample in samples.values() for label in sample.methods} - {RECOMMENDED}
):

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
        group:
            together
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
        group:
            together
        threads: threads_of("map")
        resources:
            **needs("map"),
        params:
            **asked("map"),
        message:
            "{wildcards.sample}: map with {wildcards.label}"
        script:
            "../scripts/map.py"
