"""Versions of what makes a result: recorded in every store, so that a mix is seen."""

import importlib.metadata
import platform
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

_PACKAGES = {
    "eelsunmix": "eelsunmix",
    "numpy": "numpy",
    "scipy": "scipy",
    "scikit-learn": "sklearn",
    "torch": "torch",
    "numba": "numba",
    "xarray": "xarray",
    "zarr": "zarr",
    "numcodecs": "numcodecs",
    "dask": "dask",
    "rosettasciio": "rsciio",
    "h5py": "h5py",
}
"""Package -> the module by which one knows that a process uses it."""


def installed_versions() -> dict[str, str]:
    """Versions of Python and of the packages that a result depends on; those not installed are left out."""
    versions = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def versions_used() -> dict[str, str]:
    """Those of `installed_versions` that this process has imported."""
    installed = installed_versions()
    return {name: version for name, version in installed.items() if _PACKAGES.get(name, "sys") in sys.modules}


def mixed_versions(versions_of_stores: Mapping[str, Mapping[str, str]]) -> str:
    """Say in one line which packages had several versions when stores were made; nothing if none had.

    Parameters
    ----------
    versions_of_stores : mapping of str to mapping
        Path of each store -> package -> version.

    Examples
    --------
    >>> stores = {"results/A/pca.zarr": {"numpy": "2.4.5"}, "results/A/map/nmf.zarr": {"numpy": "2.4.6"}}
    >>> mixed_versions(stores)
    'Not all stores were made with the same software: numpy 2.4.5 (pca), 2.4.6 (map/nmf).'
    """
    found: dict[str, dict[str, list[str]]] = {}
    for path, versions in versions_of_stores.items():
        for package, version in versions.items():
            found.setdefault(package, {}).setdefault(version, []).append(path)
    parts = [
        f"{package} {', '.join(f'{version} ({_names(paths)})' for version, paths in by_version.items())}"
        for package, by_version in found.items()
        if len(by_version) > 1
    ]
    return f"Not all stores were made with the same software: {'; '.join(parts)}." if parts else ""


def _names(paths: Sequence[str]) -> str:
    names = ["/".join(Path(path).with_suffix("").parts[2:]) for path in paths]
    return ", ".join(names) if len(names) <= 3 else f"{len(names)} stores"
