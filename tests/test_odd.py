"""Answers that are none: asked for again, then their item fails, and the others do not."""

import json
from collections import Counter

import pytest
from click.testing import CliRunner
from faults import FAULTS, ODD, choice, drips, says, status
from hypothesis import given
from hypothesis import strategies as st
from parrot import asked, chat, engine, heard

from harness.cli import main
from harness.engines import reply
from harness.engines.refusals import SETUP
from harness.errors import HarnessError
from harness.types import Request, Sampling

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=9,
)


def poisoned(word, cue):
    return lambda body: cue if word in heard(body) else None


def enumerated(*texts):
    return ((str(place), text) for place, text in enumerate(texts))


def requests(talk, *texts):
    return [Request(r.key, (), None, Sampling(), chat(r.content) if talk else r.content) for r in asked(*texts)]


@pytest.mark.parametrize("talk", [False, True], ids=["text", "chat"])
def test_each_is_mended_by_another_attempt(server, talk):
    heard_before = Counter()

    def twice(body):
        kind = heard(body)
        heard_before[kind] += 1
        return FAULTS.get(kind) if heard_before[kind] <= 2 else None

    server.poison = twice
    asking = requests(talk, "good", *FAULTS)
    found = {answer.key: answer for answer in engine(server, concurrency=4, backoff=0.001).generate(asking)}
    assert {key: answer.text for key, answer in found.items()} == dict(enumerated("good", *FAULTS))
    assert {key: answer.usage.retries for key, answer in found.items()} == {"0": 0, **{r.key: 2 for r in asking[1:]}}
    assert len(server.bodies) == 1 + 3 * len(FAULTS)


def test_each_that_stays_is_an_item_that_failed_and_the_others_have_not(server):
    server.poison = lambda body: FAULTS.get(heard(body).removesuffix(" bad"))
    texts = [text for kind in FAULTS for text in (f"{kind} bad", f"{kind} good")]
    made = engine(server, concurrency=2, retries=1, backoff=0.001)
    found = {texts[int(answer.key)]: answer for answer in made.generate(asked(*texts))}
    for kind in FAULTS:
        good, bad = found[f"{kind} good"], found[f"{kind} bad"]
        assert (good.text, good.failure, good.usage.retries) == (f"{kind} good", "", 0)
        assert "v1/completions: given up after 2 attempts: " in bad.failure, kind
        assert len(bad.failure) < 600
        assert bad.usage.retries == 1


def test_what_the_server_says_stands_in_the_failure(server):
    server.poison = poisoned("bad", ODD["error body"])
    (_, bad) = engine(server, concurrency=1, retries=0).generate(asked("a", "bad"))
    assert "status 200, but an error: an upstream error" in bad.failure
    server.poison = poisoned("bad", says({"error": {"message": "too many words", "code": 400}}))
    (_, bad) = engine(server, concurrency=1, retries=5).generate(asked("a", "bad"))
    assert "refuses the request: status 200, but an error: too many words" in bad.failure
    assert bad.usage.retries == 0


@pytest.mark.parametrize("kind", ["html", "no choices", "another form", "500", "deep", "bomb"])
def test_from_a_server_that_answers_nothing_else_it_ends_the_study(server, kind):
    server.poison, server.bodies[:] = (lambda body: FAULTS[kind]), []
    with pytest.raises(HarnessError, match=r"given up after 2 attempts.*same command goes on"):
        list(engine(server, concurrency=1, retries=1, backoff=0.001).generate(asked(*map(str, range(50)))))
    assert len(server.bodies) == 2 * SETUP


class TestDown:
    def test_a_server_that_goes_down_ends_the_study(self, server):
        server.cues.extend([None] * 9)
        server.always = status(503, "gone home")
        found, made = [], engine(server, concurrency=2, retries=1, backoff=0.001)
        with pytest.raises(HarnessError, match=r"given up.*status 503, gone home"):
            found.extend(made.generate(asked(*map(str, range(100)))))
        assert not any(answer.failure for answer in found)
        assert len(server.bodies) < 60

    def test_near_the_end_it_ends_the_study_too(self, server):
        server.cues.extend([None] * 9)
        server.always = status(503, "gone home")
        with pytest.raises(HarnessError, match="gone home"):
            list(engine(server, concurrency=1, retries=0).generate(asked(*map(str, range(11)))))

    def test_many_prompts_that_break_it_are_items_that_failed(self, server):
        """They come side by side, and nothing is answered between them, but the server is there."""
        server.poison = poisoned("bad", status(500, "worker died"))
        texts = [*(f"a {i}" for i in range(10)), *(f"bad {i}" for i in range(40)), *(f"c {i}" for i in range(10))]
        for more in ((), [f"d {i}" for i in range(5)]):
            made = engine(server, concurrency=4, retries=0)
            answers = list(made.generate(asked(*texts, *more)))
            assert len(answers) == 60 + len(more)
            assert sum("worker died" in answer.failure for answer in answers) == 40

    def test_those_that_are_left_when_others_are_known_fail_if_the_server_is_there(self, server):
        server.poison = poisoned("bad", status(500, "worker died"))
        answers = list(engine(server, concurrency=1, retries=0).generate(asked("a", "bad 1", "bad 2"), {"0"}))
        assert [bool(answer.failure) for answer in answers] == [True, True]
        server.poison, server.always = (lambda body: None), status(500, "worker died")
        with pytest.raises(HarnessError, match="worker died"):
            list(engine(server, concurrency=1, retries=0).generate(asked("a", "bad 1", "bad 2"), {"0"}))


