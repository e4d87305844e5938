"""One prompt that a server refuses is an item that failed; one that it refuses as all others is the setup."""

import json

import pytest
from click.testing import CliRunner
from faults import status
from parrot import KEY, asked, chat, engine, heard

from harness.cli import main
from harness.engines.refusals import SETUP
from harness.errors import InputError
from harness.results import store
from harness.task import budgets, definition
from harness.types import Request, Sampling, Status


def run(*args):
    return CliRunner().invoke(main, ["run", "--task", "finsentiment", *args])


REFUSALS = {
    "400": status(400, f"The response was filtered by our content policy. {KEY}"),
    "413": status(413, "the prompt is too large"),
    "422": lambda handler: handler.say(422, {"detail": "this text cannot be processed"}),
    "no choices": lambda handler: handler.say(200, {"choices": [], "usage": None}),
    "null": lambda handler: handler.say(200, {"choices": [{"text": None, "finish_reason": "content_filter"}]}),
    "null in a chat": lambda handler: handler.say(
        200, {"choices": [{"message": {"content": None}, "finish_reason": "content_filter"}]}
    ),
    "error body": lambda handler: handler.say(200, {"error": {"message": f"flagged as harmful {KEY}"}}),
    "error text": lambda handler: handler.say(200, {"error": "flagged as harmful"}),
    "another form": lambda handler: handler.say(200, {"hello": "world"}),
}
WORDS = ("content policy", "too large", "cannot be processed", "no choices", "content_filter", "flagged", "protocol")


class TestOneBadItem:
    @pytest.mark.parametrize("kind", REFUSALS)
    @pytest.mark.parametrize("talk", [False, True])
    def test_it_fails_and_the_others_are_answered(self, server, monkeypatch, kind, talk):
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        server.poison = lambda body: REFUSALS[kind] if heard(body) == "bad" else None
        requests = asked("a", "bad", "c", "d")
        if talk:
            requests = [Request(r.key, (), None, Sampling(), chat(r.content)) for r in requests]
        found = {answer.key: answer for answer in engine(server, concurrency=1, retries=1).generate(requests)}
        assert [found[key].text for key in "023"] == ["a", "c", "d"]
        bad = found["1"]
        assert bad.failure
        assert any(word in bad.failure for word in WORDS)
        assert KEY not in bad.failure
        assert len(bad.failure) < 600

    def test_a_long_message_is_bounded(self, server):
        server.cues.extend([None, status(400, "no " * 5000)])
        (_, bad) = engine(server, concurrency=1).generate(asked("a", "b"))
        assert len(bad.failure) < 500

    def test_refused_before_anything_was_answered_it_is_the_setup(self, server):
        server.always = status(400, "max_tokens is too large")
        with pytest.raises(InputError, match="max_tokens is too large"):
            list(engine(server, concurrency=1).generate(asked(*map(str, range(50)))))
        assert len(server.bodies) == SETUP
        server.bodies.clear()
        with pytest.raises(InputError, match="max_tokens is too large"):
            list(engine(server, concurrency=1).generate(asked("a", "b")))

    def test_refusals_before_the_first_answer_are_yielded_with_it(self, server):
        server.cues.extend([status(400, "filtered")] * (SETUP - 1))
        answers = list(engine(server, concurrency=1).generate(asked(*map(str, range(20)))))
        assert len(answers) == 20
        assert sum(bool(answer.failure) for answer in answers) == SETUP - 1

    @pytest.mark.parametrize(
        ("code", "words"), [(401, "refuses the key"), (403, "refuses the key"), (404, "status 404")]
    )
    def test_a_key_or_a_model_that_is_refused_ends_it_at_once(self, server, code, words):
        server.cues.extend([None, None, status(code, "no")])
        with pytest.raises(InputError, match=words):
            list(engine(server, concurrency=1).generate(asked(*map(str, range(20)))))
        assert len(server.bodies) == 3

    def test_where_others_are_known_no_answer_is_needed_first(self, server):
        server.always = status(400, "filtered")
        requests = asked(*map(str, range(9)))
        answers = list(engine(server, concurrency=1).generate(requests, {"0", "1"}))
        assert {answer.key for answer in answers} == set("2345678")
        assert all("filtered" in answer.failure for answer in answers)


class TestServedStudy:
    @pytest.fixture
    def command(self, server, home, monkeypatch):
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.delenv("OPENAI_API_KEY", raising=False)
        split = definition.load("finsentiment").examples("test")
        items = split.take(budgets.by_ids(split.ids, 30))
        self.flagged = {items[3].inputs["text"], items[17].inputs["text"]}
        honest = server.model

        def model(body):
            text = body["messages"][-1]["content"] if "messages" in body else str(body["prompt"])
            if any(each in text for each in self.flagged):
                return 400, {"error": {"message": "content management policy", "code": "content_filter"}}
            return honest(body)

        server.model = model
        made = ["--engine", "openai", "--model", "parrot", "--mode", "generate", "--limit", "30"]
        return [*made, "--engine-with", "structured=none"]

    def test_the_study_goes_on_and_asks_them_again(self, server, command, home):
        first = run(*command, "--format", "json")
        assert first.exit_code == 0, first.output
        assert json.loads(first.stdout)[0]["counts"]["failed"] == 2
        server.bodies.clear()
        second = run(*command)
        assert second.exit_code == 0, second.output
        assert len(server.bodies) == 2
        assert "2 items got no answer and count as wrong" in second.stdout
        assert "content management policy" in second.stdout
        (folder,) = store.find(home / "results")
        failed = [p for p in store.load(folder).predictions if p.status is Status.FAILED]
        assert len(failed) == 2
        assert all("content management policy" in p.trace.raw for p in failed)
        self.flagged.clear()
        third = run(*command, "--format", "json")
        assert json.loads(third.stdout)[0]["counts"].get("failed", 0) == 0

    def test_on_failure_error_is_the_old_way(self, command, home):
        done = run(*command, "--on-failure", "error")
        assert done.exit_code == 1
        assert "content management policy" in done.stderr
        assert store.find(home / "results") == []
