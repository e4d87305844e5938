"""The engine that exists for measuring: its answers repeat, and nothing is computed."""

import json
import shutil

import pytest
from click.testing import CliRunner

from harness.cli import main
from harness.engines import create
from harness.engines.null import TAIL
from harness.errors import InputError
from harness.models.checkpoint import Model
from harness.prompt.encode import Encoder
from harness.study import grid
from harness.types import Message, Request, Sampling

CHOICES = ((5,), (6, 7), (6, 8), (9, 10, 11))


def scores(requests):
    return {answer.key: answer.choice_logprobs for answer in create("null", "tiny").score(requests)}


def test_scores_repeat_and_do_not_depend_on_company():
    requests = [Request(str(i), (0, *range(3, 5 + i)), CHOICES) for i in range(20)]
    whole = scores(requests)
    assert scores(requests[::-1]) == whole
    assert scores(requests[7:8]) == {"7": whole["7"]}


def test_scores_are_log_probabilities_that_differ_by_prompt_and_choice():
    prompts = [(0, *([i % 3] * i), i, *([1] * (TAIL - 1))) for i in range(200)]
    found = scores([Request(str(i), prompt, CHOICES) for i, prompt in enumerate(prompts)])
    rows = list(found.values())
    assert [len(choice) for choice in rows[0]] == [1, 2, 2, 3]
    assert all(-8 < token < 0 for row in rows for choice in row for token in choice)
    assert len(set(rows)) == len(rows)
    assert all(len(set(row)) == len(CHOICES) for row in rows)
    best = [max(range(len(CHOICES)), key=lambda i: sum(row[i]) / len(row[i])) for row in rows]
    assert set(best) == set(range(len(CHOICES)))


def test_nothing_is_computed_and_no_weights_are_loaded(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llama", "max_position_embeddings": 77}))
    engine = create("null", str(tmp_path))
    assert engine.max_length == 77
    (answer,) = engine.score([Request("a", (0, 1, 2), ((5,), (6, 7)))])
    assert (answer.usage.submitted, answer.usage.computed, answer.usage.generated) == (9, 0, 0)
    one, two = engine.generate([Request(key, (0, 1), None, Sampling()) for key in "ab"])
    assert one.text == two.text
    assert one.text
    assert (one.usage.computed, one.usage.generated) == (0, 0)


def test_it_reads_prompts_as_the_model_does():
    engine, model = create("null", "tiny"), Model("tiny")
    assert engine.max_length == model.max_length
    texts = ["Profit rose.", "", "<s> Ærø\n\nText:  two", "日本 €5&nbsp;m — 3\u200b%"]
    assert Encoder(engine.tokenizer).tokens(texts) == Encoder(model.tokenizer).tokens(texts)
    chat = (Message("system", "Answer."), Message("user", "Profit rose."))
    assert engine.tokenizer.decode([40, 41]) == model.tokenizer.decode([40, 41])
    assert Encoder(engine.tokenizer).text(chat) == Encoder(model.tokenizer).text(chat)


def test_a_model_that_is_not_there_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match=r"config\.json"):
        create("null", str(tmp_path)).max_length  # noqa: B018
    with pytest.raises(InputError, match=r"tokenizer\.json is missing"):
        create("null", str(tmp_path)).tokenizer  # noqa: B018


def test_a_run_says_that_no_model_answered(home, finsentiment):
    done = CliRunner().invoke(
        main, ["run", "--task", "finsentiment", "--shots", "5", "--engine", "null", "--format", "json"]
    )
    assert done.exit_code == 0, done.stderr
    (row,) = json.loads(done.stdout)
    assert row["usage"]["computed_tokens"] == 0 < row["usage"]["trie_tokens"]
    assert "engine:null" in row["signature"]
    (again, _), *_ = grid.run(finsentiment, grid.Spec(shots=(5,)), [create("null", "tiny")], home / "afresh")
    assert again.scores["accuracy"][0] == row["metrics"]["accuracy"]["value"]
    assert len({prediction.output for prediction in again.predictions}) == 3


TOKENIZER = [b"", b"{}", b"[]", b"{not json", b"\xff\xfe", b'{"version": "1.0", "model": {"type": "Nonsense"}}']


@pytest.mark.parametrize("damage", TOKENIZER)
def test_a_damaged_tokenizer_is_one_paragraph(home, damage):
    shutil.copytree(Model("tiny").path, home / "copy")
    (home / "copy" / "tokenizer.json").write_bytes(damage)
    command = ["run", "--task", "finsentiment", "--limit", "3", "--engine", "null", "--model", "copy"]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 2, done.output
    assert "copy/tokenizer.json is damaged: " in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", ["tokenizer_config.json", "config.json"])
@pytest.mark.parametrize("damage", [b"", b"[]", b"{", b"\xff", b'{"bos_token": 7, "max_position_embeddings": "many"}'])
def test_a_damaged_configuration_is_one_paragraph(home, name, damage):
    shutil.copytree(Model("tiny").path, home / "copy")
    (home / "copy" / name).write_bytes(damage)
    command = ["run", "--task", "finsentiment", "--limit", "3", "--engine", "null", "--model", "copy"]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 2, done.output
    assert done.stderr.startswith("harness: model 'copy'")
    assert f"copy/{name} {'does not' if b':' in damage else 'is damaged: '}" in done.stderr


def test_what_only_transformers_finds_damaged_is_told_when_it_is_asked(tmp_path):
    shutil.copytree(Model("tiny").path, tmp_path / "copy")
    path = tmp_path / "copy" / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "added_tokens_decoder": {"x": 3}}))
    tokenizer = create("null", str(tmp_path / "copy")).tokenizer
    assert tokenizer(["a"])["input_ids"]
    with pytest.raises(InputError, match="its tokenizer cannot be loaded"):
        tokenizer.decode([40])


MODELS = (("--engine", "null"), ("--engine", "transformers"))


def test_a_prompt_is_shown_with_its_counts(home):
    shown = [CliRunner().invoke(main, ["show", "--task", "finsentiment", "--shots", "2", *more]) for more in MODELS]
    assert [done.exit_code for done in shown] == [0, 0], shown[0].output
    assert shown[0].stdout == shown[1].stdout
