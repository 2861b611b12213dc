"""What can be run here and now: where example files are absent the other samples go on."""

from collections.abc import Mapping
from pathlib import Path

from eelsunmix.configuration.places import endangered
from eelsunmix.configuration.settings import EXAMPLE_PREFIX, SampleSettings
from eelsunmix.errors import InputError
from eelsunmix.examples import FOLDER_VARIABLE, find_example
from eelsunmix.sources import real_path


def available_samples(samples: Mapping[str, SampleSettings]) -> tuple[dict[str, SampleSettings], list[str]]:
    """Put the path of each example file in the place of its name; leave out samples whose example is absent.

    Parameters
    ----------
    samples : mapping of str to SampleSettings
        As in the configuration.

    Returns
    -------
    available : dict of str to SampleSettings
        Samples that can be run, with `file` a path.
    skipped : list of str
        One line for each sample left out, with the remedy.

    Raises
    ------
    InputError
        If an example lies where results are written.
    """
    available, skipped = {}, []
    for name, sample in samples.items():
        if not (sample.file or "").startswith(EXAMPLE_PREFIX):
            available[name] = sample
            continue
        example = str(sample.file).removeprefix(EXAMPLE_PREFIX)
        path = find_example(example)
        if path is None:
            skipped.append(
                f"sample {name} is skipped: {example} is not on this machine; fetch it with "
                f"`python -m eelsunmix.examples {example}`, or name its folder in {FOLDER_VARIABLE}"
            )
        elif fault := endangered(path):
            raise InputError(f"sample {name}: {path}: {fault}")
        else:
            available[name] = sample.replaced(file=str(path))
    return _without_orphans(available, skipped), skipped


def doubled_samples(samples: Mapping[str, SampleSettings]) -> list[str]:
    """Say which samples are others once more: in a line that was copied, the path was left as it was.

    Parameters
    ----------
    samples : mapping of str to SampleSettings
        With paths in the place of examples.

    Returns
    -------
    list of str
        One line for each sample with the file, links followed, and all settings of one before it.
    """
    said: list[str] = []
    known: dict[Path, list[str]] = {}
    for name, sample in samples.items():
        if sample.file is None:
            continue
        before = known.setdefault(real_path(Path(sample.file)), [])
        same = (one for one in before if samples[one].replaced(name=name, file=sample.file) == sample)
        if first := next(same, None):
            said.append(
                f"samples {first} and {name} have the same file, {sample.file}, and the same settings; if "
                f"that is a slip, write the path of the image of {name}"
            )
        before.append(name)
    return said


def _without_orphans(available: dict[str, SampleSettings], skipped: list[str]) -> dict[str, SampleSettings]:
    """Leave out samples that would use the models of one that is left out."""
    kept = {name: sample for name, sample in available.items() if sample.fit_on in (None, *available)}
    skipped.extend(
        f"sample {name} is skipped: it uses the models of {available[name].fit_on}"
        for name in available.keys() - kept.keys()
    )
    return kept
