"""Which worker a trial of Tune gets, without a Ray: the parts of its controller that are used, and nothing else."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from cluster.ray_internals import tune_workers


class Cache:
    """A cache of free workers that notes who asked."""

    def __init__(self) -> None:
        self.asked = 0

    def has_cached_object(self, request: object) -> bool:
        self.asked += 1
        return False


def controller(**fields: Any) -> Any:
    made = object.__new__(tune_workers._sparing())
    vars(made).update({"_resetting_trials": set(), "_trial_to_actor": {}, "_actor_cache": Cache()} | fields)
    return made


@pytest.mark.parametrize(
    ("own", "placed", "asked"),
    [
        (False, False, 1),  # it has no worker yet
        (True, False, 1),  # its own waits for resources, which the free one may hold
        (True, True, 0),  # its own has them and is starting
    ],
)
def test_a_free_worker_is_not_for_a_trial_whose_own_is_starting(own: bool, placed: bool, asked: int) -> None:
    trial = type("Trial", (), {"placement_group_factory": "one CPU"})()
    manager = SimpleNamespace(is_actor_started=lambda actor: placed)
    made = controller(_trial_to_actor={trial: "its own"} if own else {}, _actor_manager=manager)
    assert made._maybe_reuse_cached_actor(trial) is False
    assert made._actor_cache.asked == asked


def test_a_controller_is_made_sparing_once_and_keeps_its_attributes() -> None:
    from ray.tune.execution.tune_controller import TuneController

    made = object.__new__(TuneController)
    vars(made)["kept"] = 1
    for _ in range(2):
        tune_workers.spare(SimpleNamespace(_tune_controller=made))
    assert type(made) is tune_workers._sparing()
    assert vars(made) == {"kept": 1}
