"""What a configuration asks for, in words."""

from collections.abc import Iterator
from typing import Any

from eelsunmix.configuration.benchmark import BenchmarkOptions
from eelsunmix.configuration.problems import shown
from eelsunmix.configuration.recommended import recommended_alone
from eelsunmix.configuration.settings import Configuration, MethodSettings, SampleSettings
from eelsunmix.configuration.windows import window_warnings
from eelsunmix.edges import CURVES, EdgeRequest
from eelsunmix.errors import InputError
from eelsunmix.execution.clusters import Execution
from eelsunmix.options import Options
from eelsunmix.plain import field_values, plain_values
from eelsunmix.words import RECOMMENDED

_NOTHING = object()
_STAGES = ("axes", "detector", "corrections", "denoise", "components", "background")


def summarise(configuration: Configuration) -> str:
    """Say which samples there are and what is done to each, a few lines per sample."""
    n_samples = len(configuration.samples)
    lines = [f"{', '.join(configuration.files)}: {n_samples} sample{'s' if n_samples != 1 else ''}"]
    for sample in configuration.samples.values():
        lines += ["", sample.name, *(f"  {line}" for line in _sample(sample))]
    lines += [] if configuration.samples else ["", _benchmark(configuration.benchmark)]
    warnings = [f"warning: {text}" for text in window_warnings(configuration.samples)]
    lines += ["", *warnings] if warnings else []
    return "\n".join([*lines, "", f"computed {_computed(configuration.dask)}"])


def _computed(dask: Execution) -> str:
    """Say where the work is done, with the options that were written."""
    where = {
        "threads": "on this computer, by threads of each job",
        "processes": "on this computer, by worker processes",
        "slurm": "by jobs submitted to SLURM",
        "address": "by the Dask scheduler that runs already",
    }[dask.mode]
    return f"{where} (dask: {_changes(dask)})" if _changes(dask) else f"{where} (the default)"


def _benchmark(options: BenchmarkOptions) -> str:
    fewer = (f"{label} on {number} of them" for label, number in options.n_replicates_of.items())
    return (
        f"benchmark: {options.n_replicates} images of {' and '.join(options.scenes)} at "
        f"{', '.join(map(str, options.doses))} counts; methods: {', '.join(options.methods)}"
        + "".join(f"; {line}" for line in fewer)
    )


def _sample(sample: SampleSettings) -> Iterator[str]:
    yield f"image: {_source(sample)}"
    changes = {stage: _changes(getattr(sample, stage)) for stage in _STAGES}
    yield from (f"{stage}: {change}" for stage, change in changes.items() if change)
    if unchanged := [stage for stage, change in changes.items() if not change]:
        yield f"as by default: {', '.join(unchanged)}"
    if sample.vacuum != "auto":
        yield f"vacuum: {sample.vacuum}"
    yield from (
        f"{'line' if edge.fit_above_eV else 'edge'} {name}: {_edge(edge)}"
        for name, edge in sample.edges.items()
    )
    yield from (
        f"profile {name}: {_changes(profile) or 'along x'}" for name, profile in sample.profiles.items()
    )
    yield from (
        f"region {name}: {_changes(region) or 'the whole image'}" for name, region in sample.regions.items()
    )
    if sample.fit_on:
        yield f"methods: fitted on {sample.fit_on}, applied here: {', '.join(sample.methods) or 'none'}"
    else:
        yield f"methods: {_methods(sample)}"
        yield f"learning from at most {sample.n_learning_pixels} pixels, seed {sample.seed}"


def _methods(sample: SampleSettings) -> str:
    if sample.methods == recommended_alone():
        return (
            f"{RECOMMENDED}, the default where none are written: the candidate that is best on images "
            "simulated from this one"
        )
    return "; ".join(map(_method, sample.methods, sample.methods.values())) or "none"


def _source(sample: SampleSettings) -> str:
    if sample.file:
        signal = f", signal {shown(sample.signal)}" if sample.signal else ""
        return f"{shown(sample.file, 200)}{signal}; invalid pixels: {sample.invalid_pixels}"
    return f"simulated scene {sample.scene}; {_changes(sample.simulate) or 'as by default'}"


def _edge(edge: EdgeRequest) -> str:
    role = "; reference of the element" if edge.reference else ""
    onset = "the onset of the table" if edge.onset_eV is None else f"{edge.onset_eV:g} eV"
    fit, signal = _window(edge.fit_eV), _window(edge.integrate_eV)
    if edge.fit_above_eV:
        above = _window(edge.fit_above_eV)
        return f"{edge.element} at {onset}; background {fit} and {above}, signal summed {signal}{role}"
    curve = "" if edge.background == "power_law" else f" by {CURVES[edge.background]}"
    return f"{edge.element} from {onset}; background fitted {fit}{curve}, signal summed {signal}{role}"


def _window(window: tuple[float, float] | None) -> str:
    return f"{window[0]:g} to {window[1]:g} eV" if window else "where there is room on the axis"


def _method(label: str, settings: MethodSettings) -> str:
    says = [settings.method] if settings.method != label else []
    says += [f"input {settings.input}"] if settings.input != "corrected" else []
    says += [f"brightness {settings.brightness}"] if settings.brightness != "auto" else []
    says += [f"seed {settings.seed}"] if settings.seed is not None else []
    says += [_changes(settings.options)] if _changes(settings.options) else []
    return f"{label} ({', '.join(says)})" if says else label


def _changes(options: Any) -> str:
    """Options that differ from the default, as `name value`."""
    defaults = _defaults(type(options))
    changed = {
        name: value for name, value in field_values(options).items() if value != defaults.get(name, _NOTHING)
    }
    return ", ".join(f"{name} {_value(value)}" for name, value in changed.items())


def _value(value: Any) -> str:
    return f"({_changes(value)})" if isinstance(value, Options) else _words(plain_values(value))


def _defaults(kind: Any) -> dict[str, Any]:
    """Values of an object made without arguments; nothing for types that need some."""
    try:
        return field_values(kind())
    except InputError:
        return {}


def _words(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list):
        return f"[{', '.join(map(_words, value))}]"
    return shown(str(value)) if isinstance(value, str) else str(value).lower()
