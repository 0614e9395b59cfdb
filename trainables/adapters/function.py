"""Function trainables, ``train(config, stage)``: the user's own loop (Ray Tune's function API), stage by stage.

The function runs in a thread, which waits in ``stage.report`` until the trial may go on.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trainables.adapters.stage_handle import Ended, Saved, StageHandle
from trainables.exits import caught, ended
from trainables.loop.seeding import INITIALIZATION, seed_all
from trainables.stages import Plan
from trainables.task import TaskFunction

END_TIMEOUT = 10.0
"""Seconds to wait for the thread of an ended trial, in which the user's ``finally`` blocks run."""


class FunctionRun:
    """The run of one trial of a training function, which is called once per stage.

    It is called again for a stage that was interrupted. If it returns before the last epoch, its last report is that of
    the end of the stage.
    """

    def __init__(
        self,
        function: TaskFunction,
        config: Mapping[str, Any],
        plan: Plan,
        seed: int,
        data_seed: int = 0,
        data_dir: Path | None = None,
    ) -> None:
        self.stage = plan.next(-1)
        self.done = 0
        self._function = function
        self._config = config
        self._plan = plan
        self._seeds = (seed, data_seed)
        self._data_dir = data_dir
        self._saved = Saved()
        self._handle: StageHandle | None = None
        self._thread: threading.Thread | None = None

    def run_epoch(self) -> dict[str, float]:
        """Run the function to its next report and return that; what the function raises is raised here.

        Raises:
            TaskError: it returned without a report, or made an invalid one.
        """
        if self.done == self._plan[self.stage].epochs:
            before, self.stage, self.done = self.stage, self._plan.next(self.stage), 0
            self._handle = None
            if self._plan.starts_fresh(before, self.stage):
                self._saved = Saved()
        if self._handle is None:
            self._handle = self._call()
        else:
            self._handle.proceed()
        event = self._handle.outbox.get()
        if isinstance(event, Exception):
            with caught("the training function"):
                raise event
        if isinstance(event, SystemExit):
            raise ended("the training function", event) from event
        if isinstance(event, BaseException):
            raise RuntimeError(f"the training function ended the process: {event!r}; return instead") from event
        self.done = self._handle.done
        return event

    def state(self) -> dict[str, Any]:
        """The position, and the newest checkpoint of the function."""
        return {
            "stage": self.stage,
            "done": self.done,
            "saved": self._saved.content,
            "saved_at": self._saved.position,
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Continue from ``state``."""
        self.stage, self.done = state["stage"], state["done"]
        self._saved = Saved(state["saved"], tuple(state["saved_at"]))

    def close(self) -> None:
        """End the function by an exception in ``stage.report``, which runs its ``finally`` blocks."""
        if self._handle is not None and self._thread is not None:
            self._handle.end()
            self._thread.join(END_TIMEOUT)

    def _call(self) -> StageHandle:
        seed, data_seed = self._seeds
        handle = StageHandle(self._plan, (self.stage, self.done), seed, data_seed, self._saved, self._data_dir)
        self._thread = threading.Thread(target=self._run, args=(handle,), daemon=True, name="sieve-train")
        self._thread.start()
        return handle

    def _run(self, handle: StageHandle) -> None:
        try:
            seed_all(handle.seed, INITIALIZATION)
            self._function(copy.deepcopy(dict(self._config)), handle)
            handle.returned()
        except Ended:
            pass
        except BaseException as error:
            handle.outbox.put(error)
