"""The settings of this run, and how rules take parameters and resources from them."""

import re
from operator import attrgetter

from snakemake.exceptions import WorkflowError

from eelsunmix.configuration import (
    Configuration,
    as_params,
    available_samples,
    check_folders,
    check_results,
    read_configuration,
    read_values,
    window_warnings,
)
from eelsunmix.errors import InputError
from eelsunmix.provenance import file_fingerprint, source_fingerprint
from eelsunmix.methods._references import references

command_line = workflow.config_settings
module_name = workflow.modifier.namespace  # None unless another workflow uses this one

try:
    check_folders()
    if isinstance(config.get("settings"), Configuration):
        settings = config["settings"]  # handed over by a workflow that has read them
    elif module_name is None:
        files = command_line.configfiles or ["config/config.yaml"]
        settings = read_configuration(files, command_line.config)
    else:
        last = command_line.configfiles  # laid over those of the other workflow
        first = [file for file in workflow.configfiles if file not in last]
        settings = read_values(
            config,
            f"config of module {module_name}",
            files=[*first, *last],
            overrides=command_line.config,
        )
    samples, skipped = available_samples(settings.samples)
    if workflow.is_main_process:  # beside jobs, results are being replaced
        check_results([*samples, "benchmark"])
except InputError as error:
    raise WorkflowError(str(error)) from None

# Who runs the blocks, and where, is not a parameter: it changes no result, so it must rerun nothing.
# A new mapping, because that of a module belongs to the workflow that uses it; all that scripts may see.
config = {"dask": as_params(settings.dask), "device": settings.device}


def one_of(names):
    """Constraint of a wildcard; no sample is called none."""
    return "|".join(map(re.escape, names)) or "none"


def of_sample(name, view=as_params):
    """Input or parameter of a rule: a setting of the job's sample."""
    return lambda wildcards: view(attrgetter(name)(samples[wildcards.sample]))


def of_method(name):
    """Parameter of a rule: a setting of the job's method."""
    return lambda wildcards: as_params(
        getattr(samples[wildcards.sample].methods[wildcards.label], name)
    )


def of_benchmarked(name):
    """Parameter of a rule: a setting of the method that the job of the benchmark tries."""
    return lambda wildcards: as_params(
        getattr(settings.benchmark.methods[wildcards.label], name)
    )


def seed_of_fit(wildcards):
    return samples[wildcards.sample].seed_of(wildcards.label)


def references_of_methods(wildcards):
    methods = samples[wildcards.sample].methods.values()
    return {one.method: references(one.method) for one in methods}


def edges_of_fit(wildcards):
    return samples[wildcards.sample].edges_for(wildcards.label)


def fitted_model(wildcards):
    source = samples[wildcards.sample].model_source
    return f"results/{source}/fit/{wildcards.label}.zarr"


def code_with_method(*modules):
    """Parameter of a rule: the fingerprint of modules and of the job's method."""
    method = of_method("method")
    return lambda wildcards: source_fingerprint(
        *modules, f"eelsunmix.methods.{method(wildcards)}"
    )


def code_of_anchor(wildcards):
    """Parameter of a rule: the fingerprint of what anchors a fit; nothing for the others."""
    anchored = of_method("anchor")(wildcards) == "edges"
    return source_fingerprint("eelsunmix.anchored_fit") if anchored else None


def file_fingerprints(paths):
    return [file_fingerprint(path) for path in paths]


def per_attempt(amount):
    """Resource of a rule: so much at first, and so much more at every further attempt."""
    return lambda wildcards, attempt: amount * attempt


wildcard_constraints:
    sample=one_of(samples),
