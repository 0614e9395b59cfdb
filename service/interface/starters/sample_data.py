"""Small sample data that ``sieve init`` writes where the user brings none: made from a seed, nothing is downloaded."""

from __future__ import annotations

from pathlib import Path

import numpy as np

SEED = 0
PER_SHAPE, SIDE = 80, 32
SHAPES = ("circle", "cross", "stripes")
ROWS, TEXTS = 600, 600
TONES = {
    "good": ("great", "lovely", "perfect", "friendly", "quick", "fresh"),
    "bad": ("awful", "broken", "rude", "slow", "stale", "dirty"),
}
THINGS = ("food", "room", "service", "screen", "battery", "coffee", "staff", "bread", "view", "price", "music", "soup")
FILLERS = ("really", "quite", "today", "again", "honestly", "as expected", "for us", "this time", "in the end", "so")


def write(form: str, folder: Path) -> Path:
    """Write the sample data of a ``form`` (``images``, ``table`` or ``text``) below ``folder``; their path.

    Raises:
        OSError: they cannot be written.
    """
    path = place(form, folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    {"images": _images, "table": _table, "text": _text}[form](path, np.random.default_rng(SEED))
    return path


def place(form: str, folder: Path) -> Path:
    """Where `write` puts them: a folder of images, or a file."""
    return folder / "data" / {"images": "shapes", "table": "customers.csv", "text": "reviews.tsv"}[form]


TARGET = "buys"
"""The column of the sample table that is to be predicted."""


def _table(path: Path, draws: np.random.Generator) -> None:
    """Customers, of whom the young, the rich and those of one city buy; one income in ten is missing."""
    import pandas as pd

    age, income = draws.integers(18, 80, ROWS), draws.normal(40, 12, ROWS).round(1)
    city, visits = draws.choice(["Bath", "Cork", "Lyon", "Oslo"], ROWS), draws.poisson(3, ROWS)
    score = (48 - age) / 8 + (income - 40) / 6 + 2.0 * (city == "Lyon") + draws.normal(0, 0.7, ROWS)
    income[draws.random(ROWS) < 0.1] = np.nan
    columns = {"age": age, "income": income, "city": city, "visits": visits, TARGET: np.where(score > 0, "yes", "no")}
    pd.DataFrame(columns).to_csv(path, index=False)


def _text(path: Path, draws: np.random.Generator) -> None:
    """Reviews of three things, which are good or bad by the most of them."""
    lines = []
    for number in range(TEXTS):
        label, other = ("good", "bad") if number % 2 else ("bad", "good")
        tones = [label, label, label if draws.random() < 0.5 else other]
        said = [
            f"the {draws.choice(THINGS)} was {draws.choice(TONES[tone])} {draws.choice(FILLERS)}"
            for tone in draws.permutation(tones)
        ]
        lines.append(f"{label}\t{', '.join(said)}\n")
    path.write_text("".join(lines), encoding="utf-8")


def _images(path: Path, draws: np.random.Generator) -> None:
    """Shapes of any size, place and color on a noisy ground."""
    from PIL import Image

    rows, columns = np.mgrid[:SIDE, :SIDE]
    for shape in SHAPES:
        (path / shape).mkdir(parents=True, exist_ok=True)
        for number in range(PER_SHAPE):
            size, (row, column) = draws.integers(6, 11), draws.integers(11, SIDE - 11, 2)
            down, right = abs(rows - row), abs(columns - column)
            inside = {
                "circle": down**2 + right**2 <= size**2,
                "cross": (np.minimum(down, right) <= size // 3) & (np.maximum(down, right) <= size),
                "stripes": (np.maximum(down, right) <= size) & (rows % 4 < 2),
            }[shape]
            image = draws.integers(0, 110, (SIDE, SIDE, 3))
            image[inside] = draws.integers(120, 256, 3)
            Image.fromarray(image.astype(np.uint8)).save(path / shape / f"{number:02}.png")
