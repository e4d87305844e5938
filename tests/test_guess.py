"""What `harness init` takes a table for, and the templates that it writes."""

import pytest
from projects import NAMES, PARTS, TOWNS, made, ok, refused, rows, sentences, write

from harness import kinds
from harness.bring import templates
from harness.prompt.template import load as load_template


def test_pairs_are_two_inputs(home):
    write(
        home / "t.jsonl",
        [
            {"premise": f"{t} one", "hypothesis": f"is {i}", "label": "yn"[i % 2]}
            for i, (t, _) in enumerate(sentences(30))
        ],
    )
    task, _ = made("t.jsonl", kind="classification")
    assert list(task.spec.inputs) == ["premise", "hypothesis"]


def test_a_column_of_no_known_name_whose_texts_come_again_is_the_label(home):
    found = [
        {"mail": f"{town} asks about {i}", "queue": ("loans", "cards")[i % 2]}
        for i, (town, _) in enumerate(sentences(30))
    ]
    write(home / "t.jsonl", found)
    task, _ = made("t.jsonl", kind="classification")
    assert (list(task.spec.inputs), task.spec.target, task.kind.outputs) == (["mail"], "queue", ("cards", "loans"))
    # Of two such columns none is taken.
    write(home / "u.jsonl", [{**row, "branch": ("north", "south", "west")[i % 3]} for i, row in enumerate(found)])
    refused("which column holds the right answers? Say --target, one of: mail, queue, branch", "u.jsonl")


@pytest.mark.parametrize("shape", ["list", "object", "columns", "ragged", "from nought"])
def test_choices(home, shape):
    found = []
    for i in range(30):
        texts = [f"{NAMES[(i + j) % 11]} {i}" for j in range(4)]
        row = {"question": f"Which firm is number {i}? {PARTS[i % 7]}"}
        if shape == "list":
            row |= {"options": texts, "answer": texts[i % 4]}
        elif shape == "object":
            row |= {"choices": {"text": texts, "label": list("ABCD")}, "answerKey": "ABCD"[i % 4]}
        elif shape == "columns":
            row |= dict(zip("ABCD", texts, strict=True)) | {"answer": "ABCD"[i % 4]}
        elif shape == "ragged":
            row |= dict(zip("ABCD", [*texts[:3], ""], strict=True)) | {"answer": "ABC"[i % 3]}
        else:
            row |= {"choices": texts, "answer": i % 4}
        found.append(row)
    write(home / "t.jsonl", found)
    task, _ = made("t.jsonl", kind="choice")
    first = rows(task)[1]
    assert list(first.inputs) == ["question"]
    assert first.target == "2"
    assert len(first.options) == (3 if shape == "ragged" else 4)
    assert "B. Globex 1" in load_template("instruction", task).render(first).content
    ok("run", "--task", "t", "--baselines-only", "--baseline", "place")


def test_options_that_are_letters_and_numbers_themselves(home):
    for name, answers, odd in (
        ("letters", "ABC", list("BCA")),
        ("numbers", "123", list("231")),
        ("nought", "012", list("120")),
    ):
        found = [
            {"question": f"{PARTS[i % 7]} {i}?", "options": [f"{t} {i}" for t in TOWNS[:3]], "answer": answers[i % 3]}
            for i in range(30)
        ]
        found.append({"question": "Which sign?", "options": odd, "answer": answers[1]})
        write(home / f"{name}.jsonl", found)
        task, _ = made(f"{name}.jsonl", kind="choice", name=name)
        assert [each.target for each in rows(task)[-3:]] == ["2", "3", "2"]
    found = [
        {"question": f"{i}?", "options": [f"{t} {i}" for t in TOWNS[:3]], "answer": f"Lima {i}"} for i in range(30)
    ]
    found.append({"question": "Which sign?", "options": list("BCA"), "answer": "A"})
    write(home / "texts.jsonl", found)
    assert [each.target for each in rows(made("texts.jsonl", name="texts")[0])[-2:]] == ["2", "3"]


def test_labels_in_a_list_numbers_and_free_text(home):
    texts = [text for text, _ in sentences(40)]
    write(
        home / "m.jsonl", [{"text": t, "labels": [x for x in "abc" if i % (ord(x) - 95)]} for i, t in enumerate(texts)]
    )
    assert set(made("m.jsonl", kind="multilabel", name="m")[0].kind.labels) == set("abc")
    write(
        home / "n.jsonl",
        [{"table": t, "question": f"How many on {i}?", "answer": i * 7.5} for i, t in enumerate(texts)],
    )
    task, _ = made("n.jsonl", kind="number", name="n")
    assert rows(task)[1].target == "7.5"
    write(home / "s.jsonl", [{"document": f"{t}. More of it.", "summary": t} for t in texts])
    task, _ = made("s.jsonl", kind="text", name="s")
    assert "Summary:" in load_template("plain", task).render(rows(task)[0]).content


def test_what_is_guessed_can_be_said(home):
    write(
        home / "t.jsonl",
        [
            {"doc_id": i // 3, "text": t, "body": t[::-1], "label": "ab"[i % 2], "other": "xy"[i % 2]}
            for i, (t, _) in enumerate(sentences(44))
        ],
    )
    task, said = made("t.jsonl")
    assert "input text; target label; cluster doc_id; language en" in said
    assert "columns: doc_id, text, body, label, other" in said
    splits = {split: {e.cluster for e in task.examples(split)} for split in task.spec.splits}
    assert not splits["train"] & splits["test"]
    task, _ = made(
        "t.jsonl",
        "--input",
        "body",
        "--target",
        "other",
        "--cluster",
        "none",
        "--language",
        "de",
        name="u",
        language="de",
    )
    assert (list(task.spec.inputs), task.spec.target, task.spec.cluster) == (["body"], "other", None)
    for words, message in (
        (("--kind", "clasification"), "unknown kind 'clasification'. Did you mean 'classification'"),
        (("--cluster", "doc"), "unknown column 'doc'. Did you mean 'doc_id'"),
        (("--format", "conl"), "unknown format 'conl'. Did you mean 'conll'"),
        (("--kind", "choice"), "which columns hold the options? Say --options"),
        (("--kind", "number"), "which is not one number"),
    ):
        refused(message, "t.jsonl", *words)


def test_every_kind_has_templates_in_both_languages():
    for name, language in templates.LANGUAGES.items():
        assert set(kinds.KINDS) <= set(language.kinds), name
