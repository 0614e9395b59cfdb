"""Mistakes of tasks that Python and torch tell in words of their own, with the cure."""

from __future__ import annotations

import re

from trainables.errors import TaskError, TrialError, message_of, place

FLOATS = (
    "give inputs, and targets that are numbers, as float32, e.g. with .astype('float32') or .float(), and classes as "
    "integers"
)
COUNTS = (
    "number the classes from 0 and give the model one output for each; where targets are numbers, such as counts, "
    "define loss() and metrics(), and write Data(..., labels=None)"
)

KNOWN: tuple[tuple[str, str], ...] = (
    (
        "signal only works in main thread|set_wakeup_fd only works in main thread",
        "leave it out: a training function, and each process of a trial of several, runs beside the process's main "
        "thread; a trial that ends has its `finally` blocks run",
    ),
    ("There is no current event loop in thread", "use asyncio.run(...), which makes a loop of its own"),
    ("must have the same dtype, but got", FLOATS),
    ("to have the same dtype, but got", FLOATS),
    (r"Input type \(.*\) and (bias|weight) type \(.*\) should be the same", FLOATS),
    (r"[Ff]ound dtype \w+ but expected \w+", FLOATS),
    (r"result type \w+ can't be cast to the desired output type", FLOATS),
    (r"two bool tensors is not supported", FLOATS),
    (r"expected scalar type \w+ but found \w+", FLOATS),
    (r"Target -?\d+ is out of bounds", COUNTS),
    (
        r"forward\(\) got an unexpected keyword argument",
        "a batch that is a dict reaches the model by name: name forward()'s arguments like the items' keys, or define "
        "loss() and metrics()",
    ),
    (
        r"forward\(\) (takes|missing) .* positional argument",
        "the model gets all parts of a batch but the last: give forward() as many arguments, or define loss() and "
        "metrics()",
    ),
    (
        "element 0 of tensors does not require grad",
        "compute the loss from the model's output, without detach(), .item(), argmax or torch.no_grad()",
    ),
    (
        r"report\(\) (got an unexpected keyword argument|missing 1 required)",
        "write stage.report({'loss': loss.item()})",
    ),
    ("cannot be used outside of a Ray Train training function", "call stage.report({...}), and take stage.checkpoint"),
    (r"'StageHandle' has no len\(\)", "its number of epochs is stage.epochs"),
    ("'dict' object has no attribute", "read a dict by its keys: config['name'], not config.name"),
    (
        r"must be Tensor, not (list|tuple|dict|str|\w*Output)\b",
        "take apart what a module returns, and make numbers of texts in the dataset or in collate()",
    ),
    ("'Data' object is not callable", "write a method, def data(self), that returns it"),
    (
        r"Data\.__init__\(\) missing 1 required positional argument: 'validation'",
        "give examples to validate on, too, e.g. Data((x[:-200], y[:-200]), (x[-200:], y[-200:]))",
    ),
    ("index out of range in self", "give nn.Embedding as many numbers as the inputs have, from 0 on"),
    (
        r"mat1 and mat2 shapes cannot be multiplied",
        "give the layer as many inputs as it gets, or flatten what it gets, e.g. with nn.Flatten()",
    ),
    (
        "Expected all tensors to be on the same device",
        "batch and model are on one device: make what you add to them there, e.g. with device=x.device, or "
        "register_buffer",
    ),
)
"""What is in the error's text, and the cure."""


def explained(what: str, error: Exception) -> TaskError | None:
    """``error``, which ``what`` has raised, as the mistake that it is known to be; None if it is not known."""
    if isinstance(error, TrialError):
        return None
    words = message_of(error).split("\n")[0].rstrip(". ")
    cure = next((cure for pattern, cure in KNOWN if re.search(pattern, words)), None)
    return None if cure is None else TaskError(f"{what}: {type(error).__name__}: {words}{place(error)}", cure)
