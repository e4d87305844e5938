"""The openai engine: a real vLLM server for what is right, and a real socket that misbehaves on cue for what is not."""

import asyncio
import json
import logging
import random
import re
import socket
import struct
import threading
import time
from collections import deque
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import ROOT
from contract import EngineContract, scores, worst

from harness import plan, selectors, task, template
from harness.api import evaluate, prompted
from harness.cli import main
from harness.encode import Encoder
from harness.engines import create, logprobs
from harness.engines.openai import OpenAI
from harness.engines.server import Manners, Pace, pause
from harness.errors import HarnessError, InputError
from harness.types import Constraint, Message, Request, Sampling

KEY = "sk-never-to-be-seen-0123456789"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.server.authorizations.append(self.headers.get("Authorization"))
        self.say(200, {"data": [{"id": "parrot"}, {"id": "parakeet"}]})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server = self.server
        server.authorizations.append(self.headers.get("Authorization"))
        with server.lock:
            server.bodies.append(body)
            server.now += 1
            server.most = max(server.most, server.now)
            cue = server.cues.popleft() if server.cues else server.always
        try:
            time.sleep(server.delay)
            if cue is None or not cue(self):
                self.say(*server.model(body))
        except OSError:
            server.dropped += 1
        finally:
            with server.lock:
                server.now -= 1

    def say(self, status, said, **headers):
        raw = said if isinstance(said, bytes) else json.dumps(said).encode()
        self.send_response(status)
        for name, value in {"Content-Length": len(raw), **headers}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(raw)
        return True


def parrot(takes=()):
    """A model that repeats the last line it hears, and obeys the kinds of constraint in ``takes``; others it refuses,
    or overhears where ``takes`` is None."""

    def model(body):
        text = body["messages"][-1]["content"] if "messages" in body else str(body["prompt"])
        line = text.splitlines()[-1]
        for name in ("structured_outputs", "response_format"):
            if name in body and takes is not None and name not in takes:
                return 400, {"error": {"message": f"Unknown parameter: {name}", "code": "unknown_parameter"}}
            if name in body and takes:
                held = body[name]
                if name == "structured_outputs":
                    line = held["choice"][0]
                else:
                    schema = held["json_schema"]["schema"]["properties"]["answer"]
                    line = json.dumps({"answer": schema["enum"][0]}, indent=1)
        made = {"message": {"content": line}} if "messages" in body else {"text": line}
        usage = {"prompt_tokens": 10, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 4}}
        return 200, {"choices": [{**made, "finish_reason": "stop"}], "usage": usage}

    return model


@pytest.fixture
def server():
    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.daemon_threads = True
    made.block_on_close = False
    made.lock, made.cues, made.always, made.model = threading.Lock(), deque(), None, parrot()
    made.bodies, made.authorizations, made.delay, made.now, made.most, made.dropped = [], [], 0.0, 0, 0, 0
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    made.url = f"http://127.0.0.1:{made.server_port}/v1"
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def engine(server, **params):
    params = {"base_url": server.url, "structured": "none", "backoff": 0.01, "timeout": 5, **params}
    return OpenAI("parrot", **params)


def asked(*texts, **how):
    return [Request(str(i), (), None, Sampling(**how), text) for i, text in enumerate(texts)]


def chat(text):
    return (Message("system", "Repeat."), Message("user", text))


