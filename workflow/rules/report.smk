"""All methods beside the reference, the page that shows them, and the page of all samples."""


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
        page=report(
            "reports/{sample}.html", category="Samples", labels={"sample": "{sample}"}
        ),
        verdict="results/{sample}/verdict.json",
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
        "{wildcards.sample}: write {output.page}"
    script:
        "../scripts/report.py"


rule index:
    input:
        remade("index"),
        verdicts=expand("results/{sample}/verdict.json", sample=samples),
    output:
        report("reports/index.html", category="Samples", labels={"sample": "all"}),
    log:
        "results/index/logs/index.log",
    benchmark:
        "results/index/benchmarks/index.tsv"
    localrule: True  # less work than a job of a cluster takes to begin
    resources:
        **needs("index"),
    params:
        **asked("index"),
    message:
        "all samples: write {output}"
    script:
        "../scripts/index.py"
