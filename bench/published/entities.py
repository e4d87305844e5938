"""Published sets of entities."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from published.data import Data, Row, shared, template


def sec_ner(folder: Path) -> Data:
    """Named entities of SEC filings: FIN5 to train, FIN3 to test."""
    body = """List the named entities of each sentence in order, as a JSON list of pairs of words and type; \
[] if there are none. The types:
{% for label in labels %}
{{ label }}: {{ label.description }}
{% endfor %}

{% for shot in shots %}
Sentence: {{ shot.text }}
Entities: {{ shot.answer }}

{% endfor %}
Sentence: {{ text }}
Entities:
"""
    types = {
        "PER": "persons and parties to a contract, such as Lender",
        "LOC": "places and addresses",
        "ORG": "companies, banks and other bodies",
        "MISC": "other names",
    }
    notes: Counter[str] = Counter()
    rows = {"train": _filings(folder / "FIN5.txt", notes), "test": _filings(folder / "FIN3.txt", notes)}
    notes["test sentences that stand in train too, kept"] = shared(rows["test"], rows["train"], "text")
    return Data(
        {
            "kind": "entities",
            "language": "en",
            "domain": "finance",
            "inputs": ["text"],
            "target": "entities",
            "labels": types,
            "cluster": "document",
        },
        rows,
        template(body, max_tokens=96),
        "FIN5 is train and FIN3 is test, as published; no dev split",
        notes,
    )


def _filings(path: Path, notes: Counter[str]) -> list[Row]:
    """The sentences of a file in CoNLL's columns: their words joined by blanks, and the spans of their tags, of which
    none says where a mention begins beside another of its type."""
    rows: list[Row] = []
    document = 0
    for block in re.split(r"\n[ \t]*\n", path.read_text(encoding="utf-8")):
        lines = [line.split() for line in block.split("\n") if line.strip()]
        if not lines:
            continue
        if lines[0][0] == "-DOCSTART-":
            document += 1
            notes["-DOCSTART- lines, left out"] += 1
            continue
        text, spans, before = "", list[tuple[int, int, str]](), "O"
        for word, *_, tag in lines:
            start = len(text) + bool(text)
            text = f"{text} {word}" if text else word
            if tag != "O" and tag == before:
                spans[-1] = (spans[-1][0], len(text), tag[2:])
            elif tag != "O":
                spans.append((start, len(text), tag[2:]))
            before = tag
        name = f"{path.stem}-{document}"
        rows.append({"id": f"{path.stem}-{len(rows) + 1:04}", "text": text, "entities": spans, "document": name})
    return rows
