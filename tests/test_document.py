"""HTML: a whole document for a browser, a fragment for a notebook."""

import re
from html.parser import HTMLParser

import pytest

from harness.report import Table, render

VOID = {"meta", "br", "link"}


class Tree(HTMLParser):
    """The elements, each closed by its own end."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.attributes = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture
def whole(table):
    return render([table, table], "html")


def test_is_a_whole_document(whole):
    assert whole.startswith("<!DOCTYPE html>\n")
    tree = Tree(whole)
    assert tree.open == []
    for tag, times in {"html": 1, "head": 1, "title": 1, "body": 1, "style": 1, "table": 2, "h1": 2}.items():
        assert tree.tags.count(tag) == times, tag
    assert ("meta", {"charset": "utf-8"}) in tree.attributes
    assert "<title>news_task: results</title>" in whole


def test_loads_nothing_and_runs_nothing(whole):
    tree = Tree(whole)
    assert not {"script", "link", "img", "iframe", "object"} & set(tree.tags)
    assert not [name for _, attributes in tree.attributes for name in attributes if name.startswith("on")]
    assert not re.search(r"url\(|@import|https?:", whole)
    (policy,) = (a["content"] for _, a in tree.attributes if a.get("http-equiv") == "Content-Security-Policy")
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"


def test_is_light_and_dark_narrow_and_printed(whole):
    for said in ("prefers-color-scheme: dark", "overflow-x: auto", "@media print", "width=device-width"):
        assert said in whole
    regions = [a for tag, a in Tree(whole).attributes if tag == "div" and a.get("role") == "region"]
    assert [a["tabindex"] for a in regions] == ["0", "0"]  # so that keys scroll it, too


def test_in_a_notebook_it_is_a_fragment_whose_style_touches_nothing_else(table):
    fragment = Table(table)._repr_html_()
    tree = Tree(fragment)
    assert tree.open == []
    assert not {"html", "head", "body", "title", "meta", "h1", "script"} & set(tree.tags)
    style = re.search(r"<style>(.*?)</style>", fragment, flags=re.DOTALL)[1]
    rules = re.sub(r"@media[^{]*\{", "", style)
    selectors = [each.strip() for rule in re.findall(r"([^{}]+)\{", rules) for each in rule.split(",")]
    assert len(selectors) > 10
    assert all(each.startswith(".harness-table") for each in selectors)
    assert "color-scheme" not in style
