"""A worker that the memory monitor kills is its trial's failure, and the rest of the sweep goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import ray
from ray.air.execution._internal import event_manager
from ray.exceptions import OutOfMemoryError, RayActorError

from service.ledger.home import open_store
from tests.ray.toys import go, toy


@pytest.fixture
def monitor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls to workers that died end as they do where the memory monitor killed them: with another class of error."""

    def get(future: Any) -> Any:
        try:
            return ray.get(future)
        except RayActorError as error:
            raise OutOfMemoryError(
                "1 worker(s) were killed due to the node running low on memory. Memory on the node (IP: 192.0.2.2) was "
                f"15.20GB used / 16.00GB limit (0.95)\nSelected to kill: (Actor({error.actor_id}): job ID=01, "
                "pid=7, actual memory used=7.25GB, worker ID=1b)\nRefer to the documentation …"
            ) from None

    class Monitored:
        """Ray with another `get`."""

        def __getattr__(self, name: str) -> Any:
            return get if name == "get" else getattr(ray, name)

    monkeypatch.setattr(event_manager, "ray", Monitored())


@pytest.mark.usefixtures("monitor")
def test_a_kill_for_memory_fails_its_trial_alone_after_attempts_among_fewer(tmp_path: Path) -> None:
    spec = toy(
        task="toy:dies_above",
        search={"algorithm": "random", "trials": 3, "initial": [{"x": 0.1}, {"x": 0.9}, {"x": 0.2}]},
        schedule={"algorithm": "fifo"},
        retries=1,
        resources={"cpu": 0.5, "max_concurrent": 2},
    )
    assert go(spec, tmp_path).state == "SUCCEEDED"
    small, large, last = open_store(tmp_path).trials("toy")
    assert (small.state, last.state) == ("FINISHED", "FINISHED")
    assert (large.state, large.attempt) == ("FAILED", 1)
    assert large.why.startswith(
        "its worker process was killed, as its node ran out of memory (15.20 of 16.00 GiB were in use); "
        "it took 7.25 GiB; write what a trial takes as resources.memory"
    )
    assert "Refer to the documentation" in (large.error or "")


@pytest.mark.usefixtures("monitor")
def test_the_next_attempt_is_made_in_less_company(tmp_path: Path) -> None:
    parameters = {"x": {"uniform": [0, 1]}, "die": True, "flag": str(tmp_path / "flag")}
    spec = toy(task="toy:breaks_once", parameters=parameters, search={"algorithm": "random", "trials": 1})
    seen: list[str] = []
    store = open_store(tmp_path, create=True)
    before = store.append.__func__  # type: ignore[attr-defined]

    def append(self: Any, name: str, attempt: int, batch: Any) -> None:
        seen.extend(row.why for row in batch.trials)
        before(self, name, attempt, batch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(store), "append", append)
        assert go(spec, tmp_path).state == "SUCCEEDED"
    assert any(why.startswith("retry 1 of 2 alone after: its worker process was killed") for why in seen)
