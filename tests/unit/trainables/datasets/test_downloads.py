"""Data files: found in a data directory, downloaded from a real server, refused when they are corrupted."""

from __future__ import annotations

import gzip
import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from trainables.datasets import downloads
from trainables.datasets.downloads import Download, cache_folder, contents, data_folder, download
from trainables.errors import TaskError

CONTENT = b"1\tfine\n0\tbad\n" * 1000


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


class Cut(Quiet):
    """Promises more than it sends."""

    def copyfile(self, source, outputfile) -> None:  # type: ignore[no-untyped-def]
        outputfile.write(source.read()[:20])


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The folder that the server serves."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "file.gz").write_bytes(gzip.compress(CONTENT))
    (folder / "plain.txt").write_bytes(CONTENT.replace(b"\t", b" "))
    return folder


@pytest.fixture
def server(site: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    handler = partial(getattr(request, "param", Quiet), directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def source(server: str, name: str = "file.gz", **changes: object) -> Download:
    return Download("set/file.gz", hashlib.sha256(CONTENT).hexdigest(), f"{server}/{name}", **changes)  # type: ignore[arg-type]


def test_what_is_not_in_the_cache_is_downloaded_once(
    server: str, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert contents([source(server)], None) == [CONTENT]
    assert (cache_folder() / "set" / "file.gz").read_bytes() == (site / "file.gz").read_bytes()
    (site / "file.gz").unlink()
    assert contents([source(server)], None) == [CONTENT]
    assert [path.name for path in (cache_folder() / "set").iterdir()] == ["file.gz"]


def test_another_form_is_converted(server: str, tmp_path: Path) -> None:
    plain = source(server, "plain.txt", convert=lambda published: published.replace(b" ", b"\t"))
    download(plain, tmp_path)
    assert contents([plain], tmp_path) == [CONTENT]


def test_a_data_directory_is_taken_as_it_is(server: str, tmp_path: Path) -> None:
    wanted = [source(server), Download("set/other.gz", "0", f"{server}/other.gz")]
    with pytest.raises(TaskError, match=rf"nowhere does not exist; .*set/file.gz \(from {server}/file.gz\), set/other"):
        contents(wanted, tmp_path / "nowhere")
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "file.gz").write_bytes(gzip.compress(CONTENT))
    with pytest.raises(TaskError, match=r"lacks set/other.gz \(from .*put the files there, or correct data_dir"):
        contents(wanted, tmp_path)


@pytest.mark.parametrize(
    "broken",
    [gzip.compress(b"else"), gzip.compress(CONTENT)[:-9], b"<html>no such file</html>"],
    ids=["other", "cut", "page"],
)
def test_corrupted_files_and_downloads_are_refused(server: str, site: Path, tmp_path: Path, broken: bytes) -> None:
    (site / "file.gz").write_bytes(broken)
    wanted = source(server)
    with pytest.raises(TaskError, match=rf"download of .* is corrupted: .*not {wanted.sha256}; run again"):
        download(wanted, tmp_path)
    assert list((tmp_path / "set").iterdir()) == []
    (tmp_path / "set" / "file.gz").write_bytes(broken)
    with pytest.raises(TaskError, match=rf"file .*set/file.gz is corrupted: .*not {wanted.sha256}; delete it"):
        contents([wanted], tmp_path)


@pytest.mark.parametrize("server", [Cut], indirect=True)
def test_a_download_that_breaks_off_leaves_nothing(server: str, tmp_path: Path) -> None:
    with pytest.raises(TaskError, match=r"corrupted|cannot download"):
        download(source(server), tmp_path)
    assert list((tmp_path / "set").iterdir()) == []


def test_published_data_of_an_unknown_form_are_refused(server: str, tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="corrupted"):
        download(source(server, convert=lambda published: bytes([published.index(b"?")])), tmp_path)


def test_without_a_network_the_error_says_where_the_file_goes(tmp_path: Path) -> None:
    gone = source("http://127.0.0.1:9")
    with pytest.raises(TaskError, match=rf"cannot download .*put it at {tmp_path}/set/file.gz"):
        download(gone, tmp_path)
    assert list((tmp_path / "set").iterdir()) == []


def test_a_missing_page_is_named(server: str, tmp_path: Path) -> None:
    with pytest.raises(TaskError, match=r"cannot download .*gone.gz: HTTP Error 404"):
        download(source(server, "gone.gz"), tmp_path)


def test_the_data_directory_is_the_specs_else_the_environments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(downloads.VARIABLE, str(tmp_path / "env"))
    assert data_folder("data", str(tmp_path)) == tmp_path / "data"
    assert data_folder("/data", str(tmp_path)) == Path("/data")
    assert data_folder("~/data", str(tmp_path)) == Path.home() / "data"
    assert data_folder(None, str(tmp_path)) == tmp_path / "env"
    monkeypatch.delenv(downloads.VARIABLE)
    assert data_folder(None, str(tmp_path)) is None
