"""Labels scored by a server: what is odd among its log-probabilities is asked for again, then its item fails."""

import math
import pickle
from itertools import product

import pytest
from faults import FAULTS, says
from parrot import engine
from test_logprobs import likely, spoken

from harness.engines.session import Garbled, GivenUp, Refused
from harness.errors import InputError
from harness.types import Request

CHOICES = ((7,), (8, 11), (9,))
HOW = ("once", "always", "never")
SCORES = (math.nan, math.inf, 5.0, "-1.0", None, True, 10**400, [-1.0])


def echoed(body):
    """An answer to a request that wants its prompt's log-probabilities."""
    prompt = tuple(body["prompt"])
    values = [None, *(likely(prompt[:i], prompt[i]) for i in range(1, len(prompt))), -1.0]
    return {"choices": [{"logprobs": {"token_logprobs": values}}]}


def served(knows_ids):
    def model(body):
        if "logprob_token_ids" not in body:
            return 200, echoed(body)
        if not knows_ids:
            return 400, {"error": {"message": "extra fields are not permitted"}}
        return 200, spoken(tuple(body["prompt"]), body)

    return model


def with_scores(change):
    """An answer in which ``change`` was done to the log-probabilities."""

    def cue(handler, body):
        said = spoken(tuple(body["prompt"]), body) if "logprob_token_ids" in body else echoed(body)
        said["choices"][0]["logprobs"] = change(said["choices"][0]["logprobs"])
        return says(said)(handler)

    return cue


def each(value):
    """``value`` in place of every log-probability."""

    def change(found):
        if "top_logprobs" in found:
            return {**found, "top_logprobs": [dict.fromkeys(step, value) for step in found["top_logprobs"]]}
        return {"token_logprobs": [value for _ in found["token_logprobs"]]}

    return with_scores(change)


ODD = {
    **{f"score {value!r:.9}": each(value) for value in SCORES},
    "none": with_scores(lambda found: None),
    "empty": with_scores(lambda found: {}),
    "a number less": with_scores(lambda found: {name: values[:-2] for name, values in found.items()}),
    "a number more": with_scores(lambda found: {**found, "token_logprobs": [-1.0] * 99, "tokens": ["token_id:1"] * 9}),
    "no steps": with_scores(lambda found: {name: [] for name in found}),
    "no numbers of tokens": with_scores(lambda found: {name: [{"dog": -1.0}] for name in found}),
    **{name: (lambda handler, _, cue=FAULTS[name]: cue(handler)) for name in ("html", "no choices", "503", "cut")},
}


@pytest.mark.parametrize("knows_ids", [True, False], ids=["by ids", "by echo"])
def test_odd_scores_are_asked_for_again_and_then_their_item_fails(server, knows_ids):
    server.model, asked_before = served(knows_ids), set()
    requests = [Request(f"{how} {kind}", (3, 1000 + i), CHOICES) for i, (how, kind) in enumerate(product(HOW, ODD))]
    names = {request.prompt: request.key for request in requests}

    def poison(body):
        prompt = tuple(body["prompt"])[:2]
        how, _, kind = names.get(prompt, "never ").partition(" ")
        if how == "never" or (how == "once" and prompt in asked_before):
            return None
        asked_before.add(prompt)
        return lambda handler: ODD[kind](handler, body)

    server.poison = poison
    made = engine(server, tokenizer="tiny", concurrency=2, retries=1, backoff=0.001)
    assert made._takes_ids == knows_ids
    found = {answer.key: answer for answer in made.score(requests)}
    for request in requests:
        answer = found[request.key]
        if request.key.startswith("always"):
            assert "given up after 2 attempts" in answer.failure, request.key
            continue
        before = [[(*request.prompt, *choice[:i]) for i in range(len(choice))] for choice in CHOICES]
        assert answer.choice_logprobs == tuple(
            tuple(map(likely, *pair)) for pair in zip(before, CHOICES, strict=True)
        ), request.key
        assert answer.usage.retries == request.key.startswith("once")


def test_a_server_without_log_probabilities_is_told_at_once(server):
    with pytest.raises(InputError, match=r"does not return the log-probabilities.*--mode generate"):
        list(engine(server, tokenizer="tiny").score([Request("a", (0, 5), CHOICES)]))
    assert len(server.bodies) == 2


@pytest.mark.parametrize("error", [Refused("no", 400), GivenUp("host: given up."), Garbled("host: given up.")])
def test_errors_come_from_another_process_as_they_are(error):
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))
