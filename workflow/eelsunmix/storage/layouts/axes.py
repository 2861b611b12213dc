"""Coordinates that several kinds of stores share."""

from eelsunmix.storage.layout import ANY_UNIT, variable

SERIES = "the image is a series"
POSITION = {
    "frame": variable("frame", "number", ANY_UNIT, "number, tilt or time of the frame", when=SERIES),
    "y": variable("y", "float", "nm|px", "centre of the pixel; px without a calibration"),
    "x": variable("x", "float", "nm|px", "centre of the pixel; px without a calibration"),
}
ENERGY = {
    "energy_loss": variable("energy_loss", "float", "eV", "centre of the channel, increasing", when="EELS"),
    "energy": variable("energy", "float", "keV", "centre of the channel, increasing", when="EDS"),
}
VALID = {
    "valid_pixel": variable(
        "navigation", "bool", None, "False where there are no counts: NaN in every map, zeros in the image"
    )
}
IMAGE = POSITION | ENERGY | VALID
EDGE = {"edge": variable("edge", "text", None, "name of the edge")}
PROFILE = {"profile": variable("profile", "text", None, "name of the profile")}
