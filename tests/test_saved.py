"""Saved baselines that were changed, damaged, or can no longer be written."""

import json
import math
import os
import subprocess
import sys
from contextlib import suppress
from functools import reduce
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from runs import run

from harness.errors import InputError
from harness.gate import saved
from harness.gate.question import Question, question_of
from harness.results import checksum

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
ASK = {"model": "tiny", "shots": 5, "seeds": [0, 1]}


def write(path, unparsed=3):
    runs = [run("p", n=30, seed=seed, draw=seed, clusters=3, unparsed=unparsed, mentioned="target") for seed in (0, 1)]
    saved.write(path, ASK, runs, saved.Reading("abc", 12.5))
    return runs


@pytest.fixture
def path(tmp_path):
    write(tmp_path / "plain.baseline.json")
    return tmp_path / "plain.baseline.json"


def sign(document):
    rest = {key: value for key, value in document.items() if key != "checksum"}
    return {**rest, "checksum": checksum.of_document(rest)}


def places(value, path=()):
    """The path to each value in a JSON document, containers included."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield (*path, key)
        yield from places(each, (*path, key))


def replaced(document, path, made):
    """A copy of the document where ``made`` of the value stands at ``path``."""
    whole = json.loads(json.dumps(document))
    holder = reduce(lambda found, key: found[key], path[:-1], whole)
    holder[path[-1]] = made(holder[path[-1]])
    return whole


def edited(value):
    """The value as somebody might change it."""
    if isinstance(value, bool) or value is None:
        return "x"
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, str):
        return value[:-1] if value else "x"
    return [*value, None] if isinstance(value, list) else {**value, "more": 1}


class TestFile:
    def test_reads_back(self, path):
        runs = write(path)
        asked, found, reading = saved.read(path)
        assert (asked, reading) == (ASK, saved.Reading("abc", 12.5))
        assert question_of(path) == Question(shots=5, seeds=[0, 1])
        for one, two in zip(runs, found, strict=True):
            assert [(p.example_id, p.output, p.status) for p in one.predictions] == [
                (p.example_id, p.output, p.status) for p in two.predictions
            ]
            assert one.examples == two.examples
            assert one.signature == two.signature
            assert two.counts == {"unparsed": 3, "failed": 0}

    def test_a_change_by_hand_is_refused_and_another_layout_of_lines_is_not(self, path):
        document = json.loads(path.read_text())
        path.write_text(json.dumps(document, indent=4).replace("\n", "\r\n"))
        assert saved.read(path)[1]
        document["runs"][0]["answers"][5] = ["bad", "ok"]
        path.write_text(json.dumps(document))
        with pytest.raises(InputError, match=r"plain\.baseline\.json: .* changed after it was saved"):
            saved.read(path)

    def test_no_value_can_be_edited(self, path):
        document = json.loads(path.read_text())
        every = list(places(document))
        assert {each[0] for each in every} == document.keys()
        assert len(every) > 300
        for place in every:
            path.write_text(json.dumps(replaced(document, place, edited)))
            with pytest.raises(InputError, match=r"changed after it was saved|layout 3|layout 2\.0"):
                saved.read(path)

    def test_nor_removed(self, path):
        document = json.loads(path.read_text())
        for key in document:
            path.write_text(json.dumps({name: value for name, value in document.items() if name != key}))
            with pytest.raises(InputError, match="harness check --save"):
                saved.read(path)

    def test_layout_1_had_no_checksum_and_is_not_believed(self, path):
        document = json.loads(path.read_text())
        labels = document.pop("kind")["labels"]
        del document["checksum"]
        path.write_text(json.dumps({**document, "version": 1, "labels": labels}))
        with pytest.raises(InputError, match=r"layout 1; this version reads 2\. Save it anew"):
            saved.read(path)

    @settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.data())
    def test_whatever_stands_there_under_its_checksum_is_read_or_refused(self, path, data):
        write(path)
        document = json.loads(path.read_text())
        place = data.draw(st.sampled_from(list(places(document))))
        path.write_text(json.dumps(sign(replaced(document, place, lambda _: data.draw(ANYTHING)))))
        with suppress(InputError):
            question_of(path)

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            (lambda d: d["items"].append(d["items"][0]), "item 'i0' stands there 2 times"),
            (lambda d: d["items"][4].__setitem__(1, "god"), "unknown label 'god'. Did you mean 'good'"),
            (lambda d: d["runs"][1]["answers"][5].__setitem__(0, "bda"), "item 'i5': unknown answer 'bda'"),
            (lambda d: d["runs"][1]["answers"][5].__setitem__(1, "fine"), "runs.1.answers.5"),
            (lambda d: d["runs"][0]["answers"][5].__setitem__(1, "failed"), "item 'i5': status failed with the answer"),
            (lambda d: d["runs"][0]["answers"][5].__setitem__(0, None), "status ok with the answer None"),
            (lambda d: d["runs"][0]["answers"].pop(), "29 answers to 30 items"),
            (lambda d: d["items"].clear(), "items"),
            (lambda d: d["runs"].clear(), "runs"),
            (lambda d: d["items"][0].__setitem__(0, 7), "items.0.0"),
            (lambda d: d["items"][0].pop(), "items.0"),
            (lambda d: d["items"][0].__setitem__(3, {"kind": 1}), "items.0.3"),
            (lambda d: d.update(items={}), "items"),
            (lambda d: d.update(kind="good"), "kind"),
            (lambda d: d.update(task=None), "task"),
            (lambda d: d.update(prompt_tokens="many"), "prompt_tokens"),
            (lambda d: d.update(prompt_tokens=0), "prompt_tokens"),
            (lambda d: d.update(question=[]), "question"),
            (lambda d: d.pop("prompts"), "prompts"),
            (lambda d: d["runs"][0].pop("spec"), "spec"),
            (lambda d: d["runs"][0]["spec"].pop("predictor"), "runs.0.spec.predictor"),
            (lambda d: d["runs"][0]["spec"].update(seed="0"), "runs.0.spec.seed"),
            (lambda d: d["runs"][0]["spec"].update(train_size=3), "runs.0.spec.train_size"),
            (lambda d: d["runs"][0]["signature"].append(["lonely"]), "signature"),
            (lambda d: d.update(more=1), "more"),
        ],
    )
    def test_what_cannot_be_is_one_input_error(self, path, change, said):
        document = json.loads(path.read_text())
        change(document)
        path.write_text(json.dumps(sign(document)))
        with pytest.raises(InputError) as error:
            saved.read(path)
        assert said in str(error.value)
        assert str(path) in str(error.value)

    @pytest.mark.parametrize(
        "text",
        [
            *("", "[]", "null", "3", '"version"', "{", '{"version": 3}', '{"version": []}', '{"version": 2}'),
            *("[" * 100_000, '{"version": 2, "items": ' + "[" * 900 + "]" * 900 + "}", "\ufeff{}"),
            *('{"version": 2, "prompt_tokens": NaN}', '{"version": 2, "prompt_tokens": -Infinity}'),
        ],
    )
    def test_other_documents(self, path, text):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match="harness check --save"):
            saved.read(path)

    def test_what_is_no_text_or_no_file(self, path):
        path.write_bytes(path.read_text().encode("utf-16"))
        with pytest.raises(InputError, match=r"UnicodeDecodeError.*harness check --save"):
            saved.read(path)
        for make in (Path.mkdir, os.mkfifo):
            path.rmdir() if path.is_dir() else path.unlink()
            make(path)
            with pytest.raises(InputError, match="not a file"):  # nor is a pipe waited for
                saved.read(path)

    def test_tokens_that_are_not_known(self, path):
        runs = write(path)
        saved.write(path, ASK, runs, saved.Reading("abc", math.nan))
        assert json.loads(path.read_text())["prompt_tokens"] is None
        assert math.isnan(saved.read(path)[2].tokens)

    @pytest.mark.parametrize(
        "wrong",
        [
            *({"shots": "5"}, {"seeds": "0"}, {"seeds": [0, "x"]}, {"margin": None}, {"limit": 1.5}, {"sots": 5}),
            *({"shots": -1}, {"seeds": []}, {"seeds": [-1]}, {"limit": 0}),
        ],
    )
    def test_a_question_that_cannot_be_asked(self, path, wrong):
        document = json.loads(path.read_text())
        document["question"].update(wrong)
        path.write_text(json.dumps(sign(document)))
        with pytest.raises(InputError, match=next(iter(wrong))):
            question_of(path)

    FULL = """
import resource, signal, sys
from pathlib import Path
from test_saved import write
from harness.errors import HarnessError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (500, resource.RLIM_INFINITY))  # no file longer than that can be written
try:
    write(Path(sys.argv[1]), unparsed=9)
except HarnessError as error:
    print(error)
"""

    def test_where_nothing_more_can_be_written_the_old_one_stays(self, path):
        before = path.read_bytes()
        assert len(before) > 500
        done = subprocess.run([sys.executable, "-c", self.FULL, str(path)], capture_output=True, text=True, check=True)
        assert "cannot be written" in done.stdout
        assert path.read_bytes() == before
        assert [each.name for each in path.parent.iterdir()] == [path.name]  # and nothing lies beside it
