"""Denoising: Poisson-weighted principal components of any image, and non-local means on their maps."""

from eelsunmix.pca.decomposition import DenoiseOptions, denoise, reconstruct

__all__ = ["DenoiseOptions", "denoise", "reconstruct"]
