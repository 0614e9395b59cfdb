"""`Assignment`: one trial as the head passes it to a worker (Ray Tune: the trial's ``config``). No Ray, no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from trainables.stages import Plan, Stage

Position = tuple[int, int]
"""(stage, epochs done in it): how far a trial is; later positions are larger."""


@dataclass(frozen=True)
class Assignment:
    """One trial, as a worker runs it.

    ``config`` is the nested user config, ``trial`` the trial's number, ``seed`` its own seed and ``data_seed`` that of
    the subsets, which all trials of a sweep share; ``metric`` is the name the task must report; ``task`` is
    ``module:Name``, found from the folder ``project``; ``folder`` holds the trial's checkpoint; ``reported`` is the
    position of the newest report in the ledger, None if there is none; ``skipped`` are the stages that the trial does
    not train. Stages may be added to those as long as the trial has not come to them. ``data_dir`` is the data
    directory as the spec names it, None if it does not.
    """

    config: Mapping[str, Any]
    trial: int
    seed: int
    metric: str
    plan: Plan
    task: str
    project: str
    folder: Path
    reported: Position | None = None
    data_seed: int = 0
    skipped: tuple[int, ...] = ()
    data_dir: str | None = None

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Assignment:
        """The inverse of `to_dict`; other keys, some of which Tune adds, are ignored."""
        return cls(
            config=raw["config"],
            trial=raw["trial"],
            seed=raw["seed"],
            metric=raw["metric"],
            plan=plan_of(raw["stages"], raw["transfer"]),
            task=raw["task"],
            project=raw["project"],
            folder=Path(raw["folder"]),
            reported=position_of(raw["reported"]),
            data_seed=raw["data_seed"],
            skipped=tuple(raw["skipped"]),
            data_dir=raw["data_dir"],
        )

    def to_dict(self) -> dict[str, Any]:
        """The assignment as plain data for a Tune config: the plan as the list ``stages`` of dicts, paths as text."""
        return {
            "config": dict(self.config),
            "trial": self.trial,
            "seed": self.seed,
            "metric": self.metric,
            "stages": [asdict(stage) for stage in self.plan.stages],
            "transfer": dict(self.plan.transfer),
            "task": self.task,
            "project": self.project,
            "folder": str(self.folder),
            "reported": None if self.reported is None else list(self.reported),
            "data_seed": self.data_seed,
            "skipped": list(self.skipped),
            "data_dir": self.data_dir,
        }

    @property
    def climb(self) -> Plan:
        """The plan without the stages that the trial skips."""
        return self.plan.without(self.skipped)

    @property
    def next_stage(self) -> int:
        """The stage that the trial trains next, by its newest report."""
        stage, done = self.reported or (-1, 0)
        return stage if stage >= 0 and done < self.plan[stage].epochs else self.climb.next(stage)

    @property
    def checkpoint(self) -> Path:
        """The trial's checkpoint file."""
        return self.folder / "latest.pt"

    @property
    def identity(self) -> dict[str, Any]:
        """The fields that decide the trial's results; a checkpoint with others is of another trial.

        Without ``skipped``, to which stages may be added during the trial.
        """
        raw = self.to_dict()
        transfer = {"transfer": raw["transfer"]} if raw["transfer"] else {}
        return {key: raw[key] for key in ("config", "seed", "data_seed", "stages", "task")} | transfer


def plan_of(stages: Any, transfer: Mapping[str, float] | None = None) -> Plan:
    """The plan of a sequence of dicts with the fields of `Stage`, and of the exponents of ``transfer``."""
    return Plan(tuple(Stage(**stage) for stage in stages), transfer=tuple((transfer or {}).items()))


def position_of(raw: Any) -> Position | None:
    """A position from its plain form, a pair; None from None."""
    return None if raw is None else (int(raw[0]), int(raw[1]))
