"""`harness init` of passages, parallel text, dialogues, and of real sets: what is written there comes out as items."""

import json

import pytest
from conftest import ROOT
from made_shapes import dialogues, pairs, squad, tmx
from projects import TOWNS, made, ok, rows

from harness.prompt.template import load as load_template
from harness.task import definition

DATA = ROOT.parent / "shared" / "data"


@pytest.mark.parametrize("version", ["1.1", "2.0"])
def test_squad(home, put, version):
    put("t.json", json.dumps(squad(version), indent=1))
    task, said = made("t.json", kind="span")
    first = rows(task)[0]
    assert dict(first.inputs) == {
        "passage": "The firm Acme opened its 2nd mill in Oslo, says report 0.",
        "question": "Where is mill 0 of 0?",
    }
    assert json.loads(first.target) == [[37, "Oslo"]]
    assert first.cluster == "paragraph-1"
    assert ("12 questions have no answer" in said) == (version == "2.0")
    ok("run", "--task", "t", "--baselines-only", "--baseline", "sentence")


def test_squad_in_utf16_units_and_by_article(home, put):
    found = squad(articles=10)
    for article in found["data"]:
        for paragraph in article["paragraphs"]:
            paragraph["context"] = f"😀 {paragraph['context']}"
            paragraph["qas"][0]["answers"][0]["answer_start"] += 3
    put("t.json", json.dumps(found))
    task, said = made("t.json")
    assert "answers of 40 questions started by UTF-16 units" in said
    assert json.loads(rows(task)[0].target) == [[39, "Oslo"]]
    assert rows(task)[0].cluster == "article-1"


def check_translation(task, source="source"):
    first = rows(task)[0]
    assert dict(first.inputs) == {source: pairs()[0][0]}
    assert json.loads(first.target) == [pairs()[0][1]]
    assert "译文：" in load_template("plain", task).render(first).content


def test_parallel_files(home, put):
    put("a.zh", "\ufeff" + "".join(f"{zh}\r\n" for zh, _ in pairs()))
    put("a.en", "".join(f"{en}\n" for _, en in pairs()))
    task, _ = made("a.zh", "a.en", kind="text", language="zh")
    check_translation(task)
    ok("run", "--task", "t", "--baselines-only", "--baseline", "copy")
    put("b.zh", "一句话。\n")
    put("b.en", "One sentence.\n")
    made("a.zh", "a.en", "--test", "b.zh", "--test", "b.en", name="u", language="zh")
    assert len(definition.load("u").examples("test")) == 1


def test_lines_of_two_parts_with_and_without_a_header(home, put):
    lines = "".join(f"{zh}\t{en}\n" for zh, en in pairs())
    put("bare.tsv", lines)
    check_translation(made("bare.tsv", kind="text", language="zh", name="bare")[0])
    put("headed.tsv", "source\ttranslation\n" + lines)
    check_translation(made("headed.tsv", kind="text", language="zh", name="headed")[0])


def test_tmx(home, put):
    put("t.tmx", "\ufeff" + tmx(pairs()))
    task, said = made("t.tmx", kind="text", language="zh")
    assert "languages: en 30, zh 30" in said
    check_translation(task, "zh")
    task, _ = made("t.tmx", "--input", "en", "--target", "zh", name="back", kind="text")
    assert task.kind.tokenize == "zh"
    (home / "wide.tmx").write_bytes(tmx(pairs()).replace("UTF-8", "UTF-16").encode("utf-16"))
    check_translation(made("wide.tmx", kind="text", language="zh", name="wide")[0], "zh")


def test_dialogues_with_and_without_a_schema(home, put):
    put("d.json", json.dumps(dialogues()))
    task, _ = made("d.json", kind="state")
    first, second = rows(task)[:2]
    assert first.text == "User: I am off to Oslo for trip 0."
    assert second.text == f"{first.text}\nSystem: How many seats?\nUser: Two, please."
    assert json.loads(second.target) == {"seats": ["2", "two"], "to": "Oslo"}
    splits = {split: {e.cluster for e in task.examples(split)} for split in task.spec.splits}
    assert not splits["train"] & splits["test"]
    ok("run", "--task", "t", "--baselines-only", "--baseline", "last-mention")
    slots = [
        {"name": "to", "description": "Where to", "is_categorical": True, "possible_values": list(TOWNS)},
        {"name": "seats", "description": "How many", "is_categorical": True, "possible_values": ["1"]},
    ]
    put("schema.json", json.dumps([{"service_name": "Trips_1", "slots": slots}]))
    task, _ = made("d.json", kind="state", name="u")
    assert task.kind.slots == {"to": "Where to", "seats": "How many"}
    assert list(task.kind.values) == ["to"]


@pytest.mark.skipif(not DATA.exists(), reason="../shared/data is not there")
@pytest.mark.parametrize(
    ("path", "kind", "language", "options"),
    [
        ("xquad/xquad.zh.json", "span", "zh", ()),
        ("sgd/dialogues_005.json", "state", "en", ()),
        ("wnut17/emerging.dev.conll", "entities", "en", ()),
        ("sec_ner/FIN3.txt", "entities", "en", ()),
        ("bbq/Religion.jsonl", "choice", "en", ("--input", "context,question")),
    ],
)
def test_real_sets(home, path, kind, language, options):
    ok("init", DATA / path, "--name", "t", *options)
    task = definition.load("t")
    assert (task.spec.kind, task.spec.language) == (kind, language)
    for stem in ("plain", "instruction", "chat"):
        assert load_template(stem, task).render(task.examples("test")[0], task.examples("train")[:1]).content
