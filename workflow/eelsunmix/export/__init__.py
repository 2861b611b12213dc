"""Results that leave the house: maps, spectra and profiles of a sample in the formats of other programs.

A format is one file in `eelsunmix.export.formats`; it is found by its name, and `eelsunmix export` has an
option of that name.
"""
