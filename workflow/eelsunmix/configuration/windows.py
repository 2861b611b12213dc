"""What is wrong with the windows of the edges, said before any job."""

from collections.abc import Mapping

from eelsunmix.background.onset_check import misplaced_windows
from eelsunmix.configuration.settings import SampleSettings
from eelsunmix.edges import complete_edges
from eelsunmix.errors import names_in_brief

FEW = 3
"""Samples that a warning names."""


def window_warnings(samples: Mapping[str, SampleSettings]) -> list[str]:
    """Name windows that cannot be meant, each once, with the samples that have them.

    Parameters
    ----------
    samples : mapping of str to SampleSettings

    Returns
    -------
    list of str
        Sentences that say what to do; empty when the windows fit the onsets. Windows that are left to be
        chosen are not judged.
    """
    found: dict[str, list[str]] = {}
    for name, sample in samples.items():
        for text in misplaced_windows(complete_edges(sample.edges)):
            found.setdefault(text, []).append(name)
    # Edges of the top level hold for all samples, of which there may be hundreds.
    return [
        f"sample{'s' if len(names) > 1 else ''} {names_in_brief(names, most=FEW)}: {text}"
        for text, names in found.items()
    ]
