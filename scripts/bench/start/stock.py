"""Stock Ray Tune on the rings: a function trainable with HyperOpt and ASHA. Its argument is a file.

The time of the first report goes into it, in seconds since the epoch.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from ray import tune
from ray.tune.schedulers import ASHAScheduler
from ray.tune.search.hyperopt import HyperOptSearch

EPOCHS = 5
BATCH = 128


def train(config: dict[str, Any]) -> None:
    """Adam on the cross-entropy, with a report after each epoch."""
    import torch
    from rings import network, points

    torch.manual_seed(0)
    x, y = (torch.from_numpy(part) for part in points())
    model = network(config)
    optimizer = torch.optim.Adam(model.parameters(), lr=config["lr"])
    for _ in range(EPOCHS):
        for rows in torch.randperm(1600).split(BATCH):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()
        with torch.no_grad():
            accuracy = (model(x[1600:]).argmax(1) == y[1600:]).float().mean()
        tune.report({"val_accuracy": float(accuracy)})


class Clock(tune.Callback):  # type: ignore[misc]
    """Writes the time of the first report down."""

    def on_trial_result(self, iteration: int, trials: list[Any], trial: Any, result: Any, **info: Any) -> None:
        file = Path(sys.argv[1])
        if not file.exists():
            file.write_text(str(time.time()))


def main() -> None:
    """Four trials."""
    tune.Tuner(
        train,
        param_space={"lr": tune.loguniform(1e-3, 1e-1), "hidden": tune.choice([8, 32, 128])},
        tune_config=tune.TuneConfig(
            metric="val_accuracy",
            mode="max",
            num_samples=4,
            search_alg=HyperOptSearch(random_state_seed=0),
            scheduler=ASHAScheduler(),
        ),
        run_config=tune.RunConfig(storage_path=str(Path.cwd() / "tune"), callbacks=[Clock()], verbose=0),
    ).fit()


if __name__ == "__main__":
    main()
