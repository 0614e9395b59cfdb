#!/usr/bin/env bash
# Ray Tune: with reuse_actors one slot trains everything while the other one's workers are thrown away as they start.
#
# Expected: two trials at once, four trials, `reuse_actors=True`: two actors are started, and each trains about half.
# Happens: the first actor that has started trains its trial, becomes free, and is given to the second trial, whose own
#   actor is still being constructed. That actor is cancelled. Where a trial is shorter than the construction of an
#   actor, this repeats: the pending trial of the other slot starts an actor again, which is cancelled again.
#   One process trains all trials, the second slot none; each cancelled actor has cost its imports.
# Matters: constructors that import torch take seconds, first stages and small trials do not: half the machine is spent
#   on processes that never train, and a sweep takes twice as long. Counting the processes that trained shows it.
# Seen with: ray[tune] 2.60.0, Python 3.11, 2026-11-28.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet "ray[tune]==2.60.0"
cat > "$work/starves.py" <<'END'
import os
import sys
import time
from pathlib import Path

import ray
from ray import tune

FOLDER = Path(sys.argv[1])
REUSE = sys.argv[2] == "reuse"


class Quick(tune.Trainable):
    """Takes long to construct, as with imports, and not at all to train. The first actor is quicker than the others."""

    def setup(self, config):
        first = not any(FOLDER.glob("started-*"))
        (FOLDER / f"started-{os.getpid()}").touch()
        time.sleep(0.5 if first else 4.0)

    def reset_config(self, new_config):
        return True

    def step(self):
        (FOLDER / f"trained-{os.getpid()}").touch()
        time.sleep(0.2)
        return {"score": 1.0, "done": True}

    def save_checkpoint(self, folder):
        return None

    def load_checkpoint(self, state):
        pass


ray.init(num_cpus=2, include_dashboard=False, logging_level="ERROR", log_to_driver=False)
tune.Tuner(
    tune.with_resources(Quick, {"cpu": 1}),
    param_space={"x": tune.grid_search(list(range(8)))},
    tune_config=tune.TuneConfig(max_concurrent_trials=2, reuse_actors=REUSE),
    run_config=tune.RunConfig(verbose=0, storage_path=str(FOLDER / "tune")),
).fit()
print("RESULT", len(list(FOLDER.glob("started-*"))), "started", len(list(FOLDER.glob("trained-*"))), "trained")
END
mkdir "$work/reuse"
timeout 180 "$work/venv/bin/python" "$work/starves.py" "$work/reuse" reuse 2>/dev/null | grep RESULT >"$work/out"
echo "two slots, eight trials, reuse_actors: $(cat "$work/out")"
read -r _ started _ trained _ <"$work/out"
[ "$trained" = 1 ] && [ "$started" -ge 2 ] || { echo "this has changed"; exit 1; }
echo "as stated"
