"""Published sets of one label an item."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from pathlib import Path

from published.data import Data, Row, shared, template, values


def semeval(folder: Path) -> Data:
    """Relations between two marked nouns, directed: SemEval-2010 task 8."""
    body = """Each sentence marks two nouns, <e1> and <e2>. Say which relation holds between them and in which \
direction, or Other. The relations: {% for label in labels %}{{ label }}{{ ", " if not loop.last }}{% endfor %}.

{% for shot in shots %}
Sentence: {{ shot.text }}
Relation: {{ shot.answer }}

{% endfor %}
Sentence: {{ text }}
Relation:
"""
    notes: Counter[str] = Counter()
    rows = {
        "train": _sentences(folder / "TRAIN_FILE.TXT", notes),
        "test": _sentences(folder / "TEST_FILE_FULL.TXT", notes),
    }
    return Data(
        {
            "kind": "classification",
            "language": "en",
            "inputs": ["text"],
            "target": "relation",
            "labels": values(rows, "relation"),
            "null_label": "Other",
            "directed": True,
        },
        rows,
        template(body),
        "as published; no dev split",
        notes,
    )


def _sentences(path: Path, notes: Counter[str]) -> list[Row]:
    """The sentences of an official file, without the quotes around each and the annotators' comments."""
    raw = path.read_bytes().decode("utf-8")
    notes["lines that end in CRLF"] += raw.count("\r\n")
    rows = []
    for block in filter(str.strip, raw.replace("\r\n", "\n").split("\n\n")):
        first, label, *_ = block.strip().split("\n")
        number, text = first.split("\t")
        if text[0] == text[-1] == '"':
            text = text[1:-1]
            notes["sentences in quotes, which were taken off"] += 1
        rows.append({"id": number, "text": text, "relation": label.strip()})
    return rows


def banking77(folder: Path) -> Data:
    """What customers of a bank want, by 77 intents."""
    body = """Say what the customer of a bank asks about. The topics: \
{% for label in labels %}{{ label }}{{ "; " if not loop.last }}{% endfor %}.

{% for shot in shots %}
Customer: {{ shot.text }}
Topic: {{ shot.answer }}

{% endfor %}
Customer: {{ text }}
Topic:
"""
    notes: Counter[str] = Counter()
    rows: dict[str, list[Row]] = {}
    for split in ("train", "test"):
        rows[split] = []
        with (folder / f"{split}.csv").open(encoding="utf-8", newline="") as file:
            for place, each in enumerate(csv.DictReader(file), 1):
                text = re.sub(r"\s*\n\s*", " ", each["text"].strip())
                notes["texts with blanks or line ends around them or within, taken out"] += text != each["text"]
                rows[split].append({"id": f"{split}-{place:05}", "text": text, "intent": each["category"]})
    notes["test texts that stand in train too, kept"] = shared(rows["test"], rows["train"], "text")
    labels: list[str] = json.loads((folder / "categories.json").read_text(encoding="utf-8"))
    words = {label: label.replace("_", " ").rstrip("?").lower() for label in labels}
    return Data(
        {
            "kind": "classification",
            "language": "en",
            "domain": "banking",
            "inputs": ["text"],
            "target": "intent",
            "labels": labels,
            "metrics": ["accuracy", "macro-f1", "mcc"],
        },
        rows,
        template(body, verbalizer=words),
        "as published; no dev split",
        notes,
    )


