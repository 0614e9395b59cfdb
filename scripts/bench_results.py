"""How long it takes to see results: many sweeps in a store, beside Ray Tune's own reader of its own files.

    .venv/bin/python scripts/bench_results.py [--postgres URL] [--sweeps 1000] [--trials 1000] [--reports 1000000]
        [--beside 200x100 1000x20] [--repeats 5] [--output scripts/results/results.json]

A store is filled with SWEEPS sweeps of TRIALS trials, and one of REPORTS reports. Measured are the medians of what
`sieve ls` reads (all sweeps; a page of 100), the status of one sweep, the queue, and the history of the long sweep as a
DataFrame; on SQLite, and on the empty PostgreSQL database at URL if given. Beside it the trials and the history of
smaller sweeps (TRIALSxREPORTS: of many reports each, or of few, as under early stopping) as DataFrames: from a store,
and by Tune's `ResultGrid` and `ExperimentAnalysis` from files in its own format. Prints one JSON object last.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.filling import LONG, SHORT, Sizes, fill
from service.ledger import Results, Store
from service.ledger.results.status import snapshot

Figures = dict[str, dict[str, float]]


def measure(work: Callable[[], object], repeats: int) -> dict[str, float]:
    """Median seconds on the clock and of this process's processors; the first, which warms caches, is left out."""
    walls, works = [], []
    for _ in range(repeats + 1):
        wall, busy = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        works.append(time.process_time() - busy)
    return {"wall_s": statistics.median(walls[1:]), "cpu_s": statistics.median(works[1:])}


def store_figures(url: str, sizes: Sizes, repeats: int) -> Figures:
    """What reading a store of these sizes takes."""
    store = Store(url)
    began = time.perf_counter()
    fill(store, sizes)
    filled = time.perf_counter() - began
    print(f"filled in {filled:.0f} s", flush=True)
    results = Results(store)
    works: dict[str, Callable[[], object]] = {
        "ls_all": results.sweep_rows,
        "ls_page": lambda: store.counts([sweep.name for sweep in store.page()]),
        "status": lambda: snapshot(store.sweep(SHORT), store.trials(SHORT), store.milestones(SHORT), time.time()),
        "queue": lambda: store.sweeps(["QUEUED", "STARTING", "RUNNING"]),
        "history": lambda: results.history(LONG),
    }
    figures: Figures = {}
    for name, work in works.items():
        figures[name] = measure(work, repeats)
        print(name, figures[name], flush=True)
    return figures


def beside_tune(trials: int, reports: int, repeats: int) -> dict[str, Any]:
    """The trials and the whole history as DataFrames, by Sieve and by Ray Tune, from files on the same disk."""
    import pandas as pd
    from ray.tune import ExperimentAnalysis, ResultGrid

    from bench import tune_files

    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/sieve.db"
        fill(Store(url), Sizes(0, trials, trials * reports))
        path = tune_files.write(Path(folder), trials, reports)
        works: dict[str, tuple[Callable[[], pd.DataFrame], Callable[[], pd.DataFrame], int]] = {
            "trials": (
                lambda: Results(Store(url)).trials(LONG),
                lambda: ResultGrid(ExperimentAnalysis(path)).get_dataframe("val_accuracy", "max"),
                trials,
            ),
            "history": (
                lambda: Results(Store(url)).history(LONG),
                lambda: pd.concat(ExperimentAnalysis(path).trial_dataframes.values(), ignore_index=True),
                trials * reports,
            ),
        }
        found: dict[str, Any] = {}
        for name, (ours, theirs, rows) in works.items():
            if not len(ours()) == len(theirs()) == rows:
                raise SystemExit(f"{name}: they read other numbers of rows")
            sieve, tune = measure(ours, repeats), measure(theirs, repeats)
            ratios = {f"ratio_{clock}": tune[clock] / sieve[clock] for clock in sieve}
            found[name] = {"sieve": sieve, "tune": tune, **ratios}
    return found


def main() -> None:
    """Measure all, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--postgres", metavar="URL", help="an empty PostgreSQL database, to be filled")
    parser.add_argument("--sweeps", type=int, default=1000)
    parser.add_argument("--trials", type=int, default=1000, help="trials of each sweep")
    parser.add_argument("--reports", type=int, default=1_000_000, help="reports of the long sweep")
    parser.add_argument("--beside", nargs="*", default=["200x100", "1000x20"], metavar="TRIALSxREPORTS")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--output", type=Path, help="where to write the figures, too")
    given = parser.parse_args()
    sizes = Sizes(given.sweeps, given.trials, given.reports)
    beside = {}
    for shape in given.beside:
        trials, reports = map(int, shape.split("x"))
        beside[shape] = beside_tune(trials, reports, given.repeats)
        print(shape, beside[shape], flush=True)
    stores = {}
    with tempfile.TemporaryDirectory() as folder:
        stores["sqlite"] = store_figures(f"sqlite:///{folder}/sieve.db", sizes, given.repeats)
    if given.postgres:
        stores["postgresql"] = store_figures(given.postgres, sizes, given.repeats)
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    figures = json.dumps({"machine": machine, "sizes": vars(sizes), **stores, "beside_tune": beside}, indent=1)
    if given.output is not None:
        given.output.write_text(figures + "\n")
    print(figures)


if __name__ == "__main__":
    main()
