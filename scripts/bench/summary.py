"""What a comparison found: for each method on each problem, and over all problems that methods share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

import numpy as np

from bench.problems.references import Reference
from bench.problems.world import Report
from bench.score import SHARES, Score, interval, ranks, score


@dataclass(frozen=True)
class Entry:
    """One method on one problem: its seeds' scores, and CPU seconds of their decisions (median, p99, sum of a run)."""

    scores: tuple[Score, ...]
    cpu: tuple[float, float, float]

    @property
    def means(self) -> list[float]:
        """Each seed's mean regret over the run."""
        return [score.mean for score in self.scores]

    @property
    def mean(self) -> float:
        """Mean regret over the run and the seeds."""
        return fmean(self.means)

    @property
    def curve(self) -> np.ndarray:
        """Regret at each time, the mean of the seeds."""
        mean: np.ndarray = np.array([score.regret for score in self.scores]).mean(axis=0)
        return mean

    def at(self, share: float) -> float:
        """Regret when ``share`` of the budget is used, the mean of the seeds."""
        return fmean(score.at(share) for score in self.scores)

    @property
    def tops(self) -> list[float]:
        """When runs reached the best 1 % of random configs, in mean seconds of a whole training; those that did."""
        return [score.top for score in self.scores if score.top is not None]

    def plain(self) -> dict[str, Any]:
        """The entry's figures, rounded."""
        low, high = interval([self.means])
        return {
            "seeds": len(self.scores),
            **{f"regret_{share:.0%}": round(self.at(share), 4) for share in SHARES},
            "mean": round(self.mean, 4),
            "interval": [round(low, 4), round(high, 4)],
            "top_runs": len(self.tops),
            "top_time": round(median(self.tops), 3) if self.tops else None,
            "cpu_median_s": round(self.cpu[0], 6),
            "cpu_p99_s": round(self.cpu[1], 6),
            "cpu_run_s": round(self.cpu[2], 3),
        }


Entries = Mapping[str, Mapping[str, Entry]]  # method, then problem


def entry(records: Sequence[Mapping[str, Any]], reference: Reference, budget: float, top: int) -> Entry:
    """From the records of one method's runs on one problem, at least one; ``top`` is the position of its last level."""
    seconds = budget * reference.unit
    scores = [
        score([Report(*change) for change in record["incumbents"]], reference, seconds, top) for record in records
    ]
    costs = [record["cpu"] for record in records]
    cpu = tuple(fmean(cost[figure] for cost in costs) for figure in ("median", "p99", "sum"))
    return Entry(tuple(scores), (cpu[0], cpu[1], cpu[2]))


@dataclass(frozen=True)
class Overall:
    """All methods of a group on the problems that all of them have."""

    problems: tuple[str, ...]
    rows: dict[str, dict[str, Any]]


def overall(entries: Entries, methods: Sequence[str]) -> Overall:
    """Mean regret with its interval, average rank, runs that reached the top and cost, over what ``methods`` share."""
    shared = [problem for problem in entries[methods[0]] if all(problem in entries[method] for method in methods)]
    if not shared:
        return Overall((), {})
    places = ranks({name: {problem: entries[name][problem].mean for problem in shared} for name in methods})
    rows = {name: _row([entries[name][problem] for problem in shared], places[name]) for name in methods}
    return Overall(tuple(shared), dict(sorted(rows.items(), key=lambda row: float(row[1]["mean"]))))


def _row(entries: Sequence[Entry], rank: float) -> dict[str, Any]:
    low, high = interval([entry.means for entry in entries])
    tops = [top for entry in entries for top in entry.tops]
    return {
        **{f"regret_{share:.0%}": round(fmean(entry.at(share) for entry in entries), 4) for share in SHARES},
        "mean": round(fmean(entry.mean for entry in entries), 4),
        "interval": [round(low, 4), round(high, 4)],
        "rank": round(rank, 2),
        "top_share": round(len(tops) / sum(len(entry.scores) for entry in entries), 3),
        "top_time": round(median(tops), 3) if tops else None,
        "cpu_median_s": round(fmean(entry.cpu[0] for entry in entries), 6),
        "cpu_p99_s": round(fmean(entry.cpu[1] for entry in entries), 6),
        "cpu_run_s": round(fmean(entry.cpu[2] for entry in entries), 3),
    }


def groups(entries: Entries) -> list[list[str]]:
    """The methods that have all problems; then, where some lack problems, all methods."""
    widest = max(len(of_method) for of_method in entries.values())
    complete = [method for method, of_method in entries.items() if len(of_method) == widest]
    return [complete] if len(complete) == len(entries) else [complete, list(entries)]
