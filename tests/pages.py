"""A page read back: its blocks, held to their declarations, and its policy."""

import base64
import gzip
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
from declared import schema

import harness.page

SOURCE = (Path(harness.page.__file__).parent / "data.d.ts").read_text(encoding="utf-8")
NAMES = ("Summary", "Items", "Texts", "Answers", "Prompts")
VALIDATORS = {name: jsonschema.Draft202012Validator(schema(SOURCE, name)) for name in NAMES}


class _Elements(HTMLParser):
    """Tags with their attributes and content, as a browser has them: scripts and styles end at their closing tag."""

    def __init__(self, html):
        super().__init__()
        self.found = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs), ""))

    def handle_endtag(self, tag):
        self.found.append(("", {}, ""))

    def handle_data(self, data):
        if self.found:
            tag, attrs, text = self.found[-1]
            self.found[-1] = (tag, attrs, text + data)


def elements(html):
    return [each for each in _Elements(html).found if each[0]]


def blocks(html):
    """The blocks by name, each as it is declared."""
    found = {}
    for tag, attrs, text in elements(html):
        if tag == "script" and attrs.get("type") == "text/plain":
            assert re.fullmatch(r"[A-Za-z0-9+/]+=*", text)
            value = json.loads(gzip.decompress(base64.b64decode(text)))
            VALIDATORS[attrs["id"].partition("-")[0].capitalize()].validate(value)
            found[attrs["id"]] = value
    check(found)
    return found


def check(found):
    """What a schema does not say: columns are as long as there are items, and numbers are places in what they name."""
    for at, table in enumerate(found["summary"]["tables"]):
        n, rows = table["n"], len(table["rows"])
        items, texts = found[f"items-{at}"], found[f"texts-{at}"]
        assert len(items["ids"]) == len(set(items["ids"])) == n
        assert len(items["rows"]) == rows
        assert len(items["parts"]) == len(table["cuts"])
        for coded in (items["targets"], *items["tags"].values(), *filter(None, [items["clusters"]])):
            _coded(coded, n)
        for cut, parts in zip(table["cuts"], items["parts"], strict=True):
            held = [part for each in parts for part in (each if isinstance(each, list) else [each]) if part >= 0]
            assert [held.count(part) for part in range(len(cut["parts"]))] == [part["n"] for part in cut["parts"]]
            for part in cut["parts"]:
                assert len(part["rows"]) == rows
                assert len(part["gaps"]) == len(part["ps"]) == len(part["adjusted"]) == len(table["pairs"])
        assert [(p["a"], p["b"]) for p in table["pairs"]] == [(a, b) for a in range(rows) for b in range(a + 1, rows)]
        assert all(len(row["cells"]) == len(table["header"]) for row in table["rows"])
        assert {table["reference"], *table["first"]} <= set(range(rows))
        for place, row in enumerate(items["rows"]):
            _row(table, row, n)
            assert (row["stated"] is not None) == table["rows"][place]["stated"]
            _answers(found[f"answers-{at}-{place}"], texts, n)
            if prompts := found.get(f"prompts-{at}-{place}"):
                assert len(prompts["items"]) == n
        for each in (*(each["texts"] for each in texts["inputs"]), texts["options"], texts["marks"]):
            assert each is None or len(each) == n
        for curve in table["curves"]:
            assert all(table["rows"][point["row"]]["score"] == point["score"] for point in curve["points"])


def _coded(coded, n):
    assert len(coded["codes"]) == n
    assert len(set(coded["values"])) == len(coded["values"])
    assert set(coded["codes"]) - {-1} == set(range(len(coded["values"])))


def _row(table, row, n):
    _coded(row["outputs"], n)
    _coded(row["status"], n)
    assert len(row["scores"]) == n
    assert all(0 <= score <= 1 for score in row["scores"])
    if table["classes"]:
        cells = len(table["classes"]["truth"]) * len(table["classes"]["said"])
        counted = [cell for each in row["confused"] for cell in (each if isinstance(each, list) else [each])]
        assert len(row["confused"]) == n
        assert all(0 <= cell < cells for cell in counted)
    for each in row["stated"] or ():
        assert len(each) <= 5
        assert all(0 <= place < len(table["kind"]["outputs"]) and 0 <= share <= 1000 for place, share in each)


def _answers(answers, texts, n):
    for column in (answers["raw"], answers["thought"], answers["tokens"], answers["seconds"], answers["marks"]):
        assert column is None or len(column) == n
    demos = answers["demos"]
    assert not demos or not isinstance(demos[0], list) or len(demos) == n
    shown = {place for each in demos for place in (each if isinstance(each, list) else [each])}
    assert shown == set(range(len(answers["shown"])))
    for marks in (texts["marks"], answers["marks"]):
        for item, held in enumerate(marks or ()):
            for place, start, end, _ in held:
                assert 0 <= start < end <= len(texts["inputs"][place]["texts"][item])


def prompt(prompts, item):
    """The prompt of an item, as the page puts it together."""
    head, *rest = prompts["items"][item]
    return "".join(prompts["lines"][line] for line in (*prompts["heads"][head], *rest))


def hashed(text):
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
