"""The energy axis: its units, its channels, and the windows on it."""

from eelsunmix.energy.channels import channel_bounds, window_channels
from eelsunmix.energy.units import channel_energies, in_electronvolts

__all__ = ["channel_bounds", "channel_energies", "in_electronvolts", "window_channels"]
