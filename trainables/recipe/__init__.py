"""The training recipe: optimizer, schedule, batches, regularization and numerics as config keys, each checked."""

from trainables.recipe.misspelt import misspelt
from trainables.recipe.recipe import Recipe

__all__ = ["Recipe", "misspelt"]
