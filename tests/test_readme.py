"""The README is short, its links lead somewhere, and it can be read where nothing lies beside it."""

import re
import subprocess
import sys
from importlib.metadata import version

import pytest
from conftest import ROOT
from documents import PAGES, links
from markdown_it import MarkdownIt
from readme_renderer import markdown

README = ROOT / "README.md"
OTHERS = [ROOT / name for name in ("CONTRIBUTING.md", "CHANGELOG.md", "deploy/README.md", "models/tiny/README.md")]


def anchors(page):
    """What GitHub makes of the page's headings."""
    tokens = MarkdownIt().parse(page.read_text(encoding="utf-8"))
    titles = [tokens[i + 1] for i, token in enumerate(tokens) if token.type == "heading_open"]
    said = ("".join(child.content for child in title.children) for title in titles)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in said}


@pytest.mark.parametrize("page", [*PAGES, *OTHERS], ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_and_headings_that_are_there(page):
    for link in links(page):
        if link.startswith(("https://", "http://")):
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_the_front_page_lists_every_page_and_the_site_has_them_in_that_order():
    page = ROOT / "docs" / "index.md"
    listed = [link.removesuffix(".md") for link in links(page)]
    trees = re.findall(r"```\{toctree\}\n(?::[^\n]*\n)+\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert listed == " ".join(trees).split()
    assert {*listed, "index"} == {each.stem for each in page.parent.glob("*.md")}


def test_it_is_short():
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 90


def test_an_index_shows_it_whole():
    """As the wheel's metadata have it: no link leads to what is not there, and nothing of the text is lost."""
    command = [sys.executable, "-m", "hatchling", "metadata", "readme"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    page = markdown.render(shown)
    assert page is not None
    targets = re.findall(r"(?:href|src)=\"([^\"]+)\"", page)
    assert not [each for each in targets if not each.startswith(("https://", "http://", "#"))]
    assert "<table>" in page
    words = MarkdownIt().enable("table").parse(README.read_text(encoding="utf-8"))
    plain = [child.content for token in words for child in token.children or () if child.type == "text"]
    seen = " ".join(re.sub(r"<[^>]+>|&\w+;", " ", page).split())
    for text in plain:
        assert all(word in seen for word in re.findall(r"\w+", text)), text


def test_the_changelog_names_this_version():
    assert f"## {version('prompt-harness')}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
