"""What the log and the warnings say of bad channels."""

from typing import Any

import numpy as np

from eelsunmix.corrections.common import record

BESIDE_EDGE = (
    "{what} of the detector: at least twice as high as all around, without a trace in the channels beside. "
    "Left as found, since an edge is named there. Write it into corrections.bad_channels.channels if it is "
    "no line."
)
UNDECIDED = (
    "{what} of the detector, or a line one channel wide: the counts do not tell which. Left as found. "
    "Write it into corrections.bad_channels.channels if it is no line."
)
SHOWN = 10


def bad_channels_entry(bad: np.ndarray, *, listed: bool) -> dict[str, Any]:
    """Entry of the log for the channels that are replaced."""
    channels = np.flatnonzero(bad).tolist()
    origin = "configuration" if listed else "search"
    if not channels:
        return record("bad_channels", False, "No dead or hot channel found.", channels=[], origin=origin)
    shown = ", ".join(map(str, channels[:10])) + (", ..." if len(channels) > 10 else "")
    text = f"{len(channels)} bad channels ({shown}; from the {origin}) replaced by interpolation."
    if len(channels) == 1:
        text = f"1 bad channel ({shown}; from the {origin}) replaced by interpolation."
    return record("bad_channels", True, text, channels=channels, origin=origin)


def left_alone(energy_ev: np.ndarray, channels: np.ndarray, sentence: str) -> list[str]:
    """Return one sentence on the channels that look bad and were not replaced; none without any."""
    numbers = np.flatnonzero(channels)
    if not numbers.size:
        return []
    shown = ", ".join(f"{number} ({energy_ev[number]:.6g} eV)" for number in numbers[:SHOWN])
    shown += ", ..." if numbers.size > SHOWN else ""
    return [sentence.format(what=f"Channel {shown} may be a fault")]
