"""What `fuzz_api.py` sends: specs, bodies, zips and messages of heads, from sound ones with little wrong to noise.

Each is made of a `random.Random`, and so again of the same seed.
"""

from __future__ import annotations

import copy
import io
import json
import zipfile
from random import Random
from typing import Any

SPEC: dict[str, Any] = {
    "name": "fuzz",
    "task": "toy:curve",
    "metric": {"name": "score", "goal": "maximize", "target": 0.9},
    "parameters": {
        "lr": {"loguniform": [1e-4, 1.0]},
        "layers": {"choice": [[8], [8, 8]]},
        "momentum": {"uniform": [0, 1], "when": {"optimizer/name": ["sgd"]}},
        "optimizer": {"name": {"choice": ["sgd", "adam"]}, "eps": 1e-8},
        "steps": {"randint": [1, 4]},
    },
    "stages": [{"data": 0.1, "epochs": 1}, {"data": 1.0, "epochs": 4}],
    "search": {"algorithm": "random", "trials": 6, "seed": 1, "initial": [{"lr": 0.1}], "warm_start": []},
    "schedule": {"algorithm": "asha", "reduction_factor": 3.0},
    "rounds": {"count": 2, "keep": 0.5, "trials": 3, "stages": [[{"data": 1.0, "epochs": 1}]]},
    "resources": {"cpu": 1.0, "gpu": 0.5, "max_concurrent": 2},
    "budget": {"trials": 9, "time": "2h", "gpu_hours": 1.5, "epochs": 10.0},
    "retries": 1,
    "checkpoints": {"keep": "all"},
    "loggers": [],
    "priority": 3,
    "weight": 2.0,
}

TRIAL = {
    "number": 1,
    "config": {"lr": 0.1},
    "state": "RUNNING",
    "stage": 0,
    "seconds": 1.5,
    "skipped": [],
    "error": None,
}
REPORT = {"trial": 1, "stage": 0, "epoch": 1, "data": 0.1, "budget": 0.1, "metrics": {"score": 0.5}}
REPORT |= {"time": 2.0, "stage_end": True, "seconds": 0.5}
DECISION = {"trial": 1, "stage": 0, "verdict": "stop", "reason": "last", "numbers": {"rank": 2}, "time": 2.0}
NARROWED = {"round": 1, "parameters": {"lr": {"loguniform": [0.01, 0.1]}}, "reasons": [], "time": 3.0, "undone": False}
WORTH = {"stage": 0, "correlation": 0.5, "low": 0.1, "high": 0.9, "pairs": 4, "seconds": 1.0, "advice": "", "time": 3.0}
SAYINGS: dict[str, dict[str, Any]] = {
    "beat": {"state": "RUNNING", "needs": {"running": 1, "wanted": 4, "asks": {"CPU": 1.0}}},
    "append": {"trials": [TRIAL], "reports": [REPORT], "decisions": [DECISION], "spaces": [NARROWED], "worth": [WORTH]},
    "end": {"state": "STARTING", "why": "no head may leave a sweep so"},
}

NASTY = [None, True, -1, 0, 1, 2**31, 2**63, 10**200, 10**400, 1e308, float("nan"), float("inf"), -0.0, 1e-320]
NASTY += ["", " ", "a\0b", "\ud800", "../x", "a" * 300, "__class__", "1e999", "toy:curve", "auto", "2h", [], {}, [[]]]
NASTY += [{"uniform": [0, 1]}, {"choice": []}, {"randint": [0, 10**30]}, {"when": {}}, {"grid_search": [{}]}]
NASTY += [{"quniform": [0, 1, 0]}, {"lograndint": [1, 2]}, {"constant": {"a": 1}}, {"qloguniform": [1e-300, 1e300, 1]}]
NASTY += [{"quniform": [0, 1e15, 1e-300]}, {"choice": list(range(300))}, {"/".join("a" * 99): {"uniform": [0, 1]}}]
KEYS = ["when", "uniform", "choice", "a/b", "/", "package", "commit", "diff", "\0", "é"]
NAMES = [
    "a.py",
    "../a",
    "/a",
    "a/../b",
    "a\\b",
    "c:a",
    "a/b/c",
    "a",
    "a/",
    ".",
    "..",
    "\ud7ff",
    "x" * 300,
    "a\nb",
    "CON",
]
NAMES += ["./a", "A", "a//b", "d/" * 40 + "x", "é", "e\u0301"]
MODES = [0, 0o100644, 0o100644, 0o100755, 0o40755, 0o120777, 0o20600, 2**16 - 1]
FLAWS = [0, 0, 0, 0, 1, 1, 1, 1, 2, 3]
"""How much is wrong with what is sent, each as likely."""


