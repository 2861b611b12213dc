"""Recipes: what a store or page is made with, as the configuration and the code ask for it now.

A store remembers its recipe in its manifest, so what was made otherwise is known from the results alone,
whatever became of the records that Snakemake keeps of its own.
"""

from eelsunmix.recipes.asked import Recipes
from eelsunmix.recipes.table import INDEX, RECIPES, Product

__all__ = ["INDEX", "RECIPES", "Product", "Recipes"]
