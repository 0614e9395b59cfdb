"""The process that drives one sweep. Who may call whom, from the top; nobody calls upwards, or back:

- `head`: one attempt at the sweep. It makes what lasts for all rounds, and asks `sweep_rounds` for one after another;
  the workers' configs are of `assignments`, and `peak_memory` measures a trial where the spec leaves its GPUs open.
- `round_runner`: one round. It has `tune.plugins` put the round's plug-ins together and `tune.tuner` run them, and
  settles the trials that are left.
- `tune.callback`, `tune.failure_callback`: Tune tells what happened. They call what follows, and record it.
- `failed_trials`: what becomes of a trial that broke; asks `failure_guard`.
- `tune.search_alg`, `tune.scheduler`: Tune asks what to run, and how far. They ask `trial_queue` and the policy.
- `cluster_share`: what the trials get of the cluster. `failure_guard` (which nodes) and `concurrency` (how many at
  once) ask `gpu_packing` (how much each).
- `tune.stopper`: whether the sweep goes on, and its running time.
- `heartbeat`, in a thread of its own: flushes the log and renews the claim; owns `checkpoint_retention` and
  `dashboard_metrics`.
- `trial_log`: rows, reports and decisions, on their way to the ledger; `replay` fills it at the start. It calls nobody
  here.

What a step does to a trial's row is in `service.engine.state`, which the simulator shares.
"""
