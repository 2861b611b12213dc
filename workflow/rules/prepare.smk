"""Vendor file or simulated scene -> raw.zarr -> corrected.zarr."""

from eelsunmix.io import reader_module


# Files of the user are parameters and no input: Snakemake would go by their times, and a microscope whose clock
# runs ahead would make every job fail when its work is done. Their content decides.
rule import_image:
    output:
        directory("results/{sample}/raw.zarr"),
    log:
        "results/{sample}/logs/import_image.log",
    benchmark:
        "results/{sample}/benchmarks/import_image.tsv"
    wildcard_constraints:
        sample=one_of(name for name in samples if samples[name].file),
    threads: 2
    resources:
        mem_mb=per_attempt(1500),
        runtime=per_attempt(30),
    params:
        file=of_sample("file"),
        signal=of_sample("signal"),
        axes=of_sample("axes"),
        detector=of_sample("detector"),
        invalid_pixels=of_sample("invalid_pixels"),
        content=of_sample("file", file_fingerprint),
        code=of_sample(
            "file",
            lambda file: source_fingerprint(
                "eelsunmix.io.importing", reader_module(file)
            ),
        ),
    message:
        "{wildcards.sample}: import {params.file}"
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
        sample=one_of(name for name in samples if not samples[name].file),
    resources:
        mem_mb=per_attempt(1500),
        runtime=per_attempt(30),
    params:
        scene=of_sample("scene"),
        options=of_sample("simulate"),
        code=source_fingerprint("eelsunmix.synthetic"),
    message:
        "{wildcards.sample}: simulate the scene {params.scene}"
    script:
        "../scripts/simulate_image.py"


rule correct_gain:
    input:
        raw="results/{sample}/raw.zarr",
    output:
        directory("results/{sample}/corrected.zarr"),
    log:
        "results/{sample}/logs/correct_gain.log",
    benchmark:
        "results/{sample}/benchmarks/correct_gain.tsv"
    threads: 2
    resources:
        mem_mb=per_attempt(1500),
        runtime=per_attempt(60),
    params:
        corrections=of_sample("corrections"),
        edges=of_sample("edges"),
        detector=of_sample("detector"),
        references=of_sample("references", file_fingerprints),
        code=of_sample(
            "references",
            lambda files: source_fingerprint(
                "eelsunmix.corrections",
                "eelsunmix.edges",
                *map(reader_module, files),
            ),
        ),
    message:
        "{wildcards.sample}: correct gain, bad channels and spikes"
    script:
        "../scripts/correct_gain.py"
