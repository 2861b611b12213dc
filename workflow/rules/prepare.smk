"""Vendor file or simulated scene -> raw.zarr -> corrected.zarr."""

from eelsunmix.io import reader_module


rule import_image:
    input:
        lambda wildcards: samples[wildcards.sample].file,
    output:
        directory("results/{sample}/raw.zarr"),
    log:
        "results/{sample}/logs/import_image.log",
    benchmark:
        "results/{sample}/benchmarks/import_image.tsv"
    wildcard_constraints:
        sample="|".join(re.escape(name) for name in samples if samples[name].file)
        or "none",
    threads: 2
    resources:
        mem_mb=lambda wildcards, attempt: 1500 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
    params:
        signal=lambda wildcards: samples[wildcards.sample].signal,
        axes=lambda wildcards: as_params(samples[wildcards.sample].axes),
        detector=lambda wildcards: as_params(samples[wildcards.sample].detector),
        invalid_pixels=lambda wildcards: samples[wildcards.sample].invalid_pixels,
        content=lambda wildcards: file_fingerprint(samples[wildcards.sample].file),
        code=lambda wildcards: source_fingerprint(
            "eelsunmix.io.importing", reader_module(samples[wildcards.sample].file)
        ),
    message:
        "{wildcards.sample}: import {input}"
    script:
        "../scripts/import_image.py"


rule simulate_image:
    output:
        directory("results/{sample}/raw.zarr"),
    log:
        "results/{sample}/logs/simulate_image.log",
    benchmark:
        "results/{sample}/benchmarks/simulate_image.tsv"
    wildcard_constraints:
        sample="|".join(re.escape(name) for name in samples if not samples[name].file)
        or "none",
    resources:
        mem_mb=lambda wildcards, attempt: 1500 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
    params:
        scene=lambda wildcards: samples[wildcards.sample].scene,
        options=lambda wildcards: as_params(samples[wildcards.sample].simulate),
        code=source_fingerprint("eelsunmix.synthetic"),
    message:
        "{wildcards.sample}: simulate the scene {params.scene}"
    script:
        "../scripts/simulate_image.py"


rule correct_gain:
    input:
        raw="results/{sample}/raw.zarr",
        references=lambda wildcards: samples[wildcards.sample].references,
    output:
        directory("results/{sample}/corrected.zarr"),
    log:
        "results/{sample}/logs/correct_gain.log",
    benchmark:
        "results/{sample}/benchmarks/correct_gain.tsv"
    threads: 2
    resources:
        mem_mb=lambda wildcards, attempt: 1500 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        corrections=lambda wildcards: as_params(samples[wildcards.sample].corrections),
        edges=lambda wildcards: as_params(samples[wildcards.sample].edges),
        # of the wildcards alone: Snakemake ignores changes of what is derived from the input
        references=lambda wildcards: list(
            map(file_fingerprint, samples[wildcards.sample].references)
        ),
        code=lambda wildcards: source_fingerprint(
            "eelsunmix.corrections",
            "eelsunmix.edges",
            *map(reader_module, samples[wildcards.sample].references),
        ),
    message:
        "{wildcards.sample}: correct gain, bad channels and spikes"
    script:
        "../scripts/correct_gain.py"
