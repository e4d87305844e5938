"""Free text: references, the field's own scores, and baselines that copy."""

import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kind_contract import KindContract

from harness import metrics
from harness.errors import InputError
from harness.kinds.text import Text
from harness.metrics.rouge import Characters
from harness.predictors.copying import Copy
from harness.predictors.extract import Extract
from harness.predictors.lead import Lead
from harness.predictors.nearest import Nearest
from harness.types import Example, Prediction

KIND = Text()
HYPOTHESES = ["The cat sat on the mat.", "Profits rose by 12 % in May .", "", "a b c d e"]
REFERENCES = [
    ["The cat sat on a mat.", "A cat was sitting on the mat."],
    ["Profits rose 12% in May.", "In May, profits rose by 12%.", "Profit was up."],
    ["Nothing was said."],
    ["a b c d e"],
]
ITEMS = [Example(str(i), {"source": "x"}, json.dumps(refs)) for i, refs in enumerate(REFERENCES)]
SAID = [Prediction(str(i), text or None) for i, text in enumerate(HYPOTHESES)]


class TestText(KindContract):
    inputs = ("source",)
    good = (
        ({"gold": "A cat."}, '["A cat."]'),
        ({"gold": ["A cat.", "One cat.", "A cat."]}, '["A cat.", "One cat."]'),
        ({"gold": '["A cat.", "One cat."]'}, '["A cat.", "One cat."]'),
        ({"gold": "[sic] a text"}, '["[sic] a text"]'),
        ({"gold": " cafe\u0301 👩‍👩‍👧\u200b "}, '["café 👩‍👩‍👧\u200b"]'),
        ({"gold": "مرحبا"}, '["مرحبا"]'),
        ({"gold": "１２．５％"}, '["１２．５％"]'),
        ({"gold": 12.0}, '["12"]'),
    )
    bad = (
        ({"gold": []}, "no reference"),
        ({"gold": ["a", " "]}, "reference in field 'gold' is empty"),
        ({"gold": "[]"}, "no reference"),
        ({"gold": ""}, "reference in field 'gold' is empty"),
        ({"gold": ["a", "\u200b \u2060"]}, "reference in field 'gold' is empty"),
        ({"gold": ["a", ["b"]]}, "a list"),
        ({"gold": None}, "no reference"),
        ({"gold": ["a", None]}, "no reference"),
        ({"gold": [{"text": "a"}]}, "an object"),
    )

    @pytest.fixture
    def kind(self):
        return KIND

    def test_mixed_line_ends_are_one(self):
        target = KIND.target({"gold": "one\r\ntwo\rthree"}, "gold", {}, "here")
        assert json.loads(target) == ["one\ntwo\nthree"]
        assert KIND.shown(Example("1", {}, target), KIND.words(None, "here")) == "one two three"
        assert Text(multiline=True).shown(Example("1", {}, target), KIND.words(None, "here")) == "one\ntwo\nthree"

    def test_an_unknown_tokenizer_names_the_nearest(self):
        with pytest.raises(ValueError, match="Did you mean '13a'"):
            Text(tokenize="13")
        with pytest.raises(ValueError, match="Did you mean 'ja-mecab'"):
            Text(tokenize="ja_mecab")

    def test_a_tokenizer_whose_package_is_missing_says_what_it_needs(self, monkeypatch):
        monkeypatch.setattr("sacrebleu.tokenizers.tokenizer_ja_mecab.MeCab", None)
        with pytest.raises(InputError, match=r"'ja-mecab'.* pip install sacrebleu\[ja\]"):
            metrics.create("bleu", Text(tokenize="ja-mecab"))

    def test_what_shows_nothing_is_no_answer(self):
        item = Example("1", {}, '["a"]')
        assert KIND.read(" \u200b\n", item, KIND.words(None, "here")).output is None
        assert KIND.read(" a\u200b\n", item, KIND.words(None, "here")).output == "a\u200b"


def totals(name, kind=KIND, items=ITEMS, said=SAID):
    metric = metrics.create(name, kind)
    return metric, metric.statistics(items, said)


