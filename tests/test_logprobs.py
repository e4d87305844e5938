"""Choices are read from a server's log-probabilities exactly, in few requests."""

import random

import pytest

from harness.engines import logprobs


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
        reading.take(node, fields, spoken(node, fields))
        requests += 1
    expected = tuple(tuple(likely(c[:i], c[i]) for i in range(len(c))) for c in choices)
    assert reading.scores(choices) == expected
    assert requests <= len(reading.wanted) + labels // logprobs.IDS_PER_REQUEST
