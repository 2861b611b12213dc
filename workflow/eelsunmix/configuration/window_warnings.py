"""What is wrong with the windows of the edges, said before any job."""

from collections.abc import Mapping

from eelsunmix.background.onset_check import misplaced_windows
from eelsunmix.configuration.settings import SampleSettings
from eelsunmix.edges import complete_edges


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
    return [f"sample{'s' if len(names) > 1 else ''} {_few(names)}: {text}" for text, names in found.items()]


def _few(names: list[str]) -> str:
    """Edges of the top level hold for all samples, of which there may be hundreds."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
