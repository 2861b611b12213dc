"""What can be run here and now: where example files are absent the other samples go on."""

from collections.abc import Mapping

from eelsunmix.configuration.places import endangered
from eelsunmix.configuration.settings import EXAMPLE_PREFIX, SampleSettings
from eelsunmix.errors import InputError
from eelsunmix.examples import FOLDER_VARIABLE, find_example


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


def _without_orphans(available: dict[str, SampleSettings], skipped: list[str]) -> dict[str, SampleSettings]:
    """Leave out samples that would use the models of one that is left out."""
    kept = {name: sample for name, sample in available.items() if sample.fit_on in (None, *available)}
    skipped.extend(
        f"sample {name} is skipped: it uses the models of {available[name].fit_on}"
        for name in available.keys() - kept.keys()
    )
    return kept
