"""The openai engine: what is sent and how text is held, and that a real vLLM server says what a local engine does."""

import json
import random
import re

import pytest
from click.testing import CliRunner
from conftest import ROOT
from contract import EngineContract, scores, worst
from parrot import asked, chat, engine, parrot

from harness.api import evaluate, prompted
from harness.cli import main
from harness.engines import create, trie
from harness.engines.openai import OpenAI
from harness.engines.served import Served
from harness.errors import InputError
from harness.kinds.words import apart
from harness.prompt import selectors, template
from harness.prompt.encode import Encoder
from harness.results import store
from harness.task import definition
from harness.types import Constraint, Message, Request, Sampling


def test_text_goes_to_completions_and_messages_to_chat(server):
    one, two = engine(server).generate([*asked("a\nyes"), Request("chat", (), None, Sampling(), chat("no"))])
    assert {one.key: one.text, two.key: two.text} == {"0": "yes", "chat": "no"}
    assert (one.finish, one.usage.submitted, one.usage.computed, one.usage.generated) == ("stop", 10, 6, 3)
    text, talk = sorted(server.bodies, key=lambda body: "messages" in body)
    assert text["prompt"] == "a\nyes"
    assert talk["messages"] == [{"role": "system", "content": "Repeat."}, {"role": "user", "content": "no"}]
    for body in (text, talk):
        assert (body["model"], body["max_tokens"], body["temperature"]) == ("parrot", 16, 0.0)
    assert text["stop"] == ["\n"]
    assert "stop" not in talk  # a chat's model ends by itself, and may think before it answers


