"""Directed relations on real data: SemEval-2010 task 8, where its files are at hand."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from test_metrics import official

from harness.study import grid
from harness.task import definition

FILES = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "semeval2010_t8"


def sentences(name):
    """(id, text, label) of each sentence of an official file."""
    blocks = (FILES / name).read_text(encoding="utf-8").replace("\r", "").split("\n\n")
    for block in filter(str.strip, blocks):
        first, label, *_ = block.strip().split("\n")
        number, text = first.split("\t")
        yield number, text.strip('"'), label


@pytest.mark.slow
@pytest.mark.skipif(not FILES.is_dir(), reason="the data of SemEval-2010 task 8 is not at hand")
def test_the_official_score_of_tf_idf(home):
    folder = home / "tasks" / "relations"
    folder.mkdir(parents=True)
    seen = Counter()
    for split, name in (("train", "TRAIN_FILE.TXT"), ("test", "TEST_FILE_FULL.TXT")):
        rows = list(sentences(name))
        seen.update(label for *_, label in rows)
        lines = (json.dumps({"id": number, "text": text, "relation": label}) for number, text, label in rows)
        (folder / f"{split}.jsonl").write_text("\n".join(lines) + "\n")
    assert len(seen) == 19
    (folder / "task.yaml").write_text(
        f"kind: classification\ninputs: [text]\ntarget: relation\nid: id\nlabels: {json.dumps(sorted(seen))}\n"
        "null_label: Other\ndirected: true\nsplits: {train: train.jsonl, test: test.jsonl}\n"
    )
    task = definition.load("relations")
    ((run, _),) = grid.run(task, grid.Spec(baselines=("tfidf-svm",)), [], home / "results")
    truth = [label for *_, label in sentences("TEST_FILE_FULL.TXT")]
    key = dict(line.split("\t") for line in (FILES / "TEST_FILE_KEY.TXT").read_text().split("\n") if line)
    assert [re.sub(r"\(.*", "", label) for label in truth] == [key[e.id].strip() for e in run.examples]
    said = [prediction.output for prediction in run.predictions]
    assert run.scores["macro-f1"][0] == pytest.approx(official(truth, said), abs=1e-12)
    assert 0.4 < run.scores["macro-f1"][0] < 0.75
    assert len([name for name in run.scores if name.startswith("f1[")]) in (0, 9)
