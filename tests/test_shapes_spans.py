"""`harness init` of formats that mark spans in texts: what is marked comes out as entities."""

import gzip
import json

import pytest
from made_shapes import FIRST, brat, check_entities, conll, task_of
from projects import made, ok, refused, rows, sentences

from harness.prompt.template import load as load_template


@pytest.mark.parametrize("scheme", ["IOB2", "IOB1", "BIOES"])
@pytest.mark.parametrize("name", ["t.conll", "t.txt"])
def test_conll_of_any_scheme(home, put, scheme, name):
    put(name, "\ufeff" + conll(scheme=scheme, columns=2, end="\r\n"))
    task, said = made(name, kind="entities")
    assert f"CoNLL columns, {scheme}, utf-8): 22 rows" in said
    check_entities(task)


def test_conll_mentions_of_several_tokens_side_by_side(home, put):
    block = "New B-LOC\nYork I-LOC\nOslo B-LOC\nsays O\nAcme I-ORG\n\n"
    put("t.conll", conll() + "\n" + block)
    task, said = made("t.conll")
    assert json.loads(rows(task)[-1].target) == [[0, 8, "LOC"], [9, 13, "LOC"], [19, 23, "ORG"]]
    assert "1 mentions do not begin with B-" in said


def test_conll_documents_and_comments(home, put):
    blocks = conll(24).split("\n\n")
    text = "".join(
        f"-DOCSTART- -X- O\n\n# id {i}\n{block}\n\n" * (i % 2 == 0) + f"{block}\n\n" for i, block in enumerate(blocks)
    )
    put("t.conll", text)
    task, _ = made("t.conll")
    splits = {split: {e.cluster for e in task.examples(split)} for split in task.spec.splits}
    assert not splits["train"] & splits["test"]
    assert len(rows(task)) == 36


def test_chinese_conll_has_no_blanks(home, put):
    lines = []
    for i in range(20):
        for sign in f"张伟在A股第{i}天买入华天":
            tag = {
                "张": "B-PER",
                "伟": "I-PER",
                "华": "B-ORG",
                "天": "I-ORG" if lines and lines[-1][:1] == "华" else "O",
            }
            lines.append(f"{sign} {tag.get(sign, 'O')}")
        lines.append("")
    put("t.txt", "\n".join(lines))
    task, _ = made("t.txt", kind="entities", language="zh")
    first = rows(task)[0]
    assert first.text == "张伟在A股第0天买入华天"
    assert json.loads(first.target) == [[0, 2, "PER"], [10, 12, "ORG"]]
    assert "实体：" in load_template("plain", task).render(first).content


def test_label_studio_in_characters_and_in_utf16(home, put):
    tasks = [task_of(text, [(s, e, t, text[s:e]) for s, e, t in spans]) for text, spans in sentences()]
    emoji = "😀😀 Acme signs"
    tasks.append(task_of(emoji, [(3, 7, "ORG", "Acme")]))  # Python's characters
    tasks.append(task_of(emoji + " again", [(5, 9, "ORG", "Acme")]))  # JavaScript's units
    tasks.append(task_of("Acme  signs", [(0, 5, "ORG", "Acme ")]))  # a blank at the end
    tasks.append({"data": {"text": "nobody saw this"}, "annotations": []})
    tasks.append({"data": {"text": "skipped"}, "annotations": [{"was_cancelled": True, "result": []}]})
    put("t.json", json.dumps(tasks))
    task, said = made("t.json", kind="entities")
    check_entities(task)
    assert "offsets of 1 texts count UTF-16 units: moved to characters" in said
    assert "took white space off the ends of 1 spans" in said
    assert "left out 2 of 27 tasks, which nobody has annotated" in said
    assert [json.loads(each.target) for each in rows(task)[22:]] == [[[3, 7, "ORG"]]] * 2 + [[[0, 4, "ORG"]]]


def test_label_studio_without_texts_tells_what_it_takes(home, put):
    tasks = [task_of(text, [(s, e, t, None) for s, e, t in spans]) for text, spans in sentences()]
    tasks.append(task_of("😀 Acme signs", [(2, 6, "ORG", None)]))
    put("t.json", json.dumps(tasks))
    _, said = made("t.json")
    assert "1 texts have signs such as emoji before a span" in said


