"""From spectrum images to components, maps and one report per sample: `snakemake --cores all`."""

import re
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

from eelsunmix.configuration import (
    as_params,
    available_samples,
    check_folders,
    read_configuration,
)
from eelsunmix.errors import InputError
from eelsunmix.provenance import file_fingerprint, source_fingerprint
from snakemake.utils import min_version

min_version("9.20")

try:
    check_folders()
    settings = read_configuration(
        workflow.config_settings.configfiles or ["config/config.yaml"],
        workflow.config_settings.config,
    )
except InputError as error:
    raise WorkflowError(str(error)) from None

# Who runs the blocks, and where, is not a parameter: it changes no result, so it must rerun nothing.
config["dask"] = as_params(settings.dask)
config["device"] = settings.device
samples, skipped = available_samples(settings.samples)
for line in skipped:
    logger.warning(line)


wildcard_constraints:
    sample="|".join(map(re.escape, samples)) or "none",


include: "workflow/rules/prepare.smk"
include: "workflow/rules/denoise.smk"
include: "workflow/rules/background.smk"
include: "workflow/rules/unmix.smk"
include: "workflow/rules/report.smk"


module benchmark:
    snakefile:
        "workflow/benchmark/Snakefile"
    config:
        {"settings": settings}


use rule * from benchmark


pages = {
    name: Path(f"reports/{name}.html")
    for name in (samples if settings.samples else ["benchmark"])
}


rule all:
    default_target: True
    input:
        pages.values(),
    localrule: True


onsuccess:
    for name, page in pages.items():
        if page.is_file():  # not all are there where another target was asked for
            logger.info(f"report of {name}: {page.absolute()}")
