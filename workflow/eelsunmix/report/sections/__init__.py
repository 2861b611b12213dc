"""The sections of the page in reading order: each is a file with a function `section(inputs)`."""

from eelsunmix.report.sections import (
    background,
    caveats,
    citation,
    components,
    corrections,
    cost,
    data,
    differences,
    endmembers,
    errors,
    explorer,
    maps,
    profiles,
    provenance,
    residuals,
    series,
    truth,
    verdict,
)

IN_ORDER = (
    verdict,
    caveats,
    errors,
    explorer,
    endmembers,
    maps,
    profiles,
    series,
    differences,
    residuals,
    data,
    corrections,
    background,
    components,
    truth,
    cost,
    provenance,
    citation,
)
"""What was found comes first, then what it was made from, and how."""
