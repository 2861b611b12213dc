"""All runs of a benchmark, and the few questions that tables, figures and sentences ask about them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from eelsunmix.benchmark.scene import scene_name
from eelsunmix.typing import Floats

Place = tuple[str, float]
"""Scene and expected counts."""

ORACLE = "oracle"


@dataclass(frozen=True)
class Results:
    """Runs by scene, dose and label.

    Parameters
    ----------
    runs : dict
        (scene, counts, label) -> result of `run_replicates`, `run_oracle` or `run_background_subtraction`.
    """

    runs: dict[tuple[str, float, str], xr.Dataset]

    @cached_property
    def scenes(self) -> list[str]:
        """Scenes in the order given."""
        return list(dict.fromkeys(scene for scene, _, _ in self.runs))

    @cached_property
    def doses(self) -> list[float]:
        """Expected counts, increasing."""
        return sorted({counts for _, counts, _ in self.runs})

    @property
    def middle(self) -> float:
        """The middle dose, at which the bars are judged."""
        return self.doses[(len(self.doses) - 1) // 2]

    @cached_property
    def labels(self) -> list[str]:
        """Labels of the methods, without the oracle."""
        return [one for one in dict.fromkeys(label for _, _, label in self.runs) if one != ORACLE]

    @cached_property
    def places(self) -> list[Place]:
        """Every scene at every dose that was run."""
        found = dict.fromkeys((scene, counts) for scene, counts, _ in self.runs)
        return sorted(found, key=lambda place: (self.scenes.index(place[0]), place[1]))

    def get(self, place: Place, label: str) -> xr.Dataset | None:
        """Return a run; None where it was not made."""
        return self.runs.get((*place, label))

    def endmembers(self, scene: str) -> list[str]:
        """Names of the true endmembers of a scene."""
        run = next(run for (name, _, _), run in self.runs.items() if name == scene)
        return [str(name) for name in run["endmember"].to_numpy()]

    def values(self, place: Place, label: str, score: str) -> Floats:
        """Return a score, shape (replicate, endmember); empty where it is unknown."""
        run = self.get(place, label)
        if run is None or score not in run:
            return np.empty((0, 0))
        return run[score].to_numpy().astype(np.float64)

    def per_image(self, place: Place, label: str, score: str) -> Floats:
        """Mean of a score over the endmembers that have it, shape (image,), failed images left out."""
        return self.paired(place, (label,), score)[0]

    def paired(self, place: Place, labels: Sequence[str], score: str) -> Floats:
        """Return what `per_image` does, of the images that all labels have, shape (label, image)."""
        found = [_mean_of_known(self.values(place, label, score)) for label in labels]
        common = np.array([means[: min(map(len, found))] for means in found])
        return common[:, ~np.isnan(common).any(axis=0)]

    def mean(self, place: Place, label: str, score: str) -> tuple[float, float]:
        """Mean and standard deviation over the images; NaN where there is none."""
        values = self.per_image(place, label, score)
        if not len(values):
            return np.nan, np.nan
        return float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else np.nan

    def median(self, place: Place, label: str, score: str) -> float:
        """Median over the images of the mean over the endmembers."""
        values = self.per_image(place, label, score)
        return float(np.median(values)) if len(values) else np.nan

    def ranking(self, place: Place, score: str) -> list[tuple[str, float, float]]:
        """Order the labels that have a score by it: (label, mean, standard deviation), the best first."""
        found = [(label, *self.mean(place, label, score)) for label in self.labels]
        return sorted((entry for entry in found if np.isfinite(entry[1])), key=lambda entry: entry[1])

    def per_run(self, place: Place, label: str, name: str) -> NDArray[np.generic]:
        """Values of a variable by image, such as `seconds` or `status`; empty where there is no run."""
        run = self.get(place, label)
        return np.empty(0) if run is None or name not in run else run[name].to_numpy()

    def failures(self, place: Place, label: str) -> dict[str, int]:
        """Reasons why a method failed, and on how many images."""
        run = self.get(place, label)
        if run is None:
            return {}
        failed = run["status"].to_numpy() == "failed"
        reasons, counts = np.unique(run["message"].to_numpy()[failed].astype(str), return_counts=True)
        return {str(reason): int(count) for reason, count in zip(reasons, counts, strict=True)}

    def find(self, method: str, setting: str) -> str | None:
        """Return the first label of a method in one of its settings."""
        for (_, _, label), run in self.runs.items():
            found = (run.attrs["method"], run.attrs["options"].get("setting"))
            if found == (method, setting) and not run.attrs.get("peer"):
                return label
        return None

    def method(self, label: str) -> str:
        """Name of the method behind a label."""
        return str(self._attrs(label)["method"])

    def is_unmixing(self, label: str) -> bool:
        """Return whether a label is an unmixing method of ours: neither the reference nor other software."""
        return self.method(label) != "bs" and not self._attrs(label).get("peer")

    def setting(self, label: str) -> str:
        """Return the setting of a label: "published", "eels", or the name of other software."""
        attrs = self._attrs(label)
        if attrs.get("peer"):
            return str(attrs["peer"]).partition(" ")[0]
        return str(attrs["options"].get("setting", "published" if label.endswith("_published") else "eels"))

    def shown_map(self, place: Place, label: str, endmember: int) -> xr.DataArray | None:
        """Return the map of an endmember in the first image, times the factor that fits the truth best.

        None where the method has no such map.
        """
        run, truth = self.get(place, label), self.get(place, ORACLE)
        if run is None or truth is None or "abundance" not in run:
            return None
        found = run["abundance"].isel(endmember=endmember).astype(float)
        true = truth["abundance"].isel(endmember=endmember).astype(float)
        if not bool(np.isfinite(found).all()):
            return None
        power = float((found**2).sum())
        return found * (max(float((found * true).sum()), 0.0) / power if power > 0 else 1.0)

    def _attrs(self, label: str) -> dict[str, Any]:
        return next(run.attrs for (_, _, name), run in self.runs.items() if name == label)


def _mean_of_known(values: Floats) -> Floats:
    """Mean over the last axis of what is not NaN; NaN where there is nothing else."""
    known = ~np.isnan(values)
    number = known.sum(axis=1)
    total = np.where(known, values, 0.0).sum(axis=1)
    return np.divide(total, number, out=np.full(len(values), np.nan), where=number > 0)


def collect(runs: Iterable[xr.Dataset]) -> Results:
    """Gather the stores of a benchmark; their attributes say what each one is.

    Parameters
    ----------
    runs : iterable of Dataset
        With attrs ``scene`` (options of the scene) and ``label``.
    """
    found = {}
    for run in runs:
        scene = run.attrs["scene"]
        found[scene_name(scene), float(scene["counts"]), str(run.attrs["label"])] = run
    return Results(found)
