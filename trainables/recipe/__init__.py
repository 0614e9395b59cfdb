"""The recipe: config keys for optimizer, learning rate schedule, batches, regularization and precision."""

from trainables.recipe.misspelt import misspelt
from trainables.recipe.recipe import Recipe

__all__ = ["Recipe", "misspelt"]
