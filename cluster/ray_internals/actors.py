"""Actors: which one runs a Tune trial, and on which node an actor is or was."""

from __future__ import annotations

from typing import Any

from cluster.ray_internals.absence import excused


def worker_of(trial: Any) -> str | None:
    """The id of the actor of a Tune ``trial`` that runs; of one that has ended Tune does not know it any more.

    Also None where Ray lacks `Trial.temporary_state` or `ActorHandle._actor_id`: Tune's callbacks are told no actor.
    """
    with excused("the worker of a trial"):
        worker = trial.temporary_state.ray_actor
        return None if worker is None else str(worker._actor_id.hex())
    return None


def end(trial: Any) -> None:
    """Kill the process of the worker that runs a Tune ``trial``, which then has an error; nothing where none does.

    Also nothing where Ray lacks `Trial.temporary_state`, so that the trial goes on.
    """
    import ray

    with excused("the worker of a trial"):
        worker = trial.temporary_state.ray_actor
        if worker is not None:
            ray.kill(worker)


def node_of(worker: str) -> str | None:
    """The id of the node of an actor, alive or dead; None where Ray does not know.

    Also None where Ray lacks `ray._private.state.actors`: the public API asks the dashboard, which a private Ray does
    not have.
    """
    with excused("the node of a worker"):
        from ray._private.state import actors

        return actors(worker).get("Address", {}).get("NodeID") or None
    return None