def text(random: Random) -> str:
    """Text of any characters at all."""
    highest = random.choice([0x7F, 0xFF, 0xFFFF, 0x10FFFF])
    return "".join(chr(random.randint(0, highest)) for _ in range(random.randint(0, 12)))


def rubbish(random: Random, depth: int = 0) -> Any:
    """Anything that JSON can hold, and some that it cannot."""
    if depth < 4 and random.random() < 0.2:
        inner = [rubbish(random, depth + 1) for _ in range(random.randint(0, 4))]
        return inner if random.random() < 0.5 else {text(random): value for value in inner}
    return copy.deepcopy(
        random.choice([random.choice(NASTY), random.randint(-10, 300), random.gauss(0, 100), text(random)])
    )


def near(random: Random, value: Any) -> Any:
    """Another value of the same kind, which may well do."""
    if isinstance(value, bool) or value is None:
        return random.choice([True, False, None])
    if isinstance(value, int):
        return max(0, value + random.randint(-1, 3))
    if isinstance(value, float):
        return value * random.choice([0.5, 0.9, 1.1, 2.0])
    if isinstance(value, str):
        return random.choice([value, value + "2", "random", "promote", "fifo", "minimize", "best", "90s"])
    return copy.deepcopy(value)


def places(node: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value in ``node`` but itself."""
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [place for key, value in inner for place in [(*above, key), *places(value, (*above, key))]]


def flawed(random: Random, sound: dict[str, Any]) -> Any:
    """A copy of ``sound`` in which values are others of their kind and up to three are wrong; or rubbish."""
    if random.random() < 0.03:
        return rubbish(random)
    made = copy.deepcopy(sound)
    for _ in range(random.randint(0, 3)):
        node, last = _place(random, made)
        node[last] = near(random, node[last])
    for _ in range(random.choice(FLAWS)):
        if not places(made):
            break
        node, last = _place(random, made)
        match random.randint(0, 3):
            case 0:
                del node[last]
            case 1 if isinstance(node, dict):
                node[random.choice([random.choice(KEYS), text(random)])] = rubbish(random)
            case _:
                node[last] = rubbish(random)
    return made


def _place(random: Random, whole: Any) -> tuple[Any, Any]:
    *above, last = random.choice(places(whole))
    for key in above:
        whole = whole[key]
    return whole, last


def body(random: Random, whole: Any) -> bytes:
    """``whole`` as bytes, some of them perhaps spoilt."""
    packed = json.dumps(whole).encode()
    return spoilt(random, packed) if random.random() < 0.08 else packed


def submission(random: Random, package: str) -> bytes:
    """The body of a submission."""
    made: Any = {"spec": flawed(random, SPEC), "package": package}
    if random.random() < 0.1:
        made[random.choice([*KEYS, text(random)])] = rubbish(random)
    return body(random, made)


def spoilt(random: Random, whole: bytes) -> bytes:
    """Bytes with some changed, left out or put in."""
    made = bytearray(whole)
    for _ in range(random.randint(1, 5)):
        at = random.randint(0, len(made))
        made[at : at + random.randint(0, 8)] = random.randbytes(random.randint(0, 8))
    return bytes(made)


def package(random: Random) -> bytes:
    """A zip, half of them with strange names, modes and contents, some of those spoilt."""
    packed, strange = io.BytesIO(), random.random() < 0.5
    with zipfile.ZipFile(packed, "w") as archive:
        for name in random.sample(NAMES if strange else ["a.py", "b/c.py", "b/d.txt", "é.py"], random.randint(0, 4)):
            entry = zipfile.ZipInfo(name if random.random() < 0.8 else name + _letters(random))
            entry.external_attr = random.choice(MODES if strange else MODES[:4]) << 16
            kinds = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, *([zipfile.ZIP_BZIP2] if strange else [])]
            entry.compress_type = random.choice(kinds)
            content = random.choice([b"", b"x = 1\n", random.randbytes(40), b"\0" * 50_000 if strange else b"y\n"])
            archive.writestr(entry, b"" if name.endswith("/") else content)
    return spoilt(random, packed.getvalue()) if strange and random.random() < 0.5 else packed.getvalue()


def _letters(random: Random) -> str:
    return text(random).encode("utf-8", "replace").decode().replace("\0", "")
