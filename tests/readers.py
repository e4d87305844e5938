"""Everything that reads a file: a good one, what may be made of it, and what is then done with what was read."""

import io
import itertools
import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import mutations
import openpyxl
import pandas
from conftest import ROOT
from ggufs import written
from runs import baseline, run

from harness.bring import table
from harness.compare import differences
from harness.engines import create
from harness.engines.journal import Journal
from harness.gate import saved
from harness.gate.question import question_of
from harness.models.checkpoint import Model
from harness.models.gguf import Gguf
from harness.prompt import template
from harness.report import render
from harness.results import checksum, document, store
from harness.results.vault import MANIFEST, Vault
from harness.study import listing
from harness.task import definition
from harness.types import Answer, Example, Usage

TASK = """kind: classification
description: "Cats: and dogs"
inputs: {text: text, more: other}
target: label
id: id
cluster: from
tags: [kind]
labels:
  cat: says meow
  dog: ~
splits: {train: train.jsonl, test: test.jsonl}
metrics: [accuracy, macro-f1]
main_metric: accuracy
"""
TEMPLATE = """---
description: one
verbalizer: {cat: feline, dog: 'canine'}
answer_prefix: " "
stop: ["\\n", end]
max_tokens: 5
constrain: {json_schema: {type: object, maxLength: 3}}
chat_template_kwargs: {enable_thinking: false, at: 2024-01-13}
---
{% for s in shots %}
{{ s.text|trim }} => {{ s.answer }}
{% endfor %}
{{ text }} {{ labels|map(attribute="answer")|join(", ") }} =>
"""
ROWS = [
    {"id": f"i{i}", "text": f"the é {word}", "other": i * 1.5, "from": "d", "kind": "x", "label": label}
    for i, (word, label) in enumerate([("bark", "dog"), ("meow", "cat")] * 6)
]
PET = Example("1", {"text": "a cat", "more": "1"}, "cat")


class Reader(NamedTuple):
    """``change`` makes another of what is ``good`` (bytes, or a document); ``put`` writes it; ``read`` reads it."""

    good: Any
    change: Callable[[Any, Any], Any]
    put: Callable[[Any], object]
    read: Callable[[], object]


def _excel():
    out, book = io.BytesIO(), openpyxl.Workbook()
    for row in (list(ROWS[0]), *(list(row.values()) for row in ROWS)):
        book.active.append(row)
    book.save(out)
    return out.getvalue()


def _parquet():
    out = io.BytesIO()
    pandas.DataFrame(ROWS).to_parquet(out)
    return out.getvalue()


FORMATS = {
    "csv": pandas.DataFrame(ROWS).to_csv(index=False).encode(),
    "tsv": pandas.DataFrame(ROWS).to_csv(index=False, sep="\t").encode(),
    "jsonl": b"".join(mutations.written(row) + b"\n" for row in ROWS),
    "json": mutations.written(ROWS),
    "parquet": _parquet(),
    "xlsx": _excel(),
}


def _pets(home, data="jsonl"):
    """The task ``pets`` in ``home``, its rows in ``data``."""
    folder = home / "tasks" / "pets"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "task.yaml").write_text(TASK.replace("train.jsonl", f"train.{data}"))
    (folder / f"train.{data}").write_bytes(FORMATS[data])
    return folder


def data(home, suffix):
    path, numbers = _pets(home, suffix) / f"train.{suffix}", itertools.count()

    def read():
        try:
            definition.load("pets").examples("train")
        finally:
            table.init(home / "made", f"p{next(numbers)}", path, ("text", "other"), "label")

    return Reader(FORMATS[suffix], mutations.bytes_, path.write_bytes, read)


def task(home):
    path = _pets(home) / "task.yaml"

    def read():
        try:
            definition.load("pets").examples("train")
        finally:
            assert dict(listing.entries("tasks", None, home, print))["pets"]

    return Reader(path.read_bytes(), mutations.bytes_, path.write_bytes, read)


def prompt(home):
    _pets(home)
    path, pets = home / "t.j2", definition.load("pets")

    def read():
        made = template.load(str(path), pets)
        made.constraint(made.render(PET, [PET]))
        assert made.digest

    return Reader(TEMPLATE.encode(), mutations.bytes_, path.write_bytes, read)


def _shown(runs):
    """What any report makes of ``runs``."""
    found = [differences.compare(runs)]
    for form in ("terminal", "json", "csv", "html", "latex", "markdown"):
        render(found, form)
    for each in runs:
        assert len(list(each.predictions)) == len(list(each.examples))


def _sealed(home, name):
    folder = store.seal(run(n=9), home / "results")
    store.seal(baseline(n=9), home / "results")
    return folder / name, lambda: _shown([store.load(each) for each in store.find(home / "results")])


def sealed(home):
    path, read = _sealed(home, document.FILE)
    return Reader(path.read_bytes(), mutations.bytes_, path.write_bytes, read)


