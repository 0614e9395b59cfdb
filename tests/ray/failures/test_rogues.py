"""A trial that misbehaves harms no other of its worker, and its reason is one sentence."""

from __future__ import annotations

from pathlib import Path

from service.ledger.home import open_store
from tests.ray.toys import go, toy

FATES = {
    "removes its folder": "",
    "spoils Python": "",
    "closes a descriptor": "",
    "is mute": "Mute: (its message cannot be shown)",
    "says much": "ValueError: the net cannot be made layers: must be a list",
    "cannot be saved": "the checkpoint given to report() cannot be saved: ",
    "prints": "",
    "reports much": "",
}
"""What each ends with; nothing: it finishes."""


def test_rogues_harm_themselves_alone(tmp_path: Path) -> None:
    hows = [how for rogue in FATES for how in (rogue, f"behaves after one that {rogue}")]
    spec = toy(
        task="rogue:rogue",
        parameters={"how": {"grid_search": hows}},
        stages=[{"data": 1.0, "epochs": 1}],
        search={"algorithm": "grid"},
        schedule={"algorithm": "fifo"},
        retries=0,
        failures={"pause_after": None},
    )
    assert go(spec, tmp_path).state == "SUCCEEDED"
    for trial in open_store(tmp_path).trials("toy"):
        why = FATES.get(trial.config["how"], "")
        assert (trial.state, trial.config["how"]) == ("FAILED" if why else "FINISHED", trial.config["how"]), trial.why
        assert trial.why.startswith(why or "finished")
        assert "\n" not in trial.why
