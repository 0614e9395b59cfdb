"""Code on its way: which files travel, that the same is the same, and what cannot go."""

from __future__ import annotations

import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from service.interface.code_package import Package, outputs, pack
from service.interface.code_package.files import files as listing
from service.interface.code_package.revision import MOST, revision
from service.spec.errors import UserError
from tests.stack import SIEVE

ROOT = Path(__file__).parents[4]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with code, data and what never travels."""
    folder = tmp_path / "project"
    for path in ("toy.py", "nets/conv.py", "data/big.bin", ".venv/lib.py", "__pycache__/toy.pyc", ".sieve/sieve.db"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(path)
    return folder


def git(folder: Path, *words: str) -> None:
    name = ["-c", "user.name=ann", "-c", "user.email=ann@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *name, *words], cwd=folder, check=True, capture_output=True)


def files(project: Path) -> list[str]:
    return list(listing(project).paths)


def packed(project: Path, tmp_path: Path, name: str = "code.zip") -> Package:
    return pack(project, tmp_path / name)


def test_without_git_the_patterns_decide(project: Path) -> None:
    assert files(project) == ["data/big.bin", "nets/conv.py", "toy.py"]
    (project / ".gitignore").write_text("*.bin\n")
    (project / "nets" / ".sieveignore").write_text("/conv.py\n")
    assert files(project) == [".gitignore", "nets/.sieveignore", "toy.py"]


def test_a_later_pattern_takes_back_what_an_earlier_one_left_out(project: Path) -> None:
    (project / "data" / "small.bin").touch()
    (project / ".sieveignore").write_text("*.bin\n!small.bin\n")
    assert files(project) == [".sieveignore", "data/small.bin", "nets/conv.py", "toy.py"]


def test_a_file_of_patterns_that_says_nothing_of_a_path_changes_nothing(project: Path) -> None:
    (project / ".gitignore").write_text("*.bin\n")
    (project / "data" / ".sieveignore").write_text("*.txt\n")
    assert "data/big.bin" not in files(project)


def test_with_git_its_own_listing_decides_and_a_sieveignore_besides(project: Path) -> None:
    git(project, "init")
    (project / ".gitignore").write_text("data/\n")
    (project / "gone.py").touch()
    git(project, "add", ".gitignore", "gone.py", "-f", ".venv/lib.py")
    (project / "gone.py").unlink()
    assert files(project) == [".gitignore", "nets/conv.py", "toy.py"]
    (project / ".sieveignore").write_text("/nets/\n")
    assert files(project) == [".gitignore", ".sieveignore", "toy.py"]


@pytest.mark.parametrize("with_git", [False, True])
def test_it_is_said_what_never_travels_but_could_be_code(project: Path, tmp_path: Path, with_git: bool) -> None:
    (project / "checkpoints").mkdir()
    (project / "checkpoints" / "io.py").touch()
    if with_git:
        git(project, "init")
    assert packed(project, tmp_path).notes == ("checkpoints stay here: folders of that name never travel",)


def test_a_folder_in_a_repository_is_a_project_of_its_own(project: Path) -> None:
    git(project, "init")
    assert files(project / "nets") == ["conv.py"]


def test_a_repository_within_a_repository_travels_with_its_files(project: Path) -> None:
    git(project, "init")
    git(project / "nets", "init")
    assert "nets/conv.py" in files(project)


def test_a_folder_that_git_ignores_as_a_whole_travels_by_its_patterns(project: Path) -> None:
    git(project, "init")
    (project / ".gitignore").write_text("nets/\n")
    assert files(project / "nets") == ["conv.py"]


def test_the_same_content_is_the_same_package(project: Path, tmp_path: Path) -> None:
    first = packed(project, tmp_path)
    copy = tmp_path / "copy"
    shutil.copytree(project, copy)
    for path in sorted(copy.rglob("*"), reverse=True):
        os.utime(path, (1e9, 1e9))
    assert packed(copy, tmp_path, "other.zip").sha256 == first.sha256
    assert first.path.read_bytes() == (tmp_path / "other.zip").read_bytes()
    (copy / "toy.py").write_text("toy.pz")
    assert packed(copy, tmp_path, "third.zip").sha256 != first.sha256


def test_files_come_out_as_they_went_in(project: Path, tmp_path: Path) -> None:
    (project / "run.sh").write_text("#!/bin/sh\n")
    (project / "run.sh").chmod(0o744)
    with zipfile.ZipFile(packed(project, tmp_path).path) as archive:
        assert archive.namelist() == ["data/big.bin", "nets/conv.py", "run.sh", "toy.py"]
        assert archive.read("nets/conv.py") == b"nets/conv.py"
        modes = {entry.filename: entry.external_attr >> 16 & 0o777 for entry in archive.infolist()}
    assert (modes["run.sh"], modes["toy.py"]) == (0o755, 0o644)


def test_a_link_within_the_project_travels_as_its_file(project: Path, tmp_path: Path) -> None:
    (project / "alias.py").symlink_to("toy.py")
    with zipfile.ZipFile(packed(project, tmp_path).path) as archive:
        assert archive.read("alias.py") == b"toy.py"


@pytest.mark.parametrize(
    ("target", "words"),
    [("/etc/hostname", "outside of the project"), ("nowhere", "does not exist"), ("nets", "a link to the folder")],
)
def test_links_that_lead_elsewhere_are_refused(project: Path, tmp_path: Path, target: str, words: str) -> None:
    (project / "link").symlink_to(target)
    with pytest.raises(UserError, match=words) as caught:
        packed(project, tmp_path)
    assert "write the line /link into .sieveignore" in caught.value.cure
    (project / ".sieveignore").write_text("/link\n")
    assert packed(project, tmp_path).files == 4


def test_too_much_names_the_largest_and_the_cure(project: Path, tmp_path: Path) -> None:
    (project / "data" / "big.bin").write_bytes(bytes(3 << 20))
    with pytest.raises(UserError, match=r"more than 1 MiB; the largest are data/big\.bin \(3 MiB\)") as caught:
        pack(project, tmp_path / "code.zip", 1 << 20)
    assert ".sieveignore" in caught.value.cure
    assert not (tmp_path / "code.zip").exists()


@pytest.mark.parametrize("path", ["service.py", "cluster/__init__.py", "trainables/mine.py"])
def test_a_package_of_our_name_is_refused(project: Path, tmp_path: Path, path: str) -> None:
    (project / path).parent.mkdir(exist_ok=True)
    (project / path).touch()
    with pytest.raises(UserError, match="which is also a part of Sieve; rename yours"):
        packed(project, tmp_path)


def test_a_folder_of_our_name_without_modules_is_none_of_ours(project: Path, tmp_path: Path) -> None:
    (project / "service").mkdir()
    (project / "service" / "notes.txt").touch()
    assert packed(project, tmp_path).files == 4


def test_our_own_checkout_travels_without_our_packages(tmp_path: Path) -> None:
    package = packed(ROOT, tmp_path)
    with zipfile.ZipFile(package.path) as archive:
        names = archive.namelist()
    assert "pyproject.toml" in names
    assert not any(name.startswith(("service/", "cluster/", "trainables/")) for name in names)
    assert "stay here: the service has its own" in package.notes[0]


def test_nothing_to_pack_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no folder"):
        packed(tmp_path / "none", tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="empty is empty; name the one that holds the task's code with --project"):
        packed(tmp_path / "empty", tmp_path)
    (tmp_path / "empty" / ".sieveignore").write_text("*")
    with pytest.raises(UserError, match=r"nothing in .* can travel"):
        packed(tmp_path / "empty", tmp_path)


def test_a_revision_is_the_commit_and_what_is_beyond_it(project: Path) -> None:
    assert revision(project).commit is None
    git(project, "init")
    git(project, "add", "toy.py")
    git(project, "commit", "-m", "first")
    clean = revision(project)
    assert len(clean.commit or "") == 40
    assert clean.diff == ""
    (project / "toy.py").write_text("changed")
    assert "+changed" in (revision(project).diff or "")


def test_a_long_diff_is_cut_and_says_so(project: Path) -> None:
    git(project, "init")
    git(project, "add", "toy.py")
    git(project, "commit", "-m", "first")
    (project / "toy.py").write_text("x\n" * MOST)
    diff = revision(project).diff or ""
    assert len(diff) < MOST + 200
    assert diff.rstrip().endswith("characters are left out]")


@pytest.fixture
def noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is noted of outputs is noted in this test's folder."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def test_what_sieve_wrote_into_the_folder_makes_no_other_code(project: Path, tmp_path: Path, noted: None) -> None:
    before = packed(project, tmp_path, "before.zip")
    (project / "toy.csv").write_text("trial\n1\n")
    outputs.remember(project / "toy.csv")
    (project / "nohup.out").write_text("queued")
    (project / "results").mkdir()
    for name in ("sieve.db", "sieve.db-wal", "report.html"):
        (project / "results" / name).write_text(name)
    after = packed(project, tmp_path, "after.zip")
    assert after.sha256 == before.sha256
    assert after.notes[-1].endswith("toy.csv stay here: they hold output of Sieve")


def test_a_file_in_the_place_of_an_output_travels(project: Path, tmp_path: Path, noted: None) -> None:
    (project / "toy.csv").write_text("trial\n1\n")
    outputs.remember(project / "toy.csv")
    (project / "new").write_text("x,y\n0,1\n")
    (project / "new").rename(project / "toy.csv")
    assert "toy.csv" in zipfile.ZipFile(packed(project, tmp_path).path).namelist()


def test_an_output_that_git_tracks_travels(project: Path, tmp_path: Path, noted: None) -> None:
    (project / "toy.csv").write_text("trial\n1\n")
    outputs.remember(project / "toy.csv")
    git(project, "init")
    git(project, "add", "toy.csv", "toy.py")
    assert "toy.csv" in zipfile.ZipFile(packed(project, tmp_path).path).namelist()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc to see where a stream goes")
def test_files_that_the_shell_redirected_a_verb_into_stay(project: Path, tmp_path: Path, noted: None) -> None:
    before = packed(project, tmp_path, "before.zip")
    for name in ("first.txt", "second.log"):
        with (project / name).open("w") as file:
            subprocess.run([SIEVE, "schema"], cwd=project, stdout=file, check=True)
        assert (project / name).stat().st_size > 0
    assert packed(project, tmp_path, "after.zip").sha256 == before.sha256
