"""Plain training functions, ``train(config, stage)``: the user's own loop on the same stages, with the same recovery.

The function runs in a thread that waits in ``stage.report`` until the trial may go on.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trainables.adapters.stage_handle import Ended, Saved, StageHandle
from trainables.errors import TaskError
from trainables.exits import ended
from trainables.loop.seeding import INITIALIZATION, seed_all
from trainables.stages import Plan
from trainables.task import TaskFunction

END_TIMEOUT = 10.0
"""Seconds to wait for the thread of an ended trial; it can only be busy in the user's own clean-up."""


class FunctionRun:
    """Runs a training function stage by stage; it is called once per stage, and again for a stage that was cut short.

    A function that returns before its last epoch ends the stage: its last report counts as the stage's end.
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
        """Let the function run to its next report and return that; whatever it raises is raised here.

        Raises:
            TaskError: it returned without a report, or reports what it should not.
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
            raise event
        if isinstance(event, SystemExit):
            raise TaskError(ended("the training function", event)) from event
        if isinstance(event, BaseException):
            raise RuntimeError(f"the training function ended the process: {event!r}; return instead") from event
        self.done = self._handle.done
        return event

    def state(self) -> dict[str, Any]:
        """Where it is, and the newest checkpoint of the function."""
        return {
            "stage": self.stage,
            "done": self.done,
            "saved": self._saved.content,
            "saved_at": self._saved.position,
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on where ``state`` was taken."""
        self.stage, self.done = state["stage"], state["done"]
        self._saved = Saved(state["saved"], tuple(state["saved_at"]))

    def close(self) -> None:
        """End the function: it leaves ``stage.report`` by an exception that runs its ``finally`` blocks."""
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
