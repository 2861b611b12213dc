"""Sealed stores: complete and verified, or absent."""
