"""README and docs: every command, every snippet and every file of theirs does what the page says."""

import sys

import pytest
from documents import PAGES, SKIPPED, Reader, blocks, forget

# What has blocks to run.
RUN = [page for page in PAGES if any(not block.said.startswith(SKIPPED) for block in blocks(page))]


@pytest.fixture
def folder(home, monkeypatch):
    """An empty working folder in which modules are found, and of which nothing stays."""
    monkeypatch.syspath_prepend(str(home))
    before = set(sys.modules)
    yield home
    forget()
    for name in set(sys.modules) - before:
        if str(home) in (getattr(sys.modules[name], "__file__", None) or ""):
            del sys.modules[name]


@pytest.mark.slow
@pytest.mark.parametrize("page", RUN, ids=lambda page: page.stem)
def test_a_page_can_be_followed_as_it_stands(page, folder):
    Reader().follow(page)
