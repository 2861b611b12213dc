"""The sections of the page in reading order: each is a file with a function `section(inputs)`."""

from eelsunmix.report.sections import (
    background,
    caveats,
    components,
    corrections,
    cost,
    data,
    endmembers,
    explorer,
    maps,
    profiles,
    provenance,
    residuals,
    truth,
    verdict,
)

IN_ORDER = (
    verdict,
    caveats,
    explorer,
    data,
    corrections,
    background,
    components,
    endmembers,
    maps,
    profiles,
    residuals,
    truth,
    cost,
    provenance,
)
