"""The optimizers of the recipe, each a class of ``torch.optim``, with the keys that it takes and their defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.parameter import is_lazy
from torch.optim import SGD, Adadelta, Adam, AdamW, Optimizer, RMSprop

from trainables.errors import TaskError
from trainables.recipe.recipe_values import RecipeValues

NORMS = (_NormBase, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm)
"""Modules whose parameters get no weight decay; the first is the base class of all batch and instance norms."""

_BETAS = (0.9, 0.999)

OPTIMIZERS: Mapping[str, Mapping[str, Any]] = {
    "adamw": {"lr": 1e-3, "betas": _BETAS},
    "adam": {"lr": 1e-3, "betas": _BETAS},
    "sgd": {"lr": 1e-2, "momentum": 0.0},
    "momentum": {"lr": 1e-2, "momentum": 0.9},
    "nesterov": {"lr": 1e-2, "momentum": 0.9},
    "rmsprop": {"lr": 1e-2, "momentum": 0.0},
    "adadelta": {"lr": 1.0},
}
"""Optimizers by name, with the defaults of the keys that each takes; the first is the default. Other arguments (rho of
Adadelta, alpha of RMSprop, eps) are torch's defaults."""


def build(recipe: RecipeValues, model: nn.Module) -> Optimizer:
    """The torch optimizer of all trainable parameters of ``model``, fused where that is possible.

    Adam (Kingma & Ba, 2015), AdamW (Loshchilov & Hutter, 2019), Adadelta (Zeiler, 2012), RMSprop (Hinton, 2012).

    Raises:
        TaskError: the model has no parameters to train.
    """
    groups, lr = _groups(model, recipe.weight_decay), recipe.peak
    # Fused kernels do the same update in one pass, but not for sparse gradients or complex parameters.
    sparse = any(getattr(module, "sparse", False) for module in model.modules())
    fused = None if sparse or not all(p.is_floating_point() for p in _trainable(model)) else True
    match recipe.optimizer:
        case "adamw":
            return AdamW(groups, lr=lr, betas=recipe.betas, fused=fused)
        case "adam":
            return Adam(groups, lr=lr, betas=recipe.betas, fused=fused)
        case "rmsprop":
            return RMSprop(groups, lr=lr, momentum=recipe.momentum)
        case "adadelta":
            return Adadelta(groups, lr=lr)
    nesterov = recipe.optimizer == "nesterov"
    return SGD(groups, lr=lr, momentum=recipe.momentum, nesterov=nesterov, fused=fused)


def weights(model: nn.Module) -> list[nn.Parameter]:
    """The trainable parameters that weight decay and L1 apply to.

    These are all but those of `NORMS`, those whose names begin with bias, and those of at most one dimension. A lazy
    parameter, which has no shape yet, is judged by its module and name alone.
    """
    return [parameter for name, parameter in model.named_parameters() if _is_weight(model, name, parameter)]


@torch.no_grad()
def add_l1(parameters: list[nn.Parameter], strength: float) -> None:
    """Add the gradient of ``strength`` times the sum of absolute values to those ``parameters`` that have one."""
    penalized: list[Tensor] = [p for p in parameters if p.grad is not None]
    gradients: list[Tensor] = [p.grad for p in penalized if p.grad is not None]
    # _foreach_sign does not take complex numbers, whose sign is z / |z|.
    are_complex = any(p.is_complex() for p in penalized)
    signs = [p.sgn() for p in penalized] if are_complex else torch._foreach_sign(penalized)
    torch._foreach_add_(gradients, signs, alpha=strength)


def _groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    parameters = _trainable(model)
    if not parameters:
        raise TaskError(f"model {type(model).__name__} has no parameters to train", "let one require a gradient")
    if weight_decay == 0:
        # One group instead of two saves a call of the fused kernel per step.
        return [{"params": parameters, "weight_decay": 0.0}]
    penalized = {id(p) for p in weights(model)}
    groups = [
        {"params": [p for p in parameters if id(p) in penalized], "weight_decay": weight_decay},
        {"params": [p for p in parameters if id(p) not in penalized], "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def _trainable(model: nn.Module) -> list[nn.Parameter]:
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


def _is_weight(model: nn.Module, path: str, parameter: nn.Parameter) -> bool:
    owner, _, name = path.rpartition(".")
    if not parameter.requires_grad or name.startswith("bias") or isinstance(model.get_submodule(owner), NORMS):
        return False
    return is_lazy(parameter) or parameter.ndim > 1
