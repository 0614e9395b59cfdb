#!/usr/bin/env bash
# Ray Tune: a trainable that declines to be reused fails its trial, and nobody is told.
#
# Expected: with `reuse_actors=True`, `Trainable.reset_config` returns "True if reset was successful else False"
#   (docstring). A False says that this actor cannot take the next trial. One would expect that Tune starts a new actor
#   for it, or at least treats it as any failure: tried again up to `max_failures`, callbacks and searcher told.
# Happens: the trial ends in ERROR at once: nothing of it ever ran, and `FailureConfig(max_failures=3)` does not count.
#   `Callback.on_trial_error` is not called, and the searcher's `on_trial_complete` is not either: to the searcher the
#   trial still runs. The next trial gets a new actor. Where `reset_config` raises instead, the trial ends in ERROR
#   without another try as well, but callbacks and searcher are told.
# Matters: whoever reuses actors and wants to give up a worker that cannot be cleaned must raise in `reset_config`, and
#   try the trial again themselves.
# Seen with: ray[tune] 2.60.0, Python 3.11, 2026-11-28.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet "ray[tune]==2.60.0"
cat > "$work/declines.py" <<'END'
import sys

import ray
from ray import tune
from ray.tune.search import Searcher

RAISES = sys.argv[1] == "raise"
TOLD = {"errors": [], "completed": []}


class Once(tune.Trainable):
    """Each actor trains one trial and declines the next."""

    def setup(self, config):
        self.config = config

    def step(self):
        return {"score": self.config["x"], "done": True}

    def reset_config(self, new_config):
        if RAISES:
            raise RuntimeError("this worker cannot be cleaned")
        return False

    def save_checkpoint(self, folder):
        return None

    def load_checkpoint(self, state):
        pass


class Told(tune.Callback):
    def on_trial_error(self, iteration, trials, trial, **info):
        TOLD["errors"].append(trial.config["x"])


class Counting(Searcher):
    def __init__(self):
        super().__init__(metric="score", mode="max")
        self.made = 0

    def suggest(self, trial_id):
        if self.made == 3:
            return Searcher.FINISHED
        self.made += 1
        return {"x": self.made}

    def on_trial_complete(self, trial_id, result=None, error=False):
        TOLD["completed"].append(error)

    def save(self, path):
        pass

    def restore(self, path):
        pass


ray.init(num_cpus=1, include_dashboard=False, logging_level="ERROR", log_to_driver=False)
results = tune.Tuner(
    Once,
    tune_config=tune.TuneConfig(search_alg=Counting(), num_samples=3, reuse_actors=True),
    run_config=tune.RunConfig(
        callbacks=[Told()], verbose=0, storage_path=sys.argv[2], failure_config=tune.FailureConfig(max_failures=3)
    ),
).fit()
print("RESULT", len(results), "trials", results.num_errors, "in error", len(TOLD["errors"]), "told to callbacks",
      sum(TOLD["completed"]), "errors and", len(TOLD["completed"]) - sum(TOLD["completed"]), "ends told to the searcher")
END
for how in false raise; do
    timeout 180 "$work/venv/bin/python" "$work/declines.py" "$how" "$work/$how" 2>/dev/null | grep RESULT >"$work/$how.out"
    echo "reset_config: $how: $(cat "$work/$how.out")"
done
grep -q "3 trials 1 in error 0 told to callbacks 0 errors and 2 ends told to the searcher" "$work/false.out" ||
    { echo "this has changed"; exit 1; }
grep -q "3 trials 1 in error 1 told to callbacks 1 errors and 2 ends told to the searcher" "$work/raise.out" ||
    { echo "this has changed"; exit 1; }
echo "as stated"
