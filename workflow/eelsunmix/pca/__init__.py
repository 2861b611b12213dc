"""Denoising: Poisson-weighted principal components of any image, and non-local means on their maps."""

from eelsunmix.pca.decomposition import denoise
from eelsunmix.pca.options import DenoiseOptions
from eelsunmix.pca.reconstruction import reconstruct

__all__ = ["DenoiseOptions", "denoise", "reconstruct"]
