"""Tune's controller: the trials that it is handed, and the order in which it asks and tells its parts.

What `Proposals`, `Verdicts` and `Recorder` of the engine rely on, each tested with the real Tune:

1. Scheduler, search algorithm, stopper and callbacks are the very objects that the tuner was given, not copies.
2. Of each report the scheduler is asked first, with the report flattened (``a/b``); then the callbacks are told, with
   the report as the trainable made it, also of one after which the trial stops.
3. Of a report with ``done`` the scheduler is not asked; the callbacks are told.
4. Only after the callbacks have been told of the last report, the search algorithm hears `on_trial_complete`.
5. Of a worker that died the search algorithm hears `on_trial_complete` first, then the callbacks `on_trial_error`.
6. While `is_finished` of the search algorithm is true, it is asked for no trial and unused workers end; it may become
   false again as long as a trial runs.
7. The callbacks are told `on_trial_start` once the trial has its worker.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cluster.ray_internals.absence import refused

if TYPE_CHECKING:
    from ray.tune import PlacementGroupFactory
    from ray.tune.experiment import Trial


def trial(experiment: Mapping[str, Any], name: str, config: Mapping[str, Any], request: PlacementGroupFactory) -> Trial:
    """A Tune trial called ``name``, as Tune's own search algorithms make it of the ``spec`` of an experiment.

    Raises:
        RayChanged: Tune makes trials otherwise.
    """
    from ray.tune.experiment import Trial

    with refused("a trial of Tune"):
        return Trial(
            trainable_name=experiment["run"],
            config=dict(config),
            trial_id=name,
            experiment_tag=name,
            storage=experiment["storage"],
            checkpoint_config=experiment["checkpoint_config"],
            placement_group_factory=request,
            trial_name_creator=experiment.get("trial_name_creator"),
            trial_dirname_creator=experiment.get("trial_dirname_creator"),
        )