class TestScores:
    @pytest.mark.parametrize("name", ["bleu", "chrf", "ter"])
    def test_are_those_of_sacrebleu_with_references_of_unequal_number(self, name):
        import sacrebleu.metrics as theirs

        made = {"bleu": theirs.BLEU(), "chrf": theirs.CHRF(), "ter": theirs.TER(normalized=True)}[name]
        streams = [[refs[i] if i < len(refs) else None for refs in REFERENCES] for i in range(3)]
        metric, rows = totals(name)
        assert metric.score(rows.sum(0))[0] == made.corpus_score(HYPOTHESES, streams).score
        assert metric.percent

    def test_are_those_of_its_command_line(self, tmp_path):
        kept = [place for place, refs in enumerate(REFERENCES) if len(refs) > 1]
        texts = {
            "said": [HYPOTHESES[place] for place in kept],
            "one": [REFERENCES[place][0] for place in kept],
            "two": [REFERENCES[place][1] for place in kept],
        }
        for name, lines in texts.items():
            (tmp_path / name).write_text("\n".join(lines) + "\n")
        items = [Example(str(i), {}, json.dumps(REFERENCES[i][:2])) for i in kept]
        command = [sys.executable, "-m", "sacrebleu", "one", "two", "-i", "said", "--ter-normalized", "--width", "15"]
        done = subprocess.run(
            [*command, "-m", "bleu", "chrf", "ter"], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        told = {each["name"]: each for each in json.loads(done.stdout)}
        assert set(told) == {"BLEU", "chrF2", "TER"}
        for theirs, name in {"BLEU": "bleu", "chrF2": "chrf", "TER": "ter"}.items():
            metric, rows = totals(name, items=items, said=[SAID[place] for place in kept])
            assert metric.score(rows.sum(0))[0] == pytest.approx(told[theirs]["score"], rel=1e-14)
            assert metric.signature == told[theirs]["signature"].replace("nrefs:2", "nrefs:var")

    @pytest.mark.parametrize(("name", "theirs"), [("rouge1", "rouge1"), ("rouge2", "rouge2"), ("rougeL", "rougeLsum")])
    def test_are_those_of_rouge_score(self, name, theirs):
        from rouge_score.rouge_scorer import RougeScorer

        scorer = RougeScorer([theirs])
        expected = [scorer.score_multi(r, h)[theirs].fmeasure for h, r in zip(HYPOTHESES, REFERENCES, strict=True)]
        metric, rows = totals(name)
        assert rows[:, 0].tolist() == expected
        assert metric.score(rows.sum(0))[0] == pytest.approx(np.mean(expected))

    def test_chinese_is_cut_into_characters(self):
        kind = Text(tokenize="zh")
        items = [Example("1", {"s": "x"}, json.dumps(["利润增长12%"]))]
        said = [Prediction("1", "利润下降12%")]
        metric, rows = totals("rouge1", kind, items, said)
        assert Characters().tokenize("利润增长12% Ltd") == ["利", "润", "增", "长", "12", "ltd"]
        assert metric.score(rows.sum(0))[0] == pytest.approx(3 / 5)
        assert totals("rouge1", KIND, items, said)[1][0, 0] == 1  # the package's own tokenizer sees "12" alone
        assert "tokenizer:characters" in metric.signature

    def test_lengths(self):
        metric, rows = totals("length-ratio")
        # In tokens of 13a: 7 + 8 + 0 + 5 of the nearest 7 + 7 + 4 + 5 (of two as near, the shorter).
        assert metric.score(rows.sum(0))[0] == pytest.approx(20 / 23)

    @settings(max_examples=25, deadline=None)
    @given(st.lists(st.integers(0, 3), min_size=1, max_size=8))
    def test_any_draw_of_items_is_scored_from_its_totals(self, draw):
        from sacrebleu.metrics import BLEU

        streams = [[REFERENCES[i][k] if k < len(REFERENCES[i]) else None for i in draw] for k in range(3)]
        metric, rows = totals("bleu")
        expected = BLEU().corpus_score([HYPOTHESES[i] for i in draw], streams).score
        assert metric.score(rows[draw].sum(0))[0] == pytest.approx(expected)

    @pytest.mark.parametrize("name", ["bleu", "chrf", "length-ratio"])
    def test_a_thousand_items_and_five_hundred_draws_of_them(self, name):
        metric, rows = totals(name, items=ITEMS * 250, said=SAID * 250)
        drawn = np.random.default_rng(0).multinomial(1000, [1e-3] * 1000, size=500) @ rows
        scores = metric.score(drawn)
        assert scores.shape == (500, 1)
        assert scores[:, 0].tolist() == [metric.score(each)[0] for each in drawn]

    def test_an_items_own_score_is_its_chrf(self):
        assert KIND.right(ITEMS[3], "a b c d e") == 1
        assert 0 < KIND.right(ITEMS[0], "The cat") < 1
        assert KIND.right(ITEMS[0], None) == 0


def test_baselines_that_copy():
    text = "Acme sold its mill. The price was USD 4 million. Staff stay on. The mill is old."
    train = [
        Example("a", {"p": "Bolt sold a ship."}, '["Bolt sells ship for USD 9 million."]'),
        Example("b", {"p": text}, '["Mill sold."]'),
    ]
    item = Example("q", {"p": text + " Nothing else is known."}, '["x"]')
    assert next(Copy(KIND).fit(train).predict([item])).output == item.inputs["p"]
    assert next(Lead(KIND, sentences=2).predict([item])).output == "Acme sold its mill. The price was USD 4 million."
    assert next(Nearest(KIND).fit(train).predict([item])).output == "Mill sold."
    assert next(Extract(KIND).fit(train).predict([item])).output in text
