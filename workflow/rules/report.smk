"""All methods beside the reference, and the page that shows them."""


rule compare:
    input:
        remade("compare"),
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
    group:
        together
    resources:
        **needs("compare"),
    params:
        **asked("compare"),
    message:
        "{wildcards.sample}: compare all methods with background subtraction"
    script:
        "../scripts/compare.py"


rule report:
    input:
        remade("report"),
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
    group:
        together
    resources:
        **needs("report"),
    params:
        **asked("report"),
    message:
        "{wildcards.sample}: write {output}"
    script:
        "../scripts/report.py"
