"""What a worker's error says of its end, in Ray's words as they came."""

from __future__ import annotations

import pytest

from cluster.ray_internals.worker_errors import DIED, MemoryKill, each_of_its_trial, memory_kill, said_of

MONITOR = """OutOfMemoryError: 2 worker(s) were killed due to the node running low on memory. Memory on the node (IP: \
192.0.2.2, ID: 181af3) was 6.46GB used / 23.54GB limit (0.274324)
OOM kill reason: Memory usage 6853001216B exceeded threshold of 6849935360B (27.1% of 25276514304B limit)
Considered workers: [
Selected to kill: (Task: job ID=01000000, lease ID=02, task name=_Inner.__init__, pid=31357, actual memory used=0.10GB)
Selected to kill: (Actor(2754): job ID=01, task name=_Inner.__init__, resources={CPU_group_0: 0.5}, pid=31039, \
actual memory used=1.41GB, worker ID=1b27)
Selected to kill: (Actor(2755): job ID=01, task name=_Inner.__init__, pid=31040, actual memory used=0.25GB)
]
Refer to the documentation on how to address the out of memory issue: https://docs.ray.io/. To disable it …"""
GIB = 2**30


@pytest.mark.parametrize(("worker", "took"), [("2754", 1.41), ("2755", 0.25), ("2756", None), (None, None)])
def test_of_a_kill_by_the_memory_monitor_each_worker_knows_what_it_took(worker: str | None, took: float | None) -> None:
    kill = memory_kill(MONITOR, worker)
    expected = None if took is None else round(took * GIB)
    assert kill == MemoryKill(expected, round(6.46 * GIB), round(23.54 * GIB))


def test_another_end_is_no_kill_and_one_in_other_words_tells_no_amounts() -> None:
    assert memory_kill("The actor is dead because its worker process has died.", "2754") is None
    assert memory_kill("killed due to the node running low on memory", "2754") == MemoryKill(None, None, None)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("", DIED),
        ("The actor died unexpectedly.\nThe actor is dead because its worker process has died. Causes: (1) …", DIED),
        ("ray::step()\n  File …\nUnrestorable: a trial changed it\n", "Unrestorable: a trial changed it"),
    ],
)
def test_the_end_of_a_worker_is_one_sentence(error: str, said: str) -> None:
    assert said_of(error) == said


def test_an_error_within_the_context_is_not_swallowed_and_tune_is_as_before() -> None:
    from ray.air.execution._internal.actor_manager import RayActorManager

    before = RayActorManager._actor_task_failed
    with each_of_its_trial():
        assert RayActorManager._actor_task_failed is not before
    with pytest.raises(AttributeError, match="mine"), each_of_its_trial():
        raise AttributeError("mine")
    assert RayActorManager._actor_task_failed is before
