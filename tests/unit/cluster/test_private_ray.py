"""Private parts of Ray are used in cluster/ray_internals alone."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PLACE = ROOT / "cluster" / "ray_internals"

PRIVATE = re.compile(r"^ray\.(_|(.*\.)?(_\w+|impl|internal)(\.|$)|(core|dashboard|scripts|includes|autoscaler)(\.|$))")
"""Modules of Ray that its reference does not list."""

PUBLIC = ("ray.tune.execution.placement_groups",)
NAMES = ("temporary_state", "_do_request", "_actor_id", "is_saving", "nodeLogicalResources", "ray_current_cluster")
"""Names that are known for Ray's own, wherever they stand: as an attribute or within a text."""

DOCUMENTED = re.compile(
    r"^(RAY_ADDRESS|RAY_API_SERVER_ADDRESS|RAY_AUTH_(MODE|TOKEN|TOKEN_PATH)|RAY_USAGE_STATS_ENABLED|RAY_AIR_NEW_OUTPUT"
    r"|RAY_CHDIR_TO_TRIAL_DIR|TUNE_DISABLE_(AUTO_CALLBACK_LOGGERS|SIGINT_HANDLER|STRICT_METRIC_CHECKING)"
    r"|TUNE_GLOBAL_CHECKPOINT_S|TUNE_PRINT_ALL_TRIAL_ERRORS|TUNE_MAX_PENDING_TRIALS_PG)$"
)
"""Environment variables that Ray's documentation lists."""


def files() -> Iterator[Path]:
    for package in ("service", "trainables", "cluster"):
        yield from (file for file in (ROOT / package).rglob("*.py") if PLACE not in file.parents)


def modules(node: ast.AST) -> Iterator[str]:
    """The modules and names in them that a statement imports."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def chain(node: ast.AST) -> str:
    """``a.b.c`` as text; empty if it does not begin with a name."""
    if isinstance(node, ast.Attribute):
        before = chain(node.value)
        return before and f"{before}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def own(tree: ast.Module) -> set[str]:
    """Names that begin with an underscore and are the module's own: it defines them, or sets them on `self`."""
    functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    stored = {node for node in ast.walk(tree) if isinstance(node, ast.Attribute | ast.Name)}
    names = {node.id for node in stored if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    fields = {
        node.attr
        for node in stored
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and chain(node.value) == "self"
    }
    return functions | names | fields


def faults(source: str) -> list[str]:
    """What in the text of a module is private to Ray."""
    tree = ast.parse(source)
    nodes = list(ast.walk(tree))
    imported = [name for node in nodes for name in modules(node)]
    found = [name for name in imported if PRIVATE.match(name) and not name.startswith(PUBLIC)]
    uses_ray = any(name.split(".")[0] == "ray" for name in imported)
    mine = own(tree)
    for node in nodes:
        if isinstance(node, ast.Attribute):
            hidden = node.attr.startswith("_") and not node.attr.startswith("__") and node.attr not in mine
            found += [node.attr] if node.attr in NAMES or (uses_ray and hidden) else []
            found += [chain(node)] if PRIVATE.match(chain(node)) else []
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            word = node.value
            found += [name for name in NAMES if name in word]
            found += [word] if re.match(r"^(RAY|TUNE)_\w+$", word) and not DOCUMENTED.match(word) else []
            found += [word] if re.match(r"^ray(\.\w+)+", word) and PRIVATE.match(word) else []
    return found


def test_nothing_private_of_ray_is_used_elsewhere() -> None:
    found = {str(file.relative_to(ROOT)): faults(file.read_text()) for file in files()}
    assert len(found) > 300
    assert {file: names for file, names in found.items() if names} == {}


@pytest.mark.parametrize(
    "source",
    [
        "import ray._private.state",
        "from ray._private import state",
        "from ray._raylet import Config",
        "from ray.core.generated.gcs_pb2 import PlacementGroupTableData",
        "from ray.train._internal.storage import StorageContext",
        "from ray.tune.impl.tuner_internal import TunerInternal",
        "from ray.dashboard.modules.job.sdk import JobSubmissionClient",
        "import ray\nray._private.state.actors()",
        "import ray\nray.get(1)._actor_id",
        "from ray.tune.schedulers import ASHAScheduler\nASHAScheduler()._brackets[0]",
        "from ray import tune\nclass Mine(tune.Trainable):\n    def step(self):\n        return self._iteration",
        "trial.temporary_state.ray_actor",
        "class Client(Base):\n    def ask(self):\n        return super()._do_request('GET', '/')",
        "COMMAND = ['-m', 'ray.scripts.scripts']",
        "NAME = 'RAY_prestart_worker_first_driver'",
        "PATH = 'session/ray_current_cluster'",
    ],
)
def test_what_is_private_is_found(source: str) -> None:
    assert faults(source)


def test_what_is_public_is_not_found() -> None:
    public = """
import ray
from ray import tune
from ray.tune.experiment import Trial
from ray.util.placement_group import PlacementGroup

class Mine(tune.Trainable):
    def setup(self, config):
        self._steps = 0

    def step(self):
        return {"step": self._steps, "note": "RAY_ADDRESS", "node": ray.get_runtime_context().get_node_id()}
"""
    assert faults(public) == []
