#!/usr/bin/env bash
# PyTorch: the first optimizer of a process imports the compiler (torch._dynamo), also where nothing is compiled.
#
# Expected: `import torch` is what eager training loads; `torch.compile` and what is under it are loaded by whoever
#   compiles. The first training step of a process then costs about as much as the second.
# Happens: making any optimizer (`torch.optim.SGD(...)`: its `add_param_group` is marked as not to be traced) imports
#   torch._dynamo and some hundred modules with it. That takes a good part of the time of `import torch` itself, and is
#   paid in the first step of training, not at import.
# Matters: a process for each short trial (a worker of a sweep, a test) pays it each time, and a profile of "the first
#   epoch" or of a learning rate finder shows seconds that are no training. Whoever keeps workers warm should import
#   torch._dynamo with torch.
# Seen with: torch 2.13.0 (CPU), Python 3.11, 2026-11-28.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet "torch==2.13.0" numpy
cat > "$work/first_step.py" <<'END'
import sys
import time

began = time.process_time()
import torch

imported = time.process_time() - began
before = set(sys.modules)
weight = torch.nn.Parameter(torch.zeros(1))
began = time.process_time()
torch.optim.SGD([weight], lr=0.1)
first = time.process_time() - began
new = set(sys.modules) - before
began = time.process_time()
torch.optim.SGD([weight], lr=0.1)
second = time.process_time() - began
print(f"import torch {imported:.2f} CPU s; first optimizer {first:.2f}, second {second:.4f}")
print("RESULT", "torch._dynamo" in before, "torch._dynamo" in new, len(new) > 100, first > 0.1 * imported)
END
"$work/venv/bin/python" "$work/first_step.py" | tee "$work/out"
grep -q "RESULT False True True True" "$work/out" || { echo "this has changed"; exit 1; }
echo "as stated"