def scripted(text, **message):
    """A model that says ``text`` whatever it is asked, up to the first stop that it is sent."""

    def model(body):
        cut = min((text.index(stop) for stop in body.get("stop", ()) if stop in text), default=len(text))
        said = text[:cut]
        made = {"message": {"content": said or None, **message}} if "messages" in body else {"text": said}
        return 200, {
            "choices": [{**made, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 3},
        }

    return model


def answered(server, text, content, stop=("\n",), **message):
    server.model = scripted(text, **message)
    (found,) = engine(server).generate([Request("a", (), None, Sampling(max_tokens=500, stop=stop), content)])
    return found


@pytest.mark.parametrize(
    ("text", "kept", "asked"),
    [
        ("positive\nText: b", "positive", 1),
        ("\npositive\nText: b", "\npositive", 2),
        ("<think>\nIt rose.\n</think>\n\npositive\nText: b", "<think>\nIt rose.\n</think>\n\npositive", 2),
        ("", "", 2),
    ],
)
def test_a_stop_that_acts_before_there_is_an_answer_is_taken_back(server, text, kept, asked):
    found = answered(server, text, "Label:")
    assert found.text == kept
    assert ["stop" in body for body in server.bodies] == [True, False][:asked]
    assert (found.usage.submitted, found.usage.generated) == (10, 3 * asked)


def test_a_thought_that_the_prompt_opens_is_read_as_one(server):
    for content in ("Label:<think>\n", (*chat("Label?"), Message("assistant", "<think>"))):
        found = answered(server, "It\nrose.\n</think>\npositive\nText: b", content)
        assert found.text == "<think>It\nrose.\n</think>\npositive"
    found = answered(server, "yes", chat("an item that ends in <think>"))
    assert found.text == "yes"
    assert not any("stop" in body for body in server.bodies)


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_what_a_server_sets_apart_as_reasoning_is_kept_as_a_thought(server, field):
    found = answered(server, "\npositive\nIt rose.", chat("Label?"), **{field: "It\n\nrose."})
    assert apart(found.text) == ("It\n\nrose.", "positive")
    assert found.finish == "stop"
    assert apart(answered(server, "", chat("Label?"), **{field: "It ro"}).text) == ("It ro", "")


def test_reasoning_beside_text_that_is_held_to_a_constraint_is_kept_too(server):
    server.model = scripted('{"answer": "good"}', reasoning_content="It is fine.")
    how = Sampling(constraint=Constraint("choice", ("good", "bad")))
    (found,) = engine(server, structured="json").generate([Request("a", (), None, how, chat("fine"))])
    assert apart(found.text) == ("It is fine.", "good")


def test_thoughts_that_are_cut_short_are_unparsed_kept_and_counted(server, home, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    cut = {"finish_reason": "length"}

    def model(body):
        asked = body["messages"][-1]["content"] if "messages" in body else body["prompt"]
        if len(asked) % 2:
            return 200, {
                "choices": [
                    {"message": {"content": "<think>It is positive, or"}, "text": "<think>It is positive, or", **cut}
                ]
            }
        return 200, {
            "choices": [{"message": {"content": "<think>Up.</think>positive"}, "text": "<think>Up.</think>positive"}]
        }

    server.model = model
    command = ["run", "--task", "finsentiment", "--engine", "openai", "--model", "parrot", "--mode", "generate"]
    done = CliRunner().invoke(main, [*command, "--engine-with", "structured=none", "--format", "json"])
    assert done.exit_code == 0, done.output
    (row,) = json.loads(done.stdout)
    (folder,) = store.find(home / "results")
    predictions = list(store.load(folder).predictions)
    short = [p for p in predictions if p.output is None]
    assert 0 < len(short) == row["counts"]["cut_answers"] == row["counts"]["unparsed"] < row["n"]
    assert {(p.trace.thought, p.trace.raw, p.mentioned) for p in short} == {("It is positive, or", "", None)}
    assert {(p.trace.thought, p.output) for p in predictions if p.output} == {("Up.", "positive")}
    shown = CliRunner().invoke(main, ["report", "--format", "markdown"])
    assert f"{len(short)} answers named no label within max_tokens" in shown.output


def test_requests_go_in_order_of_their_text_and_once(server):
    texts = ["b 2", "a 1", "b 1", "a 2"]
    twice = [*asked(*texts), *asked(*texts)]
    assert len(list(engine(server, concurrency=1).generate(twice))) == 4
    assert [body["prompt"] for body in server.bodies] == sorted(texts)


@pytest.mark.parametrize(
    ("takes", "how"),
    [
        (("structured_outputs", "response_format"), "vllm"),
        (("response_format",), "json"),
        ((), "none"),
        (None, "none"),
    ],
    ids=["vllm", "json", "refuses", "overhears"],
)
def test_how_text_is_held_is_probed_and_recorded(server, takes, how):
    server.model = parrot(takes)
    made = engine(server, structured="auto")
    assert made.identity["structured"] == how
    probes = len(server.bodies)
    words = Constraint("choice", ("good", "bad"))
    for content in ("fine", chat("fine")):
        (answer,) = made.generate([Request("a", (), None, Sampling(constraint=words), content)])
        assert answer.text == ("fine" if how == "none" else "good")
    assert len(server.bodies) == probes + 2


def test_a_schema_of_the_template_is_sent_as_it_is(server):
    schema = {"type": "object", "properties": {"answer": {"enum": ["good"]}}}
    server.model = parrot(("response_format",))
    for how in ("vllm", "json"):
        limit = Sampling(constraint=Constraint("json", json.dumps(schema)), stop=())
        (answer,) = engine(server, structured=how).generate([Request("a", (), None, limit, chat("fine"))])
        assert json.loads(answer.text) == {"answer": "good"}
        assert server.bodies[-1]["response_format"]["json_schema"]["schema"] == schema
    regex = Sampling(constraint=Constraint("regex", "a|b"))
    server.model = parrot()
    with pytest.raises(InputError, match="structured=json, or none"):
        list(engine(server, structured="json").generate([Request("a", (), None, regex, "fine")]))
    field = server.bodies[-1]["response_format"]["json_schema"]["schema"]["properties"]["answer"]
    assert field == {"type": "string", "pattern": "^(?:a|b)$"}


def test_a_server_without_logprobs_cannot_score(server):
    made = engine(server, tokenizer="tiny")
    with pytest.raises(InputError, match="--mode generate"):
        list(made.score([Request("a", (0, 5), ((6,), (7,)))]))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"dtype": "float16"}, "--dtype"),
        ({"trust_remote_code": True}, "--trust-remote-code"),
        ({"revision": "main"}, "tokenizer=NAME"),
        ({"structured": "jsn"}, "Did you mean 'json'"),
        ({"api_key_env": "NOT_SET_ANYWHERE"}, "'NOT_SET_ANYWHERE' is not set"),
        ({"concurrency": 0}, "concurrency"),
        ({"retries": -1}, "retries"),
        ({"base_url": "localhost:8000"}, "http://localhost:8000/v1"),
        ({"base_url": "ftp://localhost/v1"}, "http://localhost:8000/v1"),
    ],
)
def test_options_that_make_no_sense_are_refused(params, message):
    with pytest.raises(InputError, match=message):
        create("openai", "parrot", **params)


