"""What each practice of fast training brings, as ratios measured in one run on one machine.

    .venv/bin/python scripts/bench_training.py [--quick] [--rows loop,batch,…] [--repeats 15] [--threads 1] [--out DIR]

Both sides of a row are Sieve's own loop, but for ``loop``, which is beside a hand-written PyTorch loop on the same
model, and ``warm``, beside a new process that imports torch and trains the same epoch. The sides take turns, after one
untimed turn each; seconds are medians, a ratio is the median of the turns' own, above 1 where the practice is faster.
Rows that need a CUDA device are left out without one. Prints a table and writes training-<device>.json to --out.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import Dataset

from trainables.data import Data
from trainables.loop import feed
from trainables.loop.training import Training
from trainables.stages import Plan, Stage
from trainables.task import Task

CUDA = torch.cuda.is_available()
DEVICE = torch.device("cuda" if CUDA else "cpu")
ONCE = "--one-epoch"
Seconds = Callable[[], float]


@dataclass(frozen=True)
class Row:
    """A practice: what it is measured on, both sides, whether it needs CUDA, and how many times more turns it gets."""

    practice: str
    on: str
    sides: Callable[[], tuple[Seconds, Seconds]]
    cuda: bool = False
    more: int = 1


class Images(Task):
    """Random images of 28×28 pixels in ten classes; a network of two layers, or of convolutions."""

    def __init__(self, examples: int, channels: int = 1) -> None:
        draws = torch.Generator().manual_seed(0)
        self.inputs = torch.randn(examples, channels, 28, 28, generator=draws)
        self.labels = torch.randint(10, (examples,), generator=draws)

    def data(self) -> Data:
        return Data((self.inputs, self.labels), (self.inputs[:2], self.labels[:2]))

    def model(self, config: Mapping[str, Any]) -> nn.Module:
        channels = self.inputs.shape[1]
        if not config["width"]:
            return nn.Sequential(nn.Flatten(), nn.Linear(channels * 784, 128), nn.ReLU(), nn.Linear(128, 10))
        layers: list[nn.Module] = []
        for width in (config["width"], 2 * config["width"]):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2)]
            channels = width
        return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * 49, 10))


class Augmented(Dataset[tuple[Tensor, Tensor]]):
    """The images of a task one by one, each after some work in Python, as augmentation is."""

    def __init__(self, task: Images) -> None:
        self.task = task

    def __len__(self) -> int:
        return len(self.task.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        image = self.task.inputs[index]
        for shift in range(1, 21):
            image = image.roll(shift, 2).flip(1)
        return image, self.task.labels[index]


def epoch(task: Images, data: Data | None = None, workers: int | None = 0, **config: Any) -> Seconds:
    """The seconds of the next epoch of a training that goes on; its validation data are two images."""
    given = {"width": 0, "batch_size": 64, "precision": "fp32", **config}
    plan = Plan((Stage(1.0, 10_000),))
    training = Training(task, task.data() if data is None else data, given, plan, seed=0)
    if workers is not None:
        training._feed.workers = workers

    return lambda: timed(training.run_epoch)


def timed(work: Callable[[], Any]) -> float:
    """Seconds that ``work`` takes, the device's part included."""
    began = time.perf_counter()
    work()
    if CUDA:
        torch.cuda.synchronize()
    return time.perf_counter() - began


def by_hand(task: Images, width: int) -> Seconds:
    """The epoch of `epoch` as one writes it by hand without Sieve, with the same model, optimizer and batches."""
    model = task.model({"width": width}).to(DEVICE)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    inputs, labels = task.inputs.to(DEVICE), task.labels.to(DEVICE)

    def train() -> float:
        total = torch.zeros((), device=DEVICE)
        order = torch.randperm(len(labels), device=DEVICE)
        for start in range(0, len(order), 64):
            rows = order[start : start + 64]
            optimizer.zero_grad(set_to_none=True)
            loss = functional.cross_entropy(model(inputs[rows]), labels[rows])
            loss.backward()
            optimizer.step()
            total += loss.detach()
        return float(total)

    return lambda: timed(train)


def cold(examples: int) -> Seconds:
    """A new process that imports torch and trains one epoch; Sieve's own would import Ray, too."""
    command = [sys.executable, __file__, ONCE, str(examples)]
    return lambda: timed(lambda: subprocess.run(command, check=True))


def warm(examples: int) -> Seconds:
    """The next trial in this process, which has torch and the data: a new model and one epoch."""
    task = Images(examples)
    data = task.data()
    return lambda: timed(lambda: epoch(task, data)())


def sent(task: Images, pinned: bool) -> Seconds:
    """All batches brought to the device, from pinned memory or not."""

    def send() -> None:
        for start in range(0, len(task.labels), 64):
            batch = task.inputs[start : start + 64].clone()
            (batch.pin_memory() if pinned else batch).to(DEVICE, non_blocking=pinned)

    return lambda: timed(send)


def not_resident(task: Images) -> Seconds:
    """An epoch with the data on the host."""
    share, feed.RESIDENT_FRACTION = feed.RESIDENT_FRACTION, 0.0
    try:
        return epoch(task)
    finally:
        feed.RESIDENT_FRACTION = share


