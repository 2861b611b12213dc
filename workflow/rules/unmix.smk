"""One fit and one map rule per method label of the configuration, so that each can be rerun and sized alone."""


rule fit_recommended:
    input:
        remade("fit_recommended", RECOMMENDED),
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
        **asked("fit_recommended", RECOMMENDED),
    message:
        "{wildcards.sample}: recommend a result"
    script:
        "../scripts/fit_recommended.py"


rule map_recommended:
    input:
        remade("map_recommended", RECOMMENDED),
        model=fitted_model(RECOMMENDED),
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
        **asked("map_recommended", RECOMMENDED),
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
            remade("fit", label),
            corrected="results/{sample}/corrected.zarr",
            pca="results/{sample}/pca.zarr",
            rank="results/{sample}/rank.zarr",
        output:
            directory(f"results/{{sample}}/fit/{label}.zarr"),
        log:
            f"results/{{sample}}/logs/fit_{label}.log",
        benchmark:
            f"results/{{sample}}/benchmarks/fit_{label}.tsv"
        group:
            together
        resources:
            **needs("fit", label),
        params:
            **asked("fit", label),
        message:
            f"{{wildcards.sample}}: fit {label}"
        script:
            "../scripts/fit.py"

    rule:
        name:
            f"map_{label}"
        input:
            remade("map", label),
            model=fitted_model(label),
            corrected="results/{sample}/corrected.zarr",
            pca="results/{sample}/pca.zarr",
            rank="results/{sample}/rank.zarr",
        output:
            directory(f"results/{{sample}}/map/{label}.zarr"),
        log:
            f"results/{{sample}}/logs/map_{label}.log",
        benchmark:
            f"results/{{sample}}/benchmarks/map_{label}.tsv"
        group:
            together
        threads: threads_of("map", label)
        resources:
            **needs("map", label),
        params:
            **asked("map", label),
        message:
            f"{{wildcards.sample}}: map with {label}"
        script:
            "../scripts/map.py"
