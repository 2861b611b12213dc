"""Run by the Python of another environment, which has HyperSpy: load files and say what it sees in them.

``python hyperspy_reader.py FOLDER ...`` loads every ``.hspy`` below each folder and writes ``seen.npz`` and
``seen.json`` beside them.
"""

import json
import sys
from pathlib import Path


def main(folder):
    import hyperspy.api as hs
    import numpy as np

    values, seen = {}, {"hyperspy": hs.__version__}
    for path in sorted(Path(folder).rglob("*.hspy")):
        signal = hs.load(path)
        values[path.stem] = np.asarray(signal.data)
        seen[path.stem] = {
            "class": type(signal).__name__,
            "navigation": [described(axis) for axis in signal.axes_manager.navigation_axes],
            "signal": [described(axis) for axis in signal.axes_manager.signal_axes],
            "title": signal.metadata.General.title,
            "beam_energy": signal.metadata.get_item("Acquisition_instrument.TEM.beam_energy"),
            "collection": signal.metadata.get_item(
                "Acquisition_instrument.TEM.Detector.EELS.collection_angle"
            ),
            "source": signal.original_metadata.get_item("eelsunmix.source.sha256"),
            "names": signal.metadata.eelsunmix.stack.as_dictionary(),
        }
    np.savez(Path(folder) / "seen.npz", **values)
    (Path(folder) / "seen.json").write_text(json.dumps(seen), encoding="utf-8")


def described(axis):
    """Name, unit and values of an axis, as HyperSpy has them."""
    return {"name": axis.name, "units": str(axis.units), "values": [float(value) for value in axis.axis]}


if __name__ == "__main__":
    for each in sys.argv[1:]:
        main(each)