def test_a_server_that_drips_is_given_up_in_time(server):
    server.poison = poisoned("bad", drips)
    (_, bad) = engine(server, concurrency=1, retries=1, timeout=0.3).generate(asked("a", "bad"))
    assert "given up after 2 attempts: no whole answer within 0.3 s" in bad.failure


@pytest.mark.parametrize("listing", [ODD["html"], ODD["deep"], says({"data": 5}), says({"data": [1, {"id": 2}, {}]})])
def test_a_list_of_models_that_is_none_is_done_without(server, listing):
    server.listing = listing
    made = engine(server, retries=1, backoff=0.001)
    assert made.identity["structured"] == "none"
    assert [answer.text for answer in made.generate(asked("yes"))] == ["yes"]


def test_odd_usage_and_parts_are_read_as_far_as_they_say_something(server):
    odd = [None, "many", [], {"prompt_tokens": "ten"}, {"prompt_tokens": -3}, {"prompt_tokens": 10**30}, {}, 7]
    odd += [{"prompt_tokens": float("nan")}, {"prompt_tokens_details": "none"}, {"completion_tokens": True}]
    told = {"prompt_tokens": 4.0, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 9}}
    for usage in (*odd, told):
        server.cues.append(says({"choices": [{"text": "x", "finish_reason": "stop"}], "usage": usage}))
        (answer,) = engine(server).generate(asked("yes"))
        assert answer.text == "x"
        paid = (answer.usage.submitted, answer.usage.computed, answer.usage.generated)
        assert paid == ((4, 0, 3) if usage is told else (0, 0, 0))
    parts = [{"type": "thinking", "thinking": []}, {"type": "text", "text": "po"}, {"type": "text", "text": "sitive"}]
    server.cues.append(choice(message={"content": parts}))
    (answer,) = engine(server).generate(requests(True, "yes"))
    assert answer.text == "positive"
    server.cues.append(choice(message={"content": None, "refusal": "I cannot."}))
    (answer,) = engine(server).generate(requests(True, "yes"))
    assert answer.text == "I cannot."
    assert len(server.bodies) == len(odd) + 3


@given(JSON)
def test_no_json_breaks_the_reader_of_usage(said):
    prompt, cached, new = reply.usage({"usage": said})
    assert 0 <= cached <= prompt
    assert new >= 0
    assert reply.computed({"usage": {"prompt_tokens": said, "completion_tokens": said}}) >= 0


def test_halves_of_surrogate_pairs_and_control_characters_can_be_kept(project, server):
    server.always = says(b'{"choices": [{"text": "d\\ud800og\\u0000 \\udfff", "finish_reason": "stop"}]}')
    command = [
        "run",
        "--task",
        "pets",
        "--engine",
        "openai",
        "--model",
        "parrot",
        "--mode",
        "generate",
        "--engine-with",
    ]
    done = CliRunner().invoke(main, [*command, f"base_url={server.url}", "--engine-with", "structured=none"])
    assert done.exit_code == 0, done.output


def test_what_was_sent_again_stands_in_the_run(project, server):
    server.cues.extend([FAULTS["503"], None, FAULTS["html"], FAULTS["reset"]])
    command = ["run", "--task", "pets", "--engine", "openai", "--model", "parrot", "--mode", "generate", "--format"]
    command += ["json", "--engine-with", f"base_url={server.url}", "--engine-with", "structured=none"]
    first, second = (json.loads(CliRunner().invoke(main, command).stdout)[0] for _ in range(2))
    assert first["usage"]["retries"] == 3
    assert second["usage"]["retries"] == 0
    (sealed,) = (project / "results").rglob("run.json")
    assert json.loads(sealed.read_text())["usage"]["retries"] == 3  # what the answers cost when they were computed