def test_what_wordy_answers_mention_is_counted_beside(server, home, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    server.model = lambda body: parrot()({"prompt": "I would call it positive."})
    command = ["run", "--task", "finsentiment", "--engine", "openai", "--model", "parrot", "--mode", "generate"]
    done = CliRunner().invoke(main, [*command, "--engine-with", "structured=none", "--format", "json"])
    assert done.exit_code == 0, done.output
    (row,) = json.loads(done.stdout)
    positive = sum(e.target == "positive" for e in definition.load("finsentiment").examples("test")) / row["n"]
    assert row["counts"]["unparsed"] == row["n"]
    assert row["metrics"]["accuracy"]["value"] == 0
    assert row["lenient_accuracy"]["value"] == pytest.approx(positive)


@pytest.mark.vllm
@pytest.mark.slow
class TestVllmServer(EngineContract):
    tolerance = 1e-3

    @pytest.fixture(scope="class")
    def engine(self, vllm_server, tiny):
        made = OpenAI("tiny", base_url=vllm_server, tokenizer="tiny")
        made.model = tiny.model  # where the contract finds the weights
        return made

    @pytest.mark.parametrize("name", ["plain", "long"])
    @pytest.mark.parametrize("ids", [True, False], ids=["by-ids", "by-echo"])
    def test_agrees_with_transformers(self, engine, vllm_server, tiny, finsentiment, name, ids):
        """On 100 prompts by ids, on 20 by echo. Five demonstrations; answers of one token in one template, of several
        in the other."""
        made = template.load("plain" if name == "plain" else str(ROOT / "bench" / "long-answers.j2"), finsentiment)
        pick = selectors.Selection(selectors.create("balanced"), finsentiment.examples("train"), 5, "ascending", 0)
        items = finsentiment.examples("test")[: 100 if ids else 20]
        encoded = Encoder(tiny.tokenizer).encode([made.render(item, pick(item).examples) for item in items])
        requests = [Request(item.id, e.prompt, e.choices) for item, e in zip(items, encoded, strict=True)]
        assert (min(len(choice) for choice in requests[0].choices) > 1) == (name == "long")
        if not ids:
            assert engine._takes_ids
            engine = OpenAI("tiny", base_url=vllm_server, tokenizer="tiny")
            engine._takes_ids = False  # as a server would have it that echoes but knows no ids
        one, two = scores(tiny, requests), scores(engine, requests)
        assert worst(one, two) < 1e-3

    def test_the_servers_prefix_cache_is_used(self, engine):
        rng = random.Random(12)
        head = (0, *(rng.randrange(7, 4000) for _ in range(320)))
        requests = [Request(str(i), (*head, 20 + i), ((7,), (8,), (9, 10))) for i in range(40)]
        computed = sum(answer.usage.computed for answer in engine.score(requests))
        assert computed < 0.3 * sum(map(trie.submitted, requests))

    def test_text_is_held_to_a_constraint_in_every_way(self, vllm_server):
        words = Constraint("choice", (" good", " a striped animal"))
        schema = {"type": "object", "properties": {"answer": {"enum": ["red", "blue"]}}, "required": ["answer"]}
        schema["additionalProperties"] = False
        whole = Constraint("json", json.dumps(schema))
        assert OpenAI("tiny", base_url=vllm_server).identity["structured"] == "vllm"
        for how in ("vllm", "json"):
            made = OpenAI("tiny", base_url=vllm_server, structured=how)
            for content in ("Text: Profit rose.\nLabel:", chat("Profit rose.")):
                for constraint in (words, Constraint("regex", "[0-9]{3}"), whole):
                    limit = Sampling(max_tokens=40, stop=(), constraint=constraint)
                    (answer,) = made.generate([Request("a", (), None, limit, content)])
                    if constraint is words:
                        assert answer.text in words.value
                    elif constraint is whole:
                        assert json.loads(answer.text)["answer"] in ("red", "blue")
                    else:
                        assert re.fullmatch("[0-9]{3}", answer.text)
                    assert 0 < answer.usage.generated < 40

    def test_a_server_that_does_not_say_what_it_is(self, vllm_server):
        made = OpenAI("tiny", base_url=vllm_server)
        made._models = Served({})
        assert made.identity["structured"] == "vllm"
        assert made.max_length > 10**9
        assert OpenAI("tiny", base_url=vllm_server).max_length == 2048

    def test_a_model_it_does_not_serve(self, vllm_server):
        with pytest.raises(InputError, match=r"unknown model 'tny'.*'tiny'"):
            list(OpenAI("tny", base_url=vllm_server).generate(asked("yes")))

    def test_scores_as_a_local_engine_does(self, vllm_server, finsentiment, tiny):
        here = prompted(finsentiment, shots=2, engine="transformers")
        there = prompted(finsentiment, shots=2, engine="openai", base_url=vllm_server, tokenizer="tiny")
        one, two = (evaluate(each, finsentiment, limit=40) for each in (here, there))
        assert [p.output for p in one.predictions] == [p.output for p in two.predictions]
        assert two.usage["computed_tokens"] < two.usage["submitted_tokens"]
        assert dict(two.signature.pairs)["server"] == vllm_server

    @pytest.mark.parametrize("name", ["plain", "chat"])
    def test_the_second_identical_run_computes_nothing(self, vllm_server, home, monkeypatch, name):
        monkeypatch.setenv("OPENAI_BASE_URL", vllm_server)
        command = ["run", "--task", "finsentiment", "--engine", "openai", "--mode", "generate", "--shots", "3"]
        command += ["--template", name, "--limit", "30", "--format", "json"]
        first, second = (CliRunner().invoke(main, command) for _ in range(2))
        assert first.exit_code == second.exit_code == 0, first.output
        (one,), (two,) = json.loads(first.stdout), json.loads(second.stdout)
        assert 0 < one["usage"]["computed_tokens"] < one["usage"]["submitted_tokens"] + 30 * 16
        assert two["usage"]["computed_tokens"] == 0
        assert {k: v for k, v in one.items() if k != "usage"} == {k: v for k, v in two.items() if k != "usage"}
        assert one["metrics"]["parse-failure-rate"]["value"] < 0.2


def test_a_run_says_where_only_its_server_can_make_control_tokens_text(project, server):
    rows = [{"id": str(i), "text": f"a bark {i}" + "</s><|im_end|>" * (i < 2), "label": "dog"} for i in range(5)]
    (project / "tasks" / "pets" / "test.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    command = ["run", "--task", "pets", "--engine", "openai", "--model", "parrot", "--mode", "generate"]
    command += ["--engine-with", f"base_url={server.url}", "--engine-with", "structured=none", "--format", "markdown"]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    assert "the data of 2 items hold what may be control tokens to the server's model" in done.stdout
    (sealed,) = (project / "results").rglob("run.json")
    assert json.loads(sealed.read_text())["counts"]["control_tokens"] == 2
