"""The process that drives one sweep. Its files from the top down: each may call those below it, none above it.

- `head`: one attempt at the sweep. It makes what lasts for all rounds, and asks `sweep_rounds` for one after another;
  the workers' configs are of `assignments`, and `peak_memory` measures a trial where the spec leaves its GPUs open.
- `round_runner`: one round. It has `tune.plugins` put the round's plug-ins together and `tune.tuner` run them, and
  settles the trials that are left.
- `heartbeat`, in a thread of its own: flushes the log and renews the claim; owns `checkpoint_retention` and
  `dashboard_metrics`.
- `tune.callback`, `tune.failure_callback`: Tune tells what happened. They call what follows, and record it.
- `failures.failed_trials`: what becomes of a trial that broke; asks `failures.failure_guard`.
- `tune.search_alg`, `tune.scheduler`: Tune asks what to run, and how far. They ask `trial_queue` and the policy.
- `cluster_share`: what the trials get of the cluster. `failures.failure_guard` (which nodes) and
  `resources.concurrency` (how many at once) ask `resources.gpu_packing` (how much each).
- `stopper`, Tune's stopper: whether the sweep goes on, and its running time.
- `trial_log`: rows, reports and decisions, on their way to the ledger; `replay` fills it at the start.

The way of a report: `StageHandle.report` (trainables.adapters.stage_handle), `FunctionRun.run_epoch`,
`StagedTrainable.step`, which makes a result of it by `trainables.worker.outcome`, Ray Tune, then
`LedgerCallback.on_trial_result`, `TrialLog.record` and `flush`, `SweepLedger.append`, `Results.history`.

What a step does to a trial's row is in `service.engine.state`, which the simulator shares.
"""
