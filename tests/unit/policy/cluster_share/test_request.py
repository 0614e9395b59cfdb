"""What a trial asks of the cluster is answered in one place, by stage."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import service
from service.policy.cluster_share.request import Request, largest, most_processes, request_at, requests
from service.spec import Spec, load
from service.spec.models import Resources
from tests.ray.toys import toy


def test_a_request_is_that_of_the_spec_at_every_stage() -> None:
    spec = load(toy(resources={"cpu": 3, "gpu": 2}))
    assert requests(spec) == [Request(3.0, 2.0, 2)] * 2
    assert request_at(spec, 1, auto=0.0).whole == {"CPU": 6.0, "GPU": 2.0}
    assert request_at(spec, 1, auto=0.0).each == {"CPU": 3.0, "GPU": 1.0}
    assert request_at(load(toy(resources={"gpu": "auto"})), 0, auto=0.5).gpu == 0.5


def test_stages_may_ask_for_different_things(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [Resources(cpu=8.0), Resources(cpu=1.0, gpu=2.0), Resources(cpu=2.0, workers=4)]
    monkeypatch.setattr(Spec, "resources_at", lambda self, stage: asked[stage])
    later = [{"data": 0.1, "epochs": 1}, {"data": 0.5, "epochs": 1}, {"data": 1.0, "epochs": 1}]
    spec = load(toy(rounds={"count": 2, "stages": [later]}))
    assert requests(spec) == [Request(8.0, 0.0, 1), Request(1.0, 2.0, 2), Request(2.0, 0.0, 4)]
    assert largest(requests(spec)) == Request(1.0, 2.0, 2)
    assert most_processes(spec) == 4


def test_nobody_asks_the_spec_without_a_stage() -> None:
    """But its own rules, which look at what is written there."""
    folder = Path(str(service.__file__)).parent
    asks = re.compile(r"resources\.(cpu|gpu|workers|processes)\b(?!`)")
    found = {str(path.relative_to(folder)) for path in folder.rglob("*.py") if asks.search(path.read_text())}
    assert found == {"spec/checks.py"}
