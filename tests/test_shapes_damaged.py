"""`harness init` of what is damaged, in every format: one paragraph says what is wrong."""

import json

import pytest
from conftest import ROOT
from made_shapes import conll, dialogues, pairs, squad, task_of, tmx
from projects import cli, refused

from harness.bring import shapes

OVERLAP = [[0, 4, "ORG"], [2, 6, "LOC"]]
BAD = {
    "t.conll": [
        (conll().replace("Oslo X B-LOC", "Oslo X Q-LOC", 1), "t.conll, line 4: the tag 'Q-LOC' is of no known form"),
        (conll() + "\nlonely\n", "one column only ('lonely')"),
        ("\n\n", "t.conll"),
    ],
    "ls.json": [
        (json.dumps([task_of("Acme Corp", [(0, 4, "ORG", "Acme"), (2, 6, "LOC", "me C")])]), "overlap"),
        (
            json.dumps([task_of("Acme Corp", [(0, 4, "ORG", "Corp")])]),
            "stands on 'Acme', but the file says that it reads",
        ),
        (json.dumps([task_of("Acme Corp", [(0, 40, "ORG", None)])]), "is not within the 9 characters"),
        (
            json.dumps([{"data": {"text": "x"}, "annotations": [{"result": [{"type": "rectangle"}]}]}]),
            "of type 'rectangle'",
        ),
        (json.dumps([task_of("Acme", [("a", 4, "ORG", None)])]), "needs whole numbers"),
        (json.dumps([task_of("Acme", [(0, 4, "ORG", None)])])[:-3], "not valid JSON"),
    ],
    "d.jsonl": [
        (
            json.dumps({"text": "Acme Corp", "label": OVERLAP}),
            "d.jsonl, line 1: the spans 'Acme' at 0 and that at 2 overlap",
        ),
        (json.dumps({"text": "Acme", "label": [[3, 1, "ORG"]]}), "is empty or reversed"),
        (json.dumps({"text": "Acme", "label": [[0, 4, "ORG"]]}) + "\n{", "d.jsonl, line 2: not valid JSON"),
        (
            json.dumps({"text": "Acme", "label": [[0, 4, "ORG"]]}) + '\n{"text": "x", "label": ["y"]}',
            "line 2: the span 'y'",
        ),
    ],
    "s.json": [
        (json.dumps([["Acme Corp", {"entities": OVERLAP}]]), "overlap"),
        (json.dumps([["Acme", {"entities": [[0, 4, "A"]]}], 7]), "must be [text"),
    ],
    "squad.json": [
        (
            json.dumps(squad()).replace('"answer_start": 37', '"answer_start": 36', 1),
            "does not start at 36, where the passage has ' Osl'",
        ),
        (json.dumps(squad()).replace('"answer_start": 37', '"answer_start": "x"', 1), "answer_start as a whole number"),
        (json.dumps(squad(), indent=1)[:-40], "squad.json, line"),
        (json.dumps({"data": [{"paragraphs": [{"context": "x"}]}]}), "article 1, paragraph 1: field 'qas' is no list"),
    ],
    "t.tmx": [
        (tmx(pairs()).replace("<tmx", '<!DOCTYPE tmx [<!ENTITY a "b">]>\n<tmx', 1), "t.tmx, line 2: a document type"),
        (tmx(pairs())[:-20], "not valid XML"),
        (tmx(pairs()).replace('xml:lang="zh"', 'xml:lang="en"'), "units in one language only"),
        ("nothing", "not valid XML"),
    ],
    "sgd.json": [
        (json.dumps([{"turns": [{"frames": [], "speaker": "BOT", "utterance": "x"}]}]), "turn 1: needs a speaker"),
        (json.dumps([*dialogues(2), 5]), "must be one dialogue"),
    ],
    "o.json": [
        ('{\n"a": {"text": "x"},\n"b": 1\n}', "one JSON object, of 'a', 'b', which is of no format that is read")
    ],
    "p.tsv": [("".join(f"{zh}\t{en}\n" for zh, en in pairs(300)) + "one\n", "line 301: 1 parts, where two are needed")],
}


@pytest.mark.parametrize(("name", "content", "message"), [(n, c, m) for n, each in BAD.items() for c, m in each])
def test_what_is_damaged_is_one_paragraph(home, put, name, content, message):
    put(name, content)
    refused(message, name)


def test_damaged_pairs_of_files(home, put):
    put("a", "one line\n")
    put("b", "a line\nand one\n")
    refused("b, line 2: a has 1 lines only", "a", "b")
    refused("3 files: give one, or two of parallel lines", "a", "b", "a")
    refused("give DATA or --from-hub NAME")
    (home / "empty").mkdir()
    refused("a folder without .ann files", "empty")
    put("x.ann", "T1\tORG 0 4\tAcme\n")
    refused("x.txt is missing", "x.ann")
    put("x.txt", "Acme\n")
    put("x.ann", "T1\tORG zero 4\tAcme\n")
    refused("x.ann, line 1: no span", "x.ann")
    put("x.ann", "T1\tORG 0 40\tAcme\n")
    refused("x.ann: the span ORG [0, 40] is not within the 5 characters", "x.ann")


def test_half_a_character_is_told(home, put):
    for name, content in {
        "a.jsonl": {"text": "Acme", "label": [[0, 4, "O\ud83d"]]},
        "b.jsonl": {"text": "Acme \ud83d", "label": [[0, 4, "ORG"]]},
        "c.json": json.loads(json.dumps(squad()).replace("The firm Acme", "\\ud83dhe firm Acme")),
        "d.json": [{**dialogues(1)[0], "dialogue_id": "\ud83d"}],
    }.items():
        put(name, json.dumps(content))
        refused("half a character", name)


def test_the_documents_name_every_format():
    text = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
    assert {name for name in shapes.SHAPES if f"| `{name}` |" in text} == set(shapes.SHAPES)


@pytest.mark.parametrize("name", [name for name in shapes.SHAPES if name not in ("brat", "table")])
@pytest.mark.parametrize(
    "content", ["", "[]", "{}", "null", "x", "[[]]", '[{"text": null}]', "a\tb\n", "\x00", '{"data": 5}']
)
def test_any_format_takes_any_file(home, put, name, content):
    put("t.json", content)
    put("t.txt", content)
    for file in ("t.json", "t.txt"):
        done = cli("init", file, "--format", name, "--name", "bad")
        assert done.exit_code == 2, (done.output, done.exception)
        assert "unexpected" not in done.stderr.lower(), done.stderr
