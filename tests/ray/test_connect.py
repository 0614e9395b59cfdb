"""Joining and leaving a Ray of one's own, in a process of its own."""

from __future__ import annotations

import subprocess
import sys

LEAVING = """
import gc, weakref, ray
from cluster.connect import connect

class Cycle: pass

shutdown, seen = ray.shutdown, []

def watched():
    seen.append((kept() is None, gc.isenabled()))
    shutdown()

ray.shutdown = watched
gc.disable()
with connect(cpus=1):
    cycle = Cycle()
    cycle.itself, cycle.reference = cycle, ray.put(1)
    kept = weakref.ref(cycle)
    del cycle
    gc.enable()
print(*seen[0], gc.isenabled())
"""


def test_no_reference_dies_in_another_thread_while_ray_shuts_down() -> None:
    """Ray ends a driver with code 1 where one does: its references are gone before, and collecting waits."""
    done = subprocess.run([sys.executable, "-c", LEAVING], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.split() == ["True", "False", "True"]
