"""Sieve's searchers and schedulers beside their peers, in simulated time on surrogates of real training.

    .venv/bin/python scripts/bench_search.py [--quick] [--methods A,B] [--problems P,Q | --held-out | --recorded]
        [--seeds 5] [--workers 4,8,32] [--budget 6] [--stragglers 0] [--crashes 0] [--show] [--jobs 2] [--data DIR]
        [--out DIR]

Needs the packages of the dependency group ``bench``. Every library runs in its own environment under .bench/, made at
first; a run that has been made is not made again, Sieve's as long as its code stays. Prints tables and writes
search.json and search.png to --out. sieve:auto has the defaults of a spec; with other methods of Sieve and with peers
one in three goes on at each rung. Decisions cost CPU seconds, with Sieve wall seconds, which are no less.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
from pathlib import Path
from typing import Any

try:
    import matplotlib  # noqa: F401 - asked for here to say at once what is missing
    import onnxruntime  # noqa: F401
except ModuleNotFoundError as missing:
    sys.exit(f"{missing}; install it: .venv/bin/python -m pip install --constraint constraints.txt --group bench")

from bench.environments import REQUIREMENTS, ROOT
from bench.methods import AUTO, METHODS, SIEVE_METHODS, Method, method
from bench.plot import draw
from bench.problems.problems import DEVELOPMENT, HELD_OUT, QUICK, Problem
from bench.problems.recorded import RECORDED, named
from bench.problems.references import Reference, reference
from bench.problems.tables import of_all, of_problem, show
from bench.runs import Plan, Runner, records
from bench.summary import Entries, entry, groups, overall
from service.spec.errors import UserError, nearest

_QUICK_METHODS = (AUTO, "sieve:hyperopt+promote", "ray_asha_hyperopt", "optuna_hyperband", "syne_asha", "random")


def main() -> int:
    """Make what is missing, then show everything asked for; returns 1 when a run failed."""
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        comparison = Comparison(arguments)
    except UserError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    failed = not arguments.show and comparison.run(arguments.jobs)
    comparison.publish(arguments.out)
    return 1 if failed else 0


class Comparison:
    """The methods, problems and numbers of workers asked for."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        """Raises UserError for what is unknown."""
        self.methods = [_method(name) for name in arguments.methods]
        self.plan = Plan(
            cache=arguments.cache.resolve(),
            data=arguments.data.resolve(),
            seeds=tuple(range(arguments.seeds)),
            budget=arguments.budget,
            stragglers=arguments.stragglers,
            crashes=arguments.crashes,
        )
        self.workers: list[int] = arguments.workers
        self.references: dict[str, Reference] = {}
        self.tops: dict[str, int] = {}
        for name in arguments.problems:
            problem = _problem(name, self.plan.data)
            self.references[name] = reference(problem, self.plan.cache / "references")
            self.tops[name] = problem.top

    def run(self, at_once: int) -> bool:
        """Make the runs that are missing; whether any failed. Methods one after the other, as they were named."""
        runner = Runner(self.plan.cache, at_once)
        jobs = [
            self.plan.job(chosen, problem, workers, known.unit)
            for chosen in self.methods
            for workers in self.workers
            for problem, known in self.references.items()
        ]
        runner.run(jobs, {chosen.name: chosen.environment for chosen in self.methods})
        return bool(runner.failed)

    def entries(self, workers: int) -> Entries:
        """What has been run, by method and problem; methods without a run are left out."""
        found: dict[str, dict[str, Any]] = {}
        for chosen in self.methods:
            for problem, known in self.references.items():
                kept = records(self.plan.job(chosen, problem, workers, known.unit))
                if kept:
                    scored = entry(kept, known, self.plan.budget, self.tops[problem])
                    found.setdefault(chosen.name, {})[problem] = scored
        return found

    def publish(self, out: Path) -> None:
        """Print the tables; write search.json and search.png into ``out``."""
        by_workers = {workers: entries for workers in self.workers if (entries := self.entries(workers))}
        if not by_workers:
            print("nothing has been run")
            return
        document: dict[str, Any] = {"setting": self._setting(), "workers": {}}
        for workers, entries in by_workers.items():
            for problem in self.references:
                show(of_problem(problem, workers, entries))
            summaries = [found for group in groups(entries) if (found := overall(entries, group)).problems]
            for summary in summaries:
                show(of_all(workers, summary))
            document["workers"][str(workers)] = {
                "overall": [{"problems": summary.problems, "methods": summary.rows} for summary in summaries],
                "problems": _figures(entries),
            }
        out.mkdir(parents=True, exist_ok=True)
        (out / "search.json").write_text(json.dumps(document, indent=1) + "\n")
        draw(by_workers, list(self.references), self.plan.budget, out / "search.png")
        print(f"written: {out / 'search.json'}, {out / 'search.png'}")

    def _setting(self) -> dict[str, Any]:
        return {
            "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
            "seeds": len(self.plan.seeds),
            "budget": self.plan.budget,
            "stragglers": self.plan.stragglers,
            "crashes": self.plan.crashes,
            "revisions": {chosen.name: chosen.revision for chosen in self.methods},
            "requirements": {name: REQUIREMENTS[name] for name in sorted(self._environments() & REQUIREMENTS.keys())},
        }

    def _environments(self) -> set[str]:
        return {chosen.environment for chosen in self.methods}


def _figures(entries: Entries) -> dict[str, dict[str, Any]]:
    """Plain figures by method and problem."""
    return {
        name: {problem: scored.plain() for problem, scored in of_method.items()} for name, of_method in entries.items()
    }


def _method(name: str) -> Method:
    try:
        return method(name)
    except KeyError:
        known = [*METHODS, *SIEVE_METHODS]
        message = f"no method is called {name!r}{nearest(name, known)}"
        raise UserError(message, f"name some of {', '.join(known)}") from None


def _problem(name: str, data: Path) -> Problem:
    try:
        return named(name, data)
    except ValueError as error:
        raise UserError(str(error)) from None


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="four problems, three seeds, fast methods: minutes")
    parser.add_argument("--methods", type=_names, help="which, separated by commas; default: all that are not slow")
    parser.add_argument("--problems", type=_names, help="SCENARIO:TASK, ...; default: the 13 development problems")
    parser.add_argument("--held-out", action="store_true", help="the tasks that nothing was developed on")
    parser.add_argument("--recorded", action="store_true", help="recorded curves of small networks, some diverge")
    parser.add_argument("--seeds", type=int, help="runs of each (default 5, quick 3)")
    parser.add_argument("--workers", type=_numbers, help="how many, separated by commas (default 4,8,32, quick 8)")
    parser.add_argument("--budget", type=float, default=6.0, help="in mean seconds of a whole training (default 6)")
    parser.add_argument("--stragglers", type=float, default=0.0, help="times are multiplied by 1+|z|; std of z")
    parser.add_argument("--crashes", type=float, default=0.0, help="probability that a level's training is lost")
    parser.add_argument("--show", action="store_true", help="run nothing: show what has been run")
    parser.add_argument("--jobs", type=int, default=2, help="processes at once (default 2)")
    parser.add_argument("--data", type=Path, default=_data(), help="the folder of the scenarios (default %(default)s)")
    parser.add_argument("--out", type=Path, default=ROOT / "scripts/results", help="where search.json and .png go")
    parser.add_argument("--cache", type=Path, default=ROOT / ".bench", help="environments, references and runs")
    return _filled(parser.parse_args())


def _filled(arguments: argparse.Namespace) -> argparse.Namespace:
    """What was not given, by --quick and --held-out."""
    quick = arguments.quick
    fast = (AUTO, *(name for name, known in METHODS.items() if not known.slow))
    arguments.methods = arguments.methods or (_QUICK_METHODS if quick else fast)
    problems = HELD_OUT if arguments.held_out else RECORDED if arguments.recorded else QUICK if quick else DEVELOPMENT
    arguments.problems = arguments.problems or problems
    arguments.seeds = arguments.seeds or (3 if quick else 5)
    arguments.workers = arguments.workers or ([8] if quick else [4, 8, 32])
    return arguments


def _data() -> Path:
    own = os.environ.get("SIEVE_DATA")
    return Path(own) / "bench" if own else ROOT.parent / "shared" / "data" / "bench"


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _numbers(text: str) -> list[int]:
    return [int(number) for number in _names(text)]


if __name__ == "__main__":
    sys.exit(main())