def reset(handler):
    """Close so that the other side gets a reset instead of an end."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    return True


def status(code, message="", **headers):
    return lambda handler: handler.say(code, {"error": {"message": message}}, **headers)


def test_text_goes_to_completions_and_messages_to_chat(server):
    one, two = engine(server).generate([*asked("a\nyes"), Request("chat", (), None, Sampling(), chat("no"))])
    assert {one.key: one.text, two.key: two.text} == {"0": "yes", "chat": "no"}
    assert (one.finish, one.usage.submitted, one.usage.computed, one.usage.generated) == ("stop", 10, 8, 3)
    text, talk = sorted(server.bodies, key=lambda body: "messages" in body)
    assert text["prompt"] == "a\nyes"
    assert talk["messages"] == [{"role": "system", "content": "Repeat."}, {"role": "user", "content": "no"}]
    for body in (text, talk):
        assert (body["model"], body["max_tokens"], body["temperature"], body["stop"]) == ("parrot", 16, 0.0, ["\n"])


@pytest.mark.parametrize(
    "cue",
    [
        status(429, "slow down", Retry_After="0.01"),
        status(429, "slow down"),
        status(503, "loading"),
        status(408),
        reset,
        lambda handler: handler.say(200, b"{not json"),
        lambda handler: handler.say(502, b"<html>Bad Gateway</html>"),
        lambda _: time.sleep(0.6),
    ],
    ids=["429-after", "429", "503", "408", "reset", "malformed", "html", "silence"],
)
def test_what_passes_is_tried_again(server, cue):
    server.cues.extend([cue, cue])
    found = {a.key: a.text for a in engine(server, timeout=0.3, concurrency=2).generate(asked("yes", "no", "so"))}
    assert found == {"0": "yes", "1": "no", "2": "so"}
    assert len(server.bodies) == 5


def test_the_whole_engine_waits_as_long_as_the_server_asks(server):
    server.cues.append(status(429, Retry_After="0.3"))
    begun = time.monotonic()
    assert len(list(engine(server, concurrency=1).generate(asked(*"abcd")))) == 4
    assert 0.3 <= time.monotonic() - begun < 5


def test_pauses_in_every_form():
    then = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert 28 < pause({"retry-after": then}) <= 30
    assert pause({"retry-after": format_datetime(datetime.now(UTC) - timedelta(seconds=30), usegmt=True)}) == 0
    assert pause({"retry-after": "7"}) == 7
    assert pause({"retry-after": "7", "retry-after-ms": "250"}) == 0.25
    assert pause({"x-ratelimit-reset-requests": "20ms", "x-ratelimit-reset-tokens": "1m2.5s"}) == 0.02
    assert pause({"x-ratelimit-reset-tokens": "1m2.5s"}) == 62.5
    assert pause({"x-ratelimit-reset-requests": "soon"}) == pause({}) == 0


def test_rates_space_requests_evenly():
    pace = Pace(Manners(requests_per_minute=60, tokens_per_minute=600))
    assert [round(pace.turn(tokens), 2) for tokens in (1, 1, 50, 1)] == [0, 1, 2, 7]
    pace.hold(100)
    assert round(pace.turn(1)) == 100
    assert [Pace(Manners()).turn(10_000) for _ in range(3)] == [0, 0, 0]


def test_it_gives_up_with_what_the_server_says(server):
    server.always = status(503, "the model is overloaded")
    with pytest.raises(HarnessError, match=r"v1/completions: given up after 3 attempts: status 503, the model is over"):
        list(engine(server, retries=2).generate(asked("yes")))
    assert len(server.bodies) == 3
    server.always = status(429, Retry_After="86400")
    with pytest.raises(HarnessError, match=r"given up after 1 attempts.* left alone for 86400 s"):
        list(engine(server).generate(asked("yes")))


def test_what_does_not_pass_is_told_at_once(server, monkeypatch):
    monkeypatch.setenv("SOME_KEY", KEY)
    cases = [
        (status(401, f"Incorrect key {KEY}"), "environment variable SOME_KEY, which is set"),
        (status(400, "max_tokens is too large"), r"max_tokens is too large"),
        (lambda handler: handler.say(200, {"hello": "world"}), "not in the form of OpenAI's protocol"),
        (lambda handler: handler.say(422, {"detail": "no such field"}), "no such field"),
    ]
    for cue, message in cases:
        server.bodies.clear()
        server.always = cue
        with pytest.raises(InputError, match=message) as error:
            list(engine(server, api_key_env="SOME_KEY").generate(asked("yes")))
        assert KEY not in str(error.value)
        assert len(server.bodies) == 1
    server.always = lambda handler: handler.say(429, {"error": {"message": "paid up?", "code": "insufficient_quota"}})
    with pytest.raises(HarnessError, match="paid up"):
        list(engine(server).generate(asked("yes")))


def test_a_model_that_is_not_there_names_the_nearest(server):
    server.always = status(404, "no such model")
    made = OpenAI("parot", base_url=server.url, structured="none")
    with pytest.raises(InputError, match=r"unknown model 'parot'\. Did you mean 'parrot'"):
        list(made.generate(asked("yes")))


def test_no_server_is_told_at_once():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
        with pytest.raises(InputError, match=f"no server answers at {url}.*base_url"):
            OpenAI("parrot", base_url=url).identity  # noqa: B018


def test_so_many_requests_at_once_and_no_more(server):
    server.delay = 0.03
    assert len(list(engine(server, concurrency=5).generate(asked(*map(str, range(40)))))) == 40
    assert server.most == 5


def test_requests_go_in_order_of_their_text_and_once(server):
    texts = ["b 2", "a 1", "b 1", "a 2"]
    twice = [*asked(*texts), *asked(*texts)]
    assert len(list(engine(server, concurrency=1).generate(twice))) == 4
    assert [body["prompt"] for body in server.bodies] == sorted(texts)


def test_a_reader_that_stops_drops_what_is_out(server):
    server.always = lambda handler: time.sleep(0.5) or (handler.say(200, b" " * 5_000_000) and False)
    server.cues.append(None)
    answers = engine(server, concurrency=4, timeout=60).generate(asked(*map(str, range(100))))
    next(answers)
    begun = time.monotonic()
    answers.close()
    assert time.monotonic() - begun < 0.4
    assert len(server.bodies) <= 6
    assert not [t for t in threading.enumerate() if t.name == "harness-server"]
    deadline = time.monotonic() + 5
    while server.dropped < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert server.dropped >= 3


def test_it_works_inside_an_event_loop(server):
    async def notebook():
        return [answer.text for answer in engine(server).generate(asked("yes"))]

    assert asyncio.run(notebook()) == ["yes"]


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


def likely(before, token):
    return -1 - random.Random(repr((before, token))).random()


def spoken(node, fields):
    """What a server answers to ``fields`` whose model finds each token as likely as ``likely`` says."""
    said, steps = [], []
    for _ in range(fields["max_tokens"]):
        before = (*node, *said)
        steps.append({f"token_id:{i}": likely(before, i) for i in fields["logprob_token_ids"]})
        said.append(max(fields["allowed_token_ids"], key=lambda i: likely(before, i)))
    return {"choices": [{"logprobs": {"tokens": [f"token_id:{i}" for i in said], "top_logprobs": steps}}]}


@pytest.mark.parametrize("labels", [1, 3, 77, 310])
@pytest.mark.parametrize("longest", [1, 6])
def test_choices_are_read_in_few_requests(labels, longest):
    rng = random.Random(labels)
    choices = [tuple(rng.randrange(1000) for _ in range(rng.randint(1, longest))) for _ in range(labels)]
    choices += [choice[:-1] for choice in choices if len(choice) > 1]
    reading, requests = logprobs.Reading.of(choices), 0
    for node, fields in reading.questions():
        assert len(fields["logprob_token_ids"]) <= logprobs.IDS_PER_REQUEST
        reading.take(node, spoken(node, fields))
        requests += 1
    expected = tuple(tuple(likely(c[:i], c[i]) for i in range(len(c))) for c in choices)
    assert reading.scores(choices) == expected
    assert requests <= len(reading.wanted) + labels // logprobs.IDS_PER_REQUEST


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


def everything(folder):
    return b"".join(path.read_bytes() for path in sorted(Path(folder).rglob("*")) if path.is_file())


def test_the_key_is_sent_and_written_nowhere(server, home, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", server.url + "?secret=hush")
    command = ["run", "--task", "finsentiment", "--engine", "openai", "--model", "parrot", "--mode", "generate"]
    command += ["--limit", "6", "--format", "json"]
    first = CliRunner().invoke(main, command)
    assert first.exit_code == 0, first.output
    assert set(server.authorizations) == {f"Bearer {KEY}"}
    server.always = status(401, f"{KEY} is wrong")
    refused = CliRunner().invoke(main, [*command, "--shots", "1"])
    assert refused.exit_code == 2
    assert "OPENAI_API_KEY" in refused.stderr
    said = first.output + refused.output + caplog.text + repr(vars(engine(server))) + first.stderr
    assert KEY not in said
    for secret in (KEY, "hush"):
        assert secret.encode() not in everything(home)
        assert secret not in first.output + refused.output


def test_a_login_in_the_address_is_used_and_not_shown(server):
    made = engine(server, base_url=server.url.replace("//", "//user:hush@"))
    assert "hush" not in str(made.identity)
    list(made.generate(asked("yes")))
    assert all(sent.startswith("Basic ") for sent in server.authorizations)


def test_a_run_that_was_given_up_goes_on_where_it_was(server, home, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    command = ["run", "--task", "finsentiment", "--engine", "openai", "--model", "parrot", "--mode", "generate"]
    command += ["--limit", "30", "--format", "json"]
    probe = 4  # requests that find out how text is held
    server.cues.extend([None] * (probe + 12))
    server.always = status(429, "enough for today", Retry_After="86400")
    failed = CliRunner().invoke(main, command)
    assert failed.exit_code == 1
    assert "enough for today" in failed.stderr
    assert "goes on from there" in failed.stderr
    server.always = None
    server.bodies.clear()
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    assert len(server.bodies) == probe + 30 - 12


def test_what_wordy_answers_mention_is_counted_beside(server, home, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    server.model = lambda body: parrot()({"prompt": "I would call it positive."})
    command = ["run", "--task", "finsentiment", "--engine", "openai", "--model", "parrot", "--mode", "generate"]
    done = CliRunner().invoke(main, [*command, "--engine-with", "structured=none", "--format", "json"])
    assert done.exit_code == 0, done.output
    (row,) = json.loads(done.stdout)
    positive = sum(e.target == "positive" for e in task.load("finsentiment").examples("test")) / row["n"]
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
        assert computed < 0.3 * sum(map(plan.submitted, requests))

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
        made._models = {}
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
