"""Contexts: the file, the verbs, which service is meant, and where its token comes from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from service.interface.cli import main
from service.interface.contexts import contexts
from service.interface.contexts.address import address, is_loopback
from service.interface.contexts.token_source import token_for
from service.interface.source_choice import choose
from service.spec.errors import UserError

LAB = "http://lab:8700"


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of contexts of a person who has set nothing else, in an empty folder."""
    for name in ("SIEVE_ADDRESS", "SIEVE_TOKEN", "SIEVE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "config" / "sieve" / "contexts.yaml"


def sieve(*words: str, code: int = 0, typed: str = "") -> Result:
    result = CliRunner().invoke(main, words, input=typed)
    assert result.exit_code == code, result.output
    return result


def test_the_first_context_is_in_use_and_the_token_is_never_shown(file: Path) -> None:
    added = sieve("context", "add", "lab", "--address", f"{LAB}/", typed="s3cret\n")
    assert "lab is added; it is in use" in added.output
    assert "s3cret" not in added.output
    assert "s3cret" not in sieve("context", "ls").output
    assert file.stat().st_mode & 0o777 == 0o600
    assert token_for(LAB, contexts.read(file)) == "s3cret"
    assert "s3cret" not in repr(contexts.read(file))
    assert choose().where == LAB


def test_without_a_token_it_says_so_and_a_pipe_is_not_prompted(file: Path) -> None:
    assert sieve("context", "add", "lab", "--address", LAB).output == "lab is added without a token; it is in use\n"
    assert sieve("context", "add", "lab", "--address", LAB, typed="s3cret\n").output == "lab is changed; it is in use\n"
    assert token_for(LAB, contexts.read(file)) == "s3cret"


def test_a_bad_name_is_refused_before_a_token_is_asked_for(file: Path) -> None:
    refused = sieve("context", "add", "a b", "--address", LAB, code=2).output
    assert refused == "error: a context cannot be named 'a b'; use letters, digits, dots, dashes and underscores\n"


def test_a_token_comes_from_a_file_or_the_input(file: Path, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret\n")
    sieve("context", "add", "lab", "--address", LAB, "--token-file", str(tmp_path / "token"))
    sieve("context", "add", "home", "--address", "http://localhost:8700", "--token-file", "-", typed="other\n")
    assert [one.token for one in contexts.read(file).known.values()] == ["s3cret", "other"]
    assert "two words" not in sieve("context", "add", "x", "--address", LAB, "--token-file", "none", code=2).output


def test_the_one_in_use_changes_and_goes(file: Path) -> None:
    for name in ("lab", "cloud"):
        sieve("context", "add", name, "--address", f"http://{name}:8700", typed="\n")
    assert "verbs ask cloud at http://cloud:8700" in sieve("context", "use", "cloud").output
    rows = json.loads(sieve("context", "ls", "-o", "json").output)
    assert [(row["context"], row["in_use"], row["token"]) for row in rows] == [
        ("lab", False, False),
        ("cloud", True, False),
    ]
    assert "there is no context 'clod' (did you mean 'cloud'?)" in sieve("context", "use", "clod", code=2).output
    sieve("context", "rm", "cloud")
    assert contexts.read(file).in_use is None
    sieve("context", "use", "lab")
    assert "verbs are about this machine" in sieve("context", "use", "--none").output
    assert choose().home is not None


def test_misspelt_verbs_and_names_are_mistakes() -> None:
    assert "there is no verb 'usee' (did you mean 'use'?)" in sieve("context", "usee", code=2).output
    assert "cannot be named" in sieve("context", "add", "a b", "--address", LAB, typed="\n", code=2).output
    assert "choose" not in sieve("context", "use", code=2).output


def test_a_file_that_others_can_read_is_refused(file: Path) -> None:
    sieve("context", "add", "lab", "--address", LAB, typed="\n")
    file.chmod(0o640)
    assert f"chmod 600 {file}" in sieve("context", "ls", code=2).output
    assert "chmod 600" in sieve("ls", code=2).output


@pytest.mark.parametrize("text", ["[1, 2]", "contexts: {lab: {}}", "contexts: [", "current: gone"])
def test_a_broken_file_is_a_mistake(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True)
    file.write_text(text)
    file.chmod(0o600)
    with pytest.raises(UserError):
        contexts.read(file)


def test_what_is_given_more_directly_goes_first(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contexts.write(file, contexts.Contexts().with_(contexts.Context("lab", LAB, "s3cret")))
    assert choose().where == LAB
    monkeypatch.setenv("SIEVE_HOME", str(tmp_path / "home"))
    assert choose().where == str(tmp_path / "home")
    monkeypatch.setenv("SIEVE_ADDRESS", "http://other:1")
    assert choose().where == "http://other:1"
    assert choose(home=tmp_path).where == str(tmp_path)
    assert choose(address=LAB).where == LAB
    with pytest.raises(UserError, match="choose one"):
        choose(LAB, tmp_path)


def test_a_token_is_for_its_own_address(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = contexts.Contexts().with_(contexts.Context("lab", LAB, "s3cret"))
    assert token_for("http://other:8700", known) is None
    monkeypatch.setenv("SIEVE_HOME", str(tmp_path))
    (tmp_path / "token").write_text("of-this-machine\n")
    (tmp_path / "token").chmod(0o600)
    assert token_for("http://localhost:8700", known) == "of-this-machine"
    assert token_for("http://lab2:8700", known) is None
    (tmp_path / "token").chmod(0o644)
    with pytest.raises(UserError, match="others can read"):
        token_for("http://127.0.0.1:8700", known)
    monkeypatch.setenv("SIEVE_TOKEN", "by-hand")
    assert token_for(LAB, known) == "by-hand"


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("http://LAB:8700/", LAB),
        (" https://lab/sieve/ ", "https://lab/sieve"),
        ("http://[::1]:8700", "http://[::1]:8700"),
    ],
)
def test_addresses_have_one_form(written: str, normal: str) -> None:
    assert address(written) == normal


@pytest.mark.parametrize(
    "written", ["localhost:8700", "lab", "ftp://lab", "http://", "http://lab:port", "http://a:b@lab"]
)
def test_what_is_no_address_is_a_mistake(written: str) -> None:
    with pytest.raises(UserError, match="write it as http://HOST:PORT"):
        address(written)


def test_only_this_machine_is_a_loopback() -> None:
    assert all(map(is_loopback, ("http://localhost:1", "http://127.0.0.9", "http://[::1]:3")))
    assert not any(map(is_loopback, (LAB, "http://localhost.evil.org", "http://10.0.0.1")))


def test_submit_needs_a_service(tmp_path: Path) -> None:
    text = sieve("submit", "sweep.yaml", code=2).output
    assert "there is no service to submit to; run it here with: sieve run sweep.yaml" in text
