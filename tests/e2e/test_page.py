"""The report page in a real browser: it renders without an error, with its table and its charts."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Project

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--enable-logging=stderr"),
)
PROBE = """<script>
document.title = JSON.stringify(innerWidth >= document.documentElement.scrollWidth);
</script>"""

CURVES = """
def curve(config, data, epoch):
    return config["x"] * (1 - 0.5**epoch), 10.0 * data
"""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium on the path")


def test_the_page_renders(project: Project, toy: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    project.write("sweep.yaml", toy())
    (project.folder / "curves.py").write_text(CURVES)
    project.sieve("simulate", "sweep.yaml", "--curves", "curves.py:curve")
    page = Path(project.sieve("report", "toy").splitlines()[-1].removeprefix("report: "))
    probed = page.with_name("probed.html")
    probed.write_text(page.read_text().replace("</body>", f"{PROBE}</body>"))
    for width in (400, 1280):
        dom, log = browsed(probed, width, tmp_path / f"profile-{width}")
        assert "CONSOLE" not in log
        assert "<title>true</title>" in dom, f"the page is wider than its window of {width} pixels"
        assert 'id="best"' in dom
        assert len(re.findall(r"<svg[^>]*role=\"img\"", dom)) == 2
        assert dom.count('class="line c') > 2


def browsed(page: Path, width: int, profile: Path) -> tuple[str, str]:
    """The page's elements after Chromium has drawn it, and what Chromium logged."""
    assert CHROMIUM is not None
    window = (f"--user-data-dir={profile}", f"--window-size={width},900")
    command = [CHROMIUM, *FLAGS, *window, "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, done.stderr