def rows(quick: bool) -> dict[str, Row]:
    """All rows by their names."""
    scale = 1 if quick else 4
    many, some, few = Images(4096 * scale * (4 if CUDA else 1)), Images(1024 * scale), Images(512 * scale)
    wide = Images(256 * scale, channels=16)
    workers = max(1, (os.cpu_count() or 2) - 1)
    augmented = Data(Augmented(some), Augmented(Images(2)))
    cnn: dict[str, Any] = {"width": 16}
    return {
        "loop": Row("Sieve's loop, not one by hand", "MLP, batch 64", lambda: (by_hand(many, 0), epoch(many)), more=4),
        "loop-cnn": Row("the same", "CNN, batch 64", lambda: (by_hand(few, 8), epoch(few, width=8)), more=4),
        "batch": Row("batch 512, not 64", "MLP", lambda: (epoch(many), epoch(many, batch_size=512))),
        "workers": Row(
            f"{workers} loader workers, not none",
            "augmented dataset, CNN",
            lambda: (epoch(some, augmented, 0, width=8), epoch(some, augmented, workers, width=8)),
        ),
        "pinned": Row("pinned memory", "copies alone", lambda: (sent(many, False), sent(many, True)), cuda=True),
        "resident": Row("data on the device", "MLP, batch 64", lambda: (not_resident(many), epoch(many)), cuda=True),
        "bf16": Row("bf16, not fp32", "CNN", lambda: (epoch(wide, **cnn), epoch(wide, precision="bf16", **cnn))),
        "channels-last": Row(
            "channels-last", "CNN", lambda: (epoch(wide, **cnn), epoch(wide, channels_last=True, **cnn))
        ),
        "fast": Row(
            "not only deterministic algorithms",
            "CNN",
            lambda: (epoch(wide, reproducible=True, **cnn), epoch(wide, **cnn)),
        ),
        "warm": Row("warm worker, not a cold process", "MLP, 1 epoch", lambda: (cold(1024), warm(1024))),
    }


def measure(chosen: Mapping[str, Row], repeats: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """The figures of each row that this machine can run; the others say why not."""
    for name, row in chosen.items():
        about = {"practice": row.practice, "on": row.on}
        if row.cuda and not CUDA:
            yield name, {**about, "left_out": "needs a CUDA device"}
            continue
        sides = row.sides()
        for side in sides:
            side()
        turns = [turn(sides, number % 2 == 1) for number in range(repeats * row.more)]
        without, with_it = (statistics.median(column) for column in zip(*turns, strict=True))
        ratio = statistics.median(one / other for one, other in turns)
        yield name, {**about, "without_s": without, "with_s": with_it, "ratio": ratio, "turns": len(turns)}


def turn(sides: tuple[Seconds, Seconds], second_first: bool) -> tuple[float, float]:
    """The seconds of both sides, one right after the other."""
    if second_first:
        after = sides[1]()
        return sides[0](), after
    return sides[0](), sides[1]()


def show(figures: Mapping[str, Mapping[str, Any]], machine: str) -> None:
    """Print the table."""
    table = Table("row", "practice", "on", "without", "with", "ratio", title=machine, title_justify="left")
    for name, row in figures.items():
        if "left_out" in row:
            table.add_row(name, row["practice"], row["on"], row["left_out"], "", "")
        else:
            seconds = (f"{row[side]:.3f} s" for side in ("without_s", "with_s"))
            table.add_row(name, row["practice"], row["on"], *seconds, f"{row['ratio']:.2f}")
    console = Console()
    # Where it does not go to a terminal, nothing limits its width.
    (console if console.is_terminal else Console(width=120)).print(table)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a quarter of the work, three repeats")
    parser.add_argument("--rows", help="only these, by commas")
    parser.add_argument("--repeats", type=int, help="turns of each side (15)")
    parser.add_argument("--threads", type=int, default=1, help="of torch, as of a trial with that many CPUs (1)")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results", help="folder of the figures")
    parser.add_argument(ONCE, type=int, metavar="EXAMPLES", help=argparse.SUPPRESS)
    return parser.parse_args()


def chosen_rows(names: Iterable[str] | None, quick: bool) -> dict[str, Row]:
    """The rows of the given names; all without.

    Raises:
        SystemExit: there is no such row.
    """
    every = rows(quick)
    unknown = sorted(set(names or ()) - set(every))
    if unknown:
        sys.exit(f"no such rows: {', '.join(unknown)}; there are {', '.join(every)}")
    return {name: row for name, row in every.items() if not names or name in names}


def main() -> None:
    """Measure, print and write."""
    given = arguments()
    torch.set_num_threads(given.threads)
    if given.one_epoch:
        epoch(Images(given.one_epoch))()
        return
    device = torch.cuda.get_device_name() if CUDA else "cpu"
    hardware = f"{os.cpu_count()} cores, {platform.machine()}" + (f", {device}" if CUDA else ", no GPU used")
    machine = f"{hardware}, torch {torch.__version__} with {given.threads} threads, Python {platform.python_version()}"
    chosen = chosen_rows(given.rows.split(",") if given.rows else None, given.quick)
    figures = dict(measure(chosen, given.repeats or (3 if given.quick else 15)))
    show(figures, machine)
    slug = re.sub(r"\W+", "-", device.lower())
    given.out.mkdir(parents=True, exist_ok=True)
    # Beside other work ratios of wall time scatter: more processes than cores and they say little.
    load = round(os.getloadavg()[0], 1)
    text = json.dumps({"machine": machine, "load": load, "quick": given.quick, "rows": figures}, indent=1)
    (given.out / f"training-{slug}.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
