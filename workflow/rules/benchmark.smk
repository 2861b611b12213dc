"""The paper's synthetic benchmark: one job per scene, dose and method, all replicates inside; then one page."""

from eelsunmix.benchmark.options import BACKGROUND, PEERS

bench = settings.benchmark
place = "results/benchmark/{scene}/{counts}"
scene_params = dict(n_replicates=bench.n_replicates, size=bench.size, seed=bench.seed)


rule benchmark:
    input:
        "reports/benchmark.html",
    localrule: True


rule benchmark_peers:
    input:
        "reports/benchmark_peers.html",
    localrule: True


for label in bench.methods:

    rule:
        name:
            f"benchmark_{label}"
        output:
            directory(f"{place}/{{label}}.zarr"),
        log:
            f"{place}/logs/{{label}}.log",
        benchmark:
            f"{place}/benchmarks/{{label}}.tsv"
        wildcard_constraints:
            label=label,
            counts=r"\d+",
        resources:
            mem_mb=lambda wildcards, attempt: 3000 * attempt,
            runtime=lambda wildcards, attempt: 720 * attempt,
        params:
            **scene_params | {"n_replicates": bench.replicates_of(label)},
            method=lambda wildcards: bench.methods[wildcards.label].method,
            input=lambda wildcards: bench.methods[wildcards.label].input,
            brightness=lambda wildcards: bench.methods[wildcards.label].brightness,
            options=lambda wildcards: as_params(bench.methods[wildcards.label].options),
            method_seed=lambda wildcards: bench.seed_of(wildcards.label),
            code=lambda wildcards: source_fingerprint(
                "eelsunmix.benchmark.options",
                "eelsunmix.benchmark.replicates",
                f"eelsunmix.methods.{bench.methods[wildcards.label].method}",
            ),
        message:
            "benchmark {wildcards.scene}, {wildcards.counts} counts: {wildcards.label}"
        script:
            "../scripts/benchmark_method.py"


for label in BACKGROUND:

    rule:
        name:
            f"benchmark_{label}"
        output:
            directory(f"{place}/{{label}}.zarr"),
        log:
            f"{place}/logs/{{label}}.log",
        benchmark:
            f"{place}/benchmarks/{{label}}.tsv"
        wildcard_constraints:
            label=label,
            counts=r"\d+",
        resources:
            mem_mb=lambda wildcards, attempt: 2000 * attempt,
            runtime=lambda wildcards, attempt: 60 * attempt,
        params:
            **scene_params,
            exponent=lambda wildcards: BACKGROUND[wildcards.label],
            code=source_fingerprint(
                "eelsunmix.benchmark.options", "eelsunmix.benchmark.subtraction"
            ),
        message:
            "benchmark {wildcards.scene}, {wildcards.counts} counts: {wildcards.label}"
        script:
            "../scripts/benchmark_bs.py"


rule benchmark_oracle:
    output:
        directory(f"{place}/oracle.zarr"),
    log:
        f"{place}/logs/oracle.log",
    benchmark:
        f"{place}/benchmarks/oracle.tsv"
    wildcard_constraints:
        counts=r"\d+",
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        **scene_params,
        code=source_fingerprint(
            "eelsunmix.benchmark.options", "eelsunmix.benchmark.limits"
        ),
    message:
        "benchmark {wildcards.scene}, {wildcards.counts} counts: what is possible"
    script:
        "../scripts/benchmark_oracle.py"


rule benchmark_report:
    input:
        expand(
            f"{place}/{{label}}.zarr",
            scene=bench.scenes,
            counts=bench.doses,
            label=["oracle", *BACKGROUND, *bench.methods],
        ),
    output:
        "reports/benchmark.html",
    log:
        "results/benchmark/logs/report.log",
    benchmark:
        "results/benchmark/benchmarks/report.tsv"
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
    params:
        settings=as_params(bench),
        code=source_fingerprint("eelsunmix.benchmark.page.page"),
    message:
        "write {output}"
    script:
        "../scripts/benchmark_report.py"


use rule benchmark_report as benchmark_peers_report with:
    input:
        rules.benchmark_report.input,
        expand(
            f"{place}/{{label}}.zarr",
            scene=bench.scenes,
            counts=bench.doses,
            label=PEERS,
        ),
    output:
        "reports/benchmark_peers.html",
    log:
        "results/benchmark/logs/peers_report.log",
    benchmark:
        "results/benchmark/benchmarks/peers_report.tsv"


rule benchmark_peers_images:
    output:
        temp(f"{place}/peers/images.npz"),
    log:
        f"{place}/logs/peers_images.log",
    benchmark:
        f"{place}/benchmarks/peers_images.tsv"
    wildcard_constraints:
        counts=r"\d+",
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
    params:
        **scene_params,
        code=source_fingerprint("eelsunmix.benchmark.peers"),
    message:
        "benchmark {wildcards.scene}, {wildcards.counts} counts: images for other software"
    script:
        "../scripts/benchmark_images.py"


rule benchmark_peers_run:
    input:
        images=f"{place}/peers/images.npz",
        program=workflow.source_path("../peers/hyperspy_peer.py"),
    output:
        temp(f"{place}/peers/results.npz"),
    log:
        f"{place}/logs/peers_run.log",
    benchmark:
        f"{place}/benchmarks/peers_run.tsv"
    wildcard_constraints:
        counts=r"\d+",
    conda:
        "../../envs/peers.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 240 * attempt,
    params:
        python=bench.peers_python or "python",
    message:
        "benchmark {wildcards.scene}, {wildcards.counts} counts: HyperSpy"
    shell:
        "{params.python:q} {input.program:q} {input.images:q} {output:q} > {log:q} 2>&1"


rule benchmark_peers_score:
    input:
        results=f"{place}/peers/results.npz",
    output:
        directory(f"{place}/{{label}}.zarr"),
    log:
        f"{place}/logs/{{label}}.log",
    benchmark:
        f"{place}/benchmarks/{{label}}.tsv"
    wildcard_constraints:
        label="|".join(PEERS),
        counts=r"\d+",
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
    params:
        **scene_params,
        code=source_fingerprint("eelsunmix.benchmark.peers"),
    message:
        "benchmark {wildcards.scene}, {wildcards.counts} counts: {wildcards.label}"
    script:
        "../scripts/benchmark_peer.py"