def test_label_studio_small_export_and_choices(home, put):
    small = [
        {
            "text": text,
            "label": [{"start": s, "end": e, "text": text[s:e], "labels": [t]} for s, e, t in spans],
            "id": i,
        }
        for i, (text, spans) in enumerate(sentences())
    ]
    put("small.json", json.dumps(small))
    check_entities(made("small.json", kind="entities", name="small")[0])
    chosen = [
        {
            "data": {"text": text},
            "annotations": [{"result": [{"type": "choices", "value": {"choices": ["ab"[i % 2]]}}]}],
        }
        for i, (text, _) in enumerate(sentences())
    ]
    put("chosen.json", json.dumps(chosen))
    task, _ = made("chosen.json", kind="classification", name="chosen")
    assert task.kind.outputs == ("a", "b")


@pytest.mark.parametrize("key", ["label", "labels", "entities"])
def test_doccano(home, put, key):
    lines = [json.dumps({"id": i, "text": text, key: spans}) for i, (text, spans) in enumerate(sentences())]
    put("t.jsonl", "\n".join([json.dumps({"id": 99, "text": "nothing here", key: []}), *lines]))
    task, said = made("t.jsonl", kind="entities")
    assert "(doccano, utf-8): 23 rows" in said
    assert json.loads(rows(task)[1].target) == FIRST
    assert rows(task)[0].target == "[]"


def test_doccano_with_offsets_by_name_packed(home):
    lines = [
        json.dumps({"text": text, "entities": [{"label": t, "start_offset": s, "end_offset": e} for s, e, t in spans]})
        for text, spans in sentences()
    ]
    (home / "t.jsonl.gz").write_bytes(gzip.compress("\r\n".join(lines).encode()))
    check_entities(made("t.jsonl.gz", kind="entities")[0])


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_brat_folder_is_a_row_a_line_and_a_document_a_file(home, end):
    brat(home, end=end)
    task, said = made("notes", kind="entities")
    check_entities(task)
    assert "(brat, 12 documents, utf-8): 24 rows" in said
    splits = {split: {e.cluster for e in task.examples(split)} for split in task.spec.splits}
    assert not splits["train"] & splits["test"]
    assert not splits["train"] & splits["dev"]
    assert len(ok("run", "--task", "t", "--baselines-only", "--baseline", "dictionary"))


def test_brat_spans_over_lines_and_in_pieces(home):
    folder = brat(home)
    (folder / "over.txt").write_text("Acme\nCorp signs\nin Oslo and Lima\n")
    (folder / "over.ann").write_text("T1\tORG 0 9\tAcme Corp\nT2\tLOC 19 23;28 32\tOslo Lima\n")
    task, said = made("notes")
    whole = next(each for each in rows(task) if each.cluster == "over")
    assert whole.text == "Acme\nCorp signs"
    assert json.loads(whole.target) == [[0, 9, "ORG"]]
    assert "left out 1 rows with a span in several pieces" in said


def test_brat_of_one_file(home):
    folder = brat(home, count=1)
    for name in ("00.ann", "00.txt"):
        refused("one document only", folder / name)
        made(folder / name, "--cluster", "none", name=name.replace(".", "-"))


def test_spacy_and_prodigy(home, put):
    pairs = [[text, {"entities": spans}] for text, spans in sentences()]
    put("pairs.json", json.dumps(pairs))
    put("named.json", json.dumps({"classes": ["ORG", "LOC"], "annotations": [*pairs, None]}))
    lines = [
        {"text": text, "spans": [{"start": s, "end": e, "label": t} for s, e, t in spans], "answer": "accept"}
        for text, spans in sentences()
    ]
    put("prodigy.jsonl", "\n".join(json.dumps(each) for each in [*lines, {"text": "x", "answer": "reject"}]))
    for name in ("pairs.json", "named.json", "prodigy.jsonl"):
        task, said = made(name, kind="entities", name=name.partition(".")[0])
        check_entities(task)
    assert "left out 1 texts whose marks were not accepted" in said
