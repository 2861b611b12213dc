"""Vendor file or simulated scene -> raw.zarr -> corrected.zarr."""


# Files of the user are parameters and no input: Snakemake would go by their times, and a microscope whose clock
# runs ahead would make every job fail when its work is done. Their content decides.
rule import_image:
    input:
        remade("import_image"),
    output:
        directory("results/{sample}/raw.zarr"),
    log:
        "results/{sample}/logs/import_image.log",
    benchmark:
        "results/{sample}/benchmarks/import_image.tsv"
    wildcard_constraints:
        sample=one_of(name for name in samples if samples[name].file),
    group:
        together
    threads: threads_of("import_image")
    resources:
        **needs("import_image"),
    params:
        **asked("import_image"),
    message:
        "{wildcards.sample}: import {params.file}"
    script:
        "../scripts/import_image.py"


rule simulate_image:
    input:
        remade("simulate_image"),
    output:
        directory("results/{sample}/raw.zarr"),
    log:
        "results/{sample}/logs/simulate_image.log",
    benchmark:
        "results/{sample}/benchmarks/simulate_image.tsv"
    wildcard_constraints:
        sample=one_of(name for name in samples if not samples[name].file),
    group:
        together
    resources:
        **needs("simulate_image"),
    params:
        **asked("simulate_image"),
    message:
        "{wildcards.sample}: simulate the scene {params.scene}"
    script:
        "../scripts/simulate_image.py"


rule correct_gain:
    input:
        remade("correct_gain"),
        raw="results/{sample}/raw.zarr",
    output:
        directory("results/{sample}/corrected.zarr"),
    log:
        "results/{sample}/logs/correct_gain.log",
    benchmark:
        "results/{sample}/benchmarks/correct_gain.tsv"
    group:
        together
    threads: threads_of("correct_gain")
    resources:
        **needs("correct_gain"),
    params:
        **asked("correct_gain"),
    message:
        "{wildcards.sample}: correct gain, bad channels and spikes"
    script:
        "../scripts/correct_gain.py"