def signed(home):
    """A document whose checksum is right all the same."""
    path, read = _sealed(home, document.FILE)

    def put(said):
        with suppress(KeyError, TypeError, ValueError):  # where it has no checksums to speak of
            said = document.signed(said)
        path.write_bytes(mutations.written(said))

    return Reader(json.loads(path.read_text()), mutations.document, put, read)


def rows(home):
    path, read = _sealed(home, document.ROWS)
    said = json.loads((path.parent / document.FILE).read_text())

    def put(content):
        path.write_bytes(content)
        sums = {"checksums": {document.ROWS: checksum.of_file(path)}}
        (path.parent / document.FILE).write_text(json.dumps(document.signed(said | sums)))

    return Reader(path.read_bytes(), mutations.bytes_, put, read)


def _saved(home):
    path = home / "plain.baseline.json"
    runs = [run("p", n=9, seed=seed, clusters=3, unparsed=3, mentioned="target") for seed in (0, 1)]
    saved.write(path, {"model": "tiny", "shots": 5, "seeds": [0, 1]}, runs, saved.Reading("abc", 12.5))

    def read():
        _, found, _ = saved.read(path)
        question_of(path)
        for each in found:
            assert len(each.predictions) == len(each.examples)

    return path, read


def kept(home):
    path, read = _saved(home)
    return Reader(path.read_bytes(), mutations.bytes_, path.write_bytes, read)


def kept_signed(home):
    path, read = _saved(home)

    def put(said):
        if isinstance(said, dict):
            rest = {key: value for key, value in said.items() if key != "checksum"}
            said = {**rest, "checksum": checksum.of_document(rest)}
        path.write_bytes(mutations.written(said))

    return Reader(json.loads(path.read_text()), mutations.document, put, read)


def vault(home):
    kept = Vault(home / "models")
    folder = kept.store("k", lambda work: (work / "a.json").write_text("[1]"))

    def read():
        found = kept.fetch("k")
        assert found is not None
        assert json.loads((found / "a.json").read_text()) == [1]

    return Reader((folder / MANIFEST).read_bytes(), mutations.bytes_, (folder / MANIFEST).write_bytes, read)


def journal(home):
    path = home / "journal.sqlite"
    row = Answer("k", "yes", "stop", ((-0.5,), (-1.0, -2.0)), Usage(5, 4, 1))
    with Journal(path) as made:
        made.record(row)
    with sqlite3.connect(path) as db:
        (good,) = db.execute("SELECT answer FROM answers").fetchone()
    db.close()

    def put(content):
        with sqlite3.connect(path) as db:
            db.execute("UPDATE answers SET answer = ?", (content,))
        db.close()

    def read():
        with Journal(path) as made:
            for answer in made.look_up(["k"]):
                made.record(answer)

    return Reader(good.encode(), mutations.bytes_, put, read)


def journal_file(home):
    """The SQLite file itself."""
    path = home / "file" / "journal.sqlite"
    with Journal(path) as made:
        for i in range(60):
            made.record(Answer(f"k{i}", "yes" * 99, "stop", ((-0.5,), (-1.0, -2.0)), Usage(5, 4, 1)))

    def put(content):
        shutil.rmtree(path.parent)
        path.parent.mkdir()
        path.write_bytes(content)

    def read():
        with Journal(path) as made:
            list(made.look_up([f"k{i}" for i in range(60)]))
            made.record(Answer("k", "yes"))

    return Reader(path.read_bytes(), mutations.bytes_, put, read)


def gguf(home):
    path = written(home / "m.gguf")
    good, end = path.read_bytes(), Gguf("m", path).header.start

    def read():
        found = Gguf("m", path)
        assert found.quantization
        assert found.header.architecture is not None

    def change(rng, head):
        return mutations.bytes_(rng, head) + good[end : end + 4096]

    return Reader(good[:end], change, path.write_bytes, read)


def model(home, name):
    folder = shutil.copytree(ROOT / "models" / "tiny", home / f"of-{name}")
    path = folder / name

    def read():
        found = Model(str(folder))
        assert found.identity
        assert found.max_length
        assert found.tokenizer("a")
        assert create("null", str(folder)).identity

    return Reader(path.read_bytes(), mutations.bytes_, path.write_bytes, read)


READERS: dict[str, Callable[[Path], Reader]] = {
    "task.yaml": task,
    "template": prompt,
    **{suffix: lambda home, suffix=suffix: data(home, suffix) for suffix in FORMATS},
    "run.json": sealed,
    "run.json, signed": signed,
    "predictions.parquet": rows,
    "baseline": kept,
    "baseline, signed": kept_signed,
    "vault": vault,
    "journal": journal,
    "journal.sqlite": journal_file,
    "gguf": gguf,
    **{
        name: lambda home, name=name: model(home, name)
        for name in ("config.json", "tokenizer_config.json", "tokenizer.json")
    },
}
