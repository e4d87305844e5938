"""What every engine must do, and a plain forward pass to hold it against."""

import random

import pytest
import torch
from transformers import AutoModelForCausalLM

from harness.kinds.words import apart
from harness.prompt.encode import Encoder
from harness.tokens import until
from harness.types import Request, Sampling


def straight(path, requests):
    """Log-probabilities by the book: one unpadded forward pass over prompt + choice, for each choice."""
    model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).eval()
    out = {}
    for request in requests:
        rows = []
        for choice in request.choices:
            with torch.inference_mode():
                logits = model(torch.tensor([[*request.prompt, *choice]])).logits[0].log_softmax(-1)
            first = len(request.prompt) - 1
            rows.append([logits[first + j, token].item() for j, token in enumerate(choice)])
        out[request.key] = rows
    return out


def worst(found, expected):
    assert found.keys() == expected.keys()
    gaps = []
    for key in expected:
        for one, two in zip(found[key], expected[key], strict=True):
            gaps += [abs(x - y) for x, y in zip(one, two, strict=True)]
    return max(gaps)


def scores(engine, requests):
    return {answer.key: answer.choice_logprobs for answer in engine.score(requests)}


def drawn(seed, count=24, vocabulary=4000, heads=3):
    """Requests of unequal length, some under a shared head, with choices of one to four tokens."""
    rng = random.Random(seed)

    def ids(low, high):
        return tuple(rng.randrange(7, vocabulary) for _ in range(rng.randint(low, high)))

    tops = [(0, *ids(0, 90)) for _ in range(heads)]
    made = []
    for i in range(count):
        first = ids(1, 1)
        choices = {ids(1, 1), ids(1, 4), first, first + ids(1, 3), ids(2, 4)}
        made.append(Request(str(i), rng.choice(tops) + ids(0, 40), tuple(sorted(choices))))
    return made


class EngineContract:
    """What every engine must do. Subclasses give ``engine`` and ``tolerance``."""

    tolerance: float

    @pytest.mark.parametrize("heads", [1, 24])
    def test_equals_a_straight_forward_pass(self, engine, heads):
        requests = drawn(heads, heads=heads)
        assert worst(scores(engine, requests), straight(engine.model.path, requests)) < self.tolerance

    def test_order_and_company_do_not_matter(self, engine):
        requests = drawn(5)
        whole = scores(engine, requests)
        assert worst(scores(engine, requests[::-1]), whole) < self.tolerance
        alone = {}
        for request in requests[:4]:
            alone |= scores(engine, [request])
        assert worst(alone, {key: whole[key] for key in alone}) < self.tolerance

    def test_a_prompt_that_starts_another_and_one_of_a_single_token(self, engine):
        requests = [
            Request("short", (0,), ((5,), (6, 7))),
            Request("long", (0, 5), ((6,), (7, 8))),
            Request("longer", (0, 5, 6), ((7, 8, 9), (7, 8))),
        ]
        assert worst(scores(engine, requests), straight(engine.model.path, requests)) < self.tolerance

    def test_more_choices_than_one_request_takes(self, engine):
        request = Request("many", (0, 20, 21), tuple((i,) for i in range(10, 310)))
        assert worst(scores(engine, [request]), straight(engine.model.path, [request])) < self.tolerance

    def test_greedy_generation_follows_the_likeliest_token(self, engine):
        model = AutoModelForCausalLM.from_pretrained(engine.model.path, dtype=torch.float32).eval()
        requests = [Request(str(i), r.prompt, None, Sampling(max_tokens=6, stop=())) for i, r in enumerate(drawn(9, 5))]
        found = {a.key: a for a in engine.generate(requests)}
        for request in requests:
            ids = list(request.prompt)
            with torch.inference_mode():
                for _ in range(6):
                    ids.append(model(torch.tensor([ids])).logits[0, -1].argmax().item())
                    if ids[-1] == engine.tokenizer.eos_token_id:
                        break
            expected = engine.tokenizer.decode(ids[len(request.prompt) :], skip_special_tokens=True)
            assert found[request.key].text == expected
            assert 0 < found[request.key].usage.generated <= 6

    def test_generation_stops_at_the_stop_text(self, engine):
        prompt = Encoder(engine.tokenizer).tokens(["Text: Profit rose.\nLabel: positive\n\nText: Sales fell.\nLabel:"])[
            0
        ]
        (found,) = engine.generate([Request("a", prompt, None, Sampling(max_tokens=12, stop=("\n",)))])
        assert found.finish == "stop"
        assert "\n" not in found.text

    def test_stops_act_only_behind_the_beginning_of_an_answer(self, engine):
        """Stops taken from what the model writes, its first characters among them: each answer is what it writes
        without any, cut where the rule says."""
        headlines = ["Profit rose.", "Sales fell by half.", "The meeting is in May."]
        prompts = Encoder(engine.tokenizer).tokens([f"Text: {headline}\nLabel:" for headline in headlines])
        free = Sampling(max_tokens=12, stop=())
        written = [a.text for p in prompts for a in engine.generate([Request("a", p, None, free)])]
        requests, expected = [], {}
        for prompt, text in zip(prompts, written, strict=True):
            for stops in ((text[:1],), (text[:4],), (text[3:5],), ("\n", text[6:8]), ("\n",), ("nowhere",)):
                request = Request(str(len(requests)), prompt, None, Sampling(max_tokens=12, stop=stops))
                requests.append(request)
                expected[request.key] = until(text, stops)
        assert {stopped for _, stopped in expected.values()} == {True, False}
        found = {a.key: a for a in engine.generate(requests)}
        assert {key: (a.text, a.finish == "stop") for key, a in found.items()} == expected
        assert min(a.usage.generated for a in found.values()) < 12

    def test_no_stop_acts_within_a_thought_that_the_prompt_opens(self, engine):
        (prompt,) = Encoder(engine.tokenizer).tokens(
            ["Text: Profit rose.\nLabel: positive\n\nText: Sales fell.<think>\n"]
        )
        free, held = (Request("a", prompt, None, Sampling(max_tokens=12, stop=stop)) for stop in ((), ("\n", "e")))
        (written,), (found,) = engine.generate([free]), engine.generate([held])
        assert found.text == written.text
        assert "e" in found.text.removeprefix("<think>")
        assert found.text.startswith("<think>")
        assert apart(found.text)[1] == ""
        assert found.finish == "length"

    def test_nothing_asked_nothing_answered(self, engine):
        assert list(engine.score([])) == list(engine.generate([])) == []
