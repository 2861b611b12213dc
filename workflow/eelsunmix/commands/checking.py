"""The strict check of a configuration, before anything else reads it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eelsunmix.configuration import (
    Configuration,
    SampleSettings,
    available_samples,
    doubled_samples,
    read_configuration,
)
from eelsunmix.configuration.file_axes import edges_on_axes
from eelsunmix.configuration.summary import summarise
from eelsunmix.edges import Edge, EdgeRequest
from eelsunmix.execution.unused_libraries import leave_out_unused_libraries


@dataclass(frozen=True)
class Checked:
    """A configuration that can be run.

    Parameters
    ----------
    configuration : Configuration
    samples : dict of str to SampleSettings
        Those that can be run here, with paths in the place of examples.
    edges : dict of str to dict
        Sample -> its edges with all windows, where the head of its file could be read.
    warnings : list of str
    """

    configuration: Configuration
    samples: dict[str, SampleSettings]
    edges: dict[str, dict[str, Edge]]
    warnings: list[str]


def checked_configuration(files: Sequence[Path], overrides: Mapping[str, Any] | None = None) -> Checked:
    """Read a configuration strictly and check its windows on the axes of the files.

    Parameters
    ----------
    files : sequence of Path
    overrides : mapping, optional
        Values of the command line, laid over all files.

    Raises
    ------
    InputError
        With every mistake, one line each.
    """
    leave_out_unused_libraries()
    configuration = read_configuration(list(files), overrides)
    samples, skipped = available_samples(configuration.samples)
    edges, warnings = edges_on_axes(samples)
    warnings = [*skipped, *doubled_samples(samples), *warnings]
    return Checked(configuration=configuration, samples=samples, edges=edges, warnings=warnings)


def in_words(checked: Checked) -> str:
    """Say what will run, with the windows that were chosen."""
    samples = {
        name: sample.replaced(edges=_whole(checked.edges[name])) if name in checked.edges else sample
        for name, sample in checked.configuration.samples.items()
    }
    told = checked.configuration.replaced(samples=samples)
    said = summarise(told)
    return "\n".join([said, *(f"warning: {text}" for text in checked.warnings if text not in said)])


def _whole(edges: dict[str, Edge]) -> dict[str, EdgeRequest]:
    return {name: EdgeRequest(**edge.model_dump()) for name, edge in edges.items()}
