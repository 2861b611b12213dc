"""Denoising: Poisson-weighted principal components of an image of any size, and non-local means on their maps."""

from eelsunmix.pca.decomposition import DenoiseOptions, denoise, reconstruct

__all__ = ["DenoiseOptions", "denoise", "reconstruct"]
