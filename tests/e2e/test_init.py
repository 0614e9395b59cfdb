"""`sieve init` and the commands that it names, as a newcomer types them."""

from __future__ import annotations

from tests.e2e.conftest import Project


def test_a_first_sweep_runs_as_it_is(project: Project) -> None:
    told = project.sieve("init", "table")
    assert "  sieve run sweep.yaml" in told
    sweep = project.folder / "sweep.yaml"
    few = sweep.read_text().replace("{epochs: 20}", "{epochs: 4}").replace("{trials: 24}", "{trials: 4}")
    sweep.write_text(few)
    assert "table SUCCEEDED" in project.sieve("run", "sweep.yaml", "--quiet")
    [best] = project.rows("best", "table", "-n", "1")
    assert best["val_accuracy"] > 0.7, "half of the customers buy"
