"""Every link of README and docs that leads to a file or a heading of this repository leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.readme import PAGES, ROOT

MARKDOWN = MarkdownIt("commonmark").enable("table")


def links(text: str) -> list[str]:
    """Where the links and images of a page lead, code left out."""
    inline = [child for token in MARKDOWN.parse(text) for child in token.children or []]
    return [str(found) for token in inline if (found := token.attrGet("href") or token.attrGet("src"))]


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as both GitHub and the site make them."""
    tokens = MARKDOWN.parse(text)
    headings = [tokens[place + 1] for place, token in enumerate(tokens) if token.type == "heading_open"]
    return {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", words(heading).lower()).strip()) for heading in headings}


def words(heading: Token) -> str:
    return "".join(child.content for child in heading.children or [])


def broken(path: Path, text: str) -> list[str]:
    """The links of the page at ``path`` that lead nowhere."""
    found = []
    for link in links(text):
        target, _, anchor = link.partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        page = (path.parent / target).resolve() if target else path
        if not page.exists() or (anchor and anchor not in anchors(text if page == path else page.read_text())):
            found.append(link)
    return found


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(path: Path) -> None:
    assert broken(path, path.read_text()) == []


def test_broken_links_are_seen() -> None:
    text = "[a](docs/concepts.md#words) [b](docs/nothing.md) ![c](nothing.svg)\n\n# Here\n\n[d](#here) [e](#there)\n"
    assert broken(ROOT / "README.md", text) == ["docs/nothing.md", "nothing.svg", "#there"]


def test_pages_of_the_site_link_within_it() -> None:
    """What is elsewhere in the repository is named there as code: the site has no such page."""
    outside = [
        (path.name, link)
        for path in PAGES
        if path.is_relative_to(ROOT / "docs")
        for link in links(path.read_text())
        if "://" not in link and not (path.parent / link.partition("#")[0]).resolve().is_relative_to(ROOT / "docs")
    ]
    assert outside == []


def test_every_page_is_in_the_contents_and_the_navigation() -> None:
    docs = ROOT / "docs"
    pages = {path.relative_to(docs).as_posix() for path in docs.rglob("*.md")}
    contents = {link.partition("#")[0] for link in links((docs / "index.md").read_text())}
    assert pages - contents == {"index.md"}
    assert listed(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]) == pages


def listed(entry: Any) -> set[str]:
    """The pages under an entry of the site's navigation."""
    if isinstance(entry, str):
        return {entry}
    return set().union(*map(listed, entry.values() if isinstance(entry, dict) else entry))
