"""Records learning curves of small networks, some of which diverge, as problems of ``bench_search.py``.

    .venv/bin/python scripts/record_curves.py [--configs 200] [--seed 0] [--out scripts/bench/recorded]

A multilayer perceptron in numpy, trained by SGD with momentum, on scikit-learn's digits and on two made sets of more
or fewer features (`make_classification`): random configs, 27 epochs each. Written are the number of validation examples
that are wrong after each epoch (a network that has diverged says the same of all) and the CPU seconds of an epoch,
times a thousand: what they would be on a thousand times the data.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits, make_classification
from sklearn.preprocessing import StandardScaler

EPOCHS, TRAINED = 27, 1000
LONGER = 1000.0

SPACE: dict[str, dict[str, Any]] = {
    "lr": {"kind": "float", "lower": 1e-4, "upper": 10.0, "log": True},
    "momentum": {"kind": "float", "lower": 0.0, "upper": 0.99, "log": False},
    "batch": {"kind": "int", "lower": 4, "upper": 256, "log": True},
    "width": {"kind": "int", "lower": 4, "upper": 128, "log": True},
    "layers": {"kind": "int", "lower": 1, "upper": 3, "log": False},
    "weight_decay": {"kind": "float", "lower": 1e-6, "upper": 0.1, "log": True},
}

Arrays = list[np.ndarray]


def main() -> None:
    """Write a file for each set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--configs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("bench") / "recorded")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for number, (name, (x, y)) in enumerate(_sets().items()):
        draw = np.random.default_rng((arguments.seed, number))
        table = [_recorded(draw, x, y) for _ in range(arguments.configs)]
        document = {"parameters": SPACE, "examples": len(y) - TRAINED, "curves": table}
        (arguments.out / f"{name}.json").write_text(json.dumps(document, separators=(",", ":")) + "\n")
        print(name, "best", min(min(row["wrong"]) for row in table), "of", len(y) - TRAINED, flush=True)


def _sets() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    digits = load_digits(return_X_y=True)
    wide = make_classification(1600, 40, n_informative=12, n_classes=6, n_clusters_per_class=3, random_state=1)
    narrow = make_classification(
        1600, 10, n_informative=6, n_classes=4, n_clusters_per_class=4, flip_y=0.05, random_state=2
    )
    return {
        name: (StandardScaler().fit_transform(x), y)
        for name, (x, y) in {"digits": digits, "wide": wide, "narrow": narrow}.items()
    }


def _recorded(draw: np.random.Generator, x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    config = {name: _drawn(draw, domain) for name, domain in SPACE.items()}
    began, wrong = time.process_time(), _train(draw, config, x, y)
    seconds = (time.process_time() - began) / EPOCHS * LONGER
    return {"config": config, "wrong": wrong, "seconds": round(seconds, 3)}


def _drawn(draw: np.random.Generator, domain: dict[str, Any]) -> float | int:
    low, high = domain["lower"], domain["upper"]
    if domain["kind"] == "int" and not domain["log"]:
        return int(draw.integers(low, high + 1))
    value = math.exp(draw.uniform(math.log(low), math.log(high))) if domain["log"] else float(draw.uniform(low, high))
    return round(value) if domain["kind"] == "int" else float(f"{value:.4g}")


def _train(draw: np.random.Generator, config: dict[str, Any], x: np.ndarray, y: np.ndarray) -> list[int]:
    """Wrong validation examples after each epoch."""
    order = draw.permutation(len(y))
    train, valid = order[:TRAINED], order[TRAINED:]
    sizes = [x.shape[1], *[config["width"]] * config["layers"], int(y.max()) + 1]
    weights = [draw.standard_normal((m + 1, n)) * (2.0 / m) ** 0.5 for m, n in pairwise(sizes)]
    moved = [np.zeros_like(w) for w in weights]
    wrong = []
    with np.errstate(all="ignore"):
        for _ in range(EPOCHS):
            shuffled = draw.permutation(train)
            for start in range(0, TRAINED, config["batch"]):
                batch = shuffled[start : start + config["batch"]]
                _step(config, weights, moved, x[batch], y[batch])
            said = _forward(weights, x[valid])[-1].argmax(axis=1)
            wrong.append(int((said != y[valid]).sum()))
    return wrong


def _forward(weights: Arrays, x: np.ndarray) -> Arrays:
    """The input of each layer, then the scores of classes."""
    outputs = [np.hstack([x, np.ones((len(x), 1))])]
    for weight in weights[:-1]:
        outputs.append(np.hstack([np.maximum(outputs[-1] @ weight, 0.0), np.ones((len(x), 1))]))
    return [*outputs, outputs[-1] @ weights[-1]]


def _step(config: dict[str, Any], weights: Arrays, moved: Arrays, x: np.ndarray, y: np.ndarray) -> None:
    *inputs, scores = _forward(weights, x)
    likely = np.exp(scores - scores.max(axis=1, keepdims=True))
    error = likely / likely.sum(axis=1, keepdims=True)
    error[np.arange(len(y)), y] -= 1.0
    for layer in reversed(range(len(weights))):
        gradient = inputs[layer].T @ error / len(y) + config["weight_decay"] * weights[layer]
        error = (error @ weights[layer].T)[:, :-1] * (inputs[layer][:, :-1] > 0.0)
        moved[layer] *= config["momentum"]
        moved[layer] -= config["lr"] * gradient
        weights[layer] += moved[layer]


if __name__ == "__main__":
    main()