def pubmedqa(folder: Path) -> Data:
    """Questions of research, to be answered by the abstract of a paper without its conclusion."""
    body = """Answer the question by the abstract: yes, no or maybe.

{% for shot in shots %}
Abstract: {{ shot.passage }}
Question: {{ shot.question }}
Answer: {{ shot.answer }}

{% endfor %}
Abstract: {{ passage }}
Question: {{ question }}
Answer:
"""
    read: dict[str, Row] = json.loads((folder / "ori_pqal.json").read_text(encoding="utf-8"))
    truth: dict[str, str] = json.loads((folder / "test_ground_truth.json").read_text(encoding="utf-8"))
    rows: dict[str, list[Row]] = {"train": [], "dev": [], "test": []}
    others = 0
    for key, each in read.items():
        split = "test"
        if key not in truth:
            others += 1
            split = "train" if others % 10 else "dev"
        passage = " ".join(each["CONTEXTS"])
        rows[split].append(
            {"id": key, "passage": passage, "question": each["QUESTION"], "answer": each["final_decision"]}
        )
    return Data(
        {
            "kind": "classification",
            "language": "en",
            "domain": "biomedicine",
            "inputs": ["passage", "question"],
            "target": "answer",
            "labels": ["yes", "no", "maybe"],
            "metrics": ["accuracy", "macro-f1", "mcc"],
        },
        rows,
        template(body),
        "test: the ids of test_ground_truth.json; of the others, in file order, every tenth is dev",
        {
            "long answers, which give the label away, left out": len(read),
            "labels that differ from test_ground_truth.json": sum(
                read[key]["final_decision"] != truth[key] for key in truth
            ),
        },
    )


def finre(folder: Path) -> Data:
    """Relations of two companies in Chinese financial news, by 44 labels."""
    body = """判断新闻中前者与后者的关系，从下列关系中选一个：\
{% for label in labels %}{{ label }}{{ "、" if not loop.last }}{% endfor %}。

{% for shot in shots %}
新闻：{{ shot.sentence }}
前者：{{ shot.head }}
后者：{{ shot.tail }}
关系：{{ shot.answer }}

{% endfor %}
新闻：{{ sentence }}
前者：{{ head }}
后者：{{ tail }}
关系：
"""
    notes: Counter[str] = Counter()
    numbers: dict[str, str] = {}
    read = {split: _pairs(folder / f"{split}.txt", numbers, notes) for split in ("train", "valid", "test")}
    test, valid = ({row["cluster"] for row in read[split]} for split in ("test", "valid"))
    asked = {(row["head"], row["tail"], row["sentence"]) for row in read["train"]}
    notes["test items that stand in train too, whatever their label"] = sum(
        (row["head"], row["tail"], row["sentence"]) in asked for row in read["test"]
    )
    rows = {
        "train": [row for row in read["train"] if row["cluster"] not in test | valid],
        "dev": [row for row in read["valid"] if row["cluster"] not in test],
        "test": read["test"],
    }
    for split, whole in (("train", "train"), ("dev", "valid")):
        out = len(read[whole]) - len(rows[split])
        notes[f"items of {whole}.txt whose sentence stands in a later split, left out"] = out
    times = Counter((row["head"], row["tail"], row["sentence"]) for row in rows["test"])
    notes["test items whose pair has several labels in its sentence, kept"] = sum(n for n in times.values() if n > 1)
    labels = [line.split()[0] for line in (folder / "relation2id.txt").read_text(encoding="utf-8").splitlines() if line]
    return Data(
        {
            "kind": "classification",
            "language": "zh",
            "domain": "finance",
            "inputs": ["sentence", "head", "tail"],
            "target": "relation",
            "labels": labels,
            "cluster": "cluster",
            "metrics": ["accuracy", "macro-f1", "mcc"],
        },
        rows,
        template(body, language="zh", answer_prefix=""),
        "as published (valid is dev), without train and dev items whose sentence stands in a later split",
        notes,
    )


def _pairs(path: Path, numbers: dict[str, str], notes: Counter[str]) -> list[Row]:
    """The rows of a file of head, tail, relation and sentence; ``numbers`` names each sentence, over all files."""
    rows: list[Row] = []
    for line in path.read_text(encoding="utf-8").split("\n"):
        if not line.strip():
            continue
        parts = line.split("\t")
        head, tail, relation, sentence = (part.strip() for part in parts)
        notes["rows with blanks around a field, taken off"] += parts != [head, tail, relation, sentence]
        cluster = numbers.setdefault(sentence, f"s{len(numbers) + 1:05}")
        name = f"{path.stem}-{len(rows) + 1:05}"
        rows.append(
            {
                "id": name,
                "sentence": sentence,
                "head": head,
                "tail": tail,
                "relation": relation,
                "cluster": cluster,
            }
        )
    return rows
