"""Engines against a plain forward pass, against each other, and in whatever order they are asked."""

import random

import pytest
import torch
from conftest import ROOT
from transformers import AutoModelForCausalLM, BloomConfig, GPT2Config, GptOssConfig, LlamaConfig, MistralConfig

from harness import plan, selectors, template
from harness.encode import Encoder
from harness.engines import choose, create
from harness.engines.transformers import NODES
from harness.errors import InputError
from harness.model import Model
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

    def test_nothing_asked_nothing_answered(self, engine):
        assert list(engine.score([])) == list(engine.generate([])) == []


class TestTransformers(EngineContract):
    tolerance = 1e-4

    @pytest.fixture(scope="class")
    def engine(self, tiny):
        return tiny

    def test_the_trie_is_what_is_in_use(self, engine):
        assert engine._takes_trees

    def test_each_trie_node_is_computed_once(self, engine):
        requests = drawn(3, count=80, heads=1)
        computed = sum(answer.usage.computed for answer in engine.score(requests))
        nodes = plan.trie_size(s for r in requests for s in plan.sequences(r))
        assert nodes > NODES  # several passes
        assert computed == nodes

    def test_sampling_repeats_under_its_seed(self, engine):
        def say(seed):
            how = Sampling(max_tokens=8, temperature=1.0, stop=(), seed=seed)
            (answer,) = engine.generate([Request("a", (0, 20, 30), None, how)])
            return answer.text

        assert say(0) == say(0)
        assert len({say(seed) for seed in range(6)}) > 1


@pytest.mark.parametrize(
    ("config", "trees"),
    [
        (
            LlamaConfig(
                vocab_size=4096,
                hidden_size=32,
                num_hidden_layers=2,
                num_attention_heads=4,
                num_key_value_heads=2,
                intermediate_size=48,
            ),
            True,
        ),
        (GPT2Config(vocab_size=4096, n_embd=32, n_layer=2, n_head=4), True),
        (
            MistralConfig(
                vocab_size=4096,
                hidden_size=32,
                num_hidden_layers=2,
                num_attention_heads=4,
                num_key_value_heads=2,
                intermediate_size=48,
                sliding_window=8,
            ),
            False,
        ),
        (
            GptOssConfig(
                vocab_size=4096,
                hidden_size=32,
                num_hidden_layers=2,
                num_attention_heads=4,
                num_key_value_heads=2,
                head_dim=8,
                intermediate_size=48,
                num_local_experts=4,
                num_experts_per_tok=2,
                layer_types=["full_attention"] * 2,
            ),
            True,
        ),
        (BloomConfig(vocab_size=4096, hidden_size=32, n_layer=2, n_head=4), False),
    ],
    ids=["grouped-query", "learnt-positions", "sliding-window", "attention-sinks", "alibi"],
)
def test_other_architectures_score_the_same_as_a_straight_pass(config, trees, tmp_path):
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path)
    Model("tiny").tokenizer.save_pretrained(tmp_path)
    engine = create("transformers", str(tmp_path))
    requests = drawn(2, count=8)
    assert worst(scores(engine, requests), straight(str(tmp_path), requests)) < 1e-4
    assert engine._takes_trees == trees


@pytest.mark.vllm
@pytest.mark.slow
class TestVllm(EngineContract):
    tolerance = 1e-3

    @pytest.fixture(scope="class")
    def engine(self, vllm_tiny):
        return vllm_tiny

    @pytest.mark.parametrize("name", ["plain", "long"])
    def test_agrees_with_transformers_on_100_prompts(self, engine, tiny, finsentiment, name):
        """Five demonstrations; answers of one token in one template, of several in the other."""
        made = template.load("plain" if name == "plain" else str(ROOT / "bench" / "long-answers.j2"), finsentiment)
        pick = selectors.Selection(selectors.create("balanced"), finsentiment.examples("train"), 5, "ascending", 0)
        encoder = Encoder(tiny.tokenizer)
        requests = []
        for item in finsentiment.examples("test")[:100]:
            (encoded,) = encoder.encode([made.render(item, pick(item).examples)])
            requests.append(Request(item.id, encoded.prompt, encoded.choices))
        assert (min(len(choice) for choice in requests[0].choices) > 1) == (name == "long")
        one, two = scores(tiny, requests), scores(engine, requests)
        assert worst(one, two) < 1e-3

        def best(found):
            return {key: max(range(3), key=lambda i: sum(rows[i])) for key, rows in found.items()}

        assert best(one) == best(two)

    def test_the_prefix_cache_is_used(self, engine):
        rng = random.Random(11)
        head = (0, *(rng.randrange(7, 4000) for _ in range(320)))
        requests = [Request(str(i), (*head, 20 + i), ((7,), (8,), (9, 10))) for i in range(40)]
        computed = sum(answer.usage.computed for answer in engine.score(requests))
        assert computed < 0.2 * sum(map(plan.submitted, requests))


def test_auto_is_transformers_without_a_gpu():
    if torch.cuda.is_available():
        pytest.skip("a GPU is there")
    assert choose("auto") == "transformers"


def test_what_is_no_model_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match=r"no config\.json"):
        create("transformers", str(tmp_path)).max_length  # noqa: B018
    with pytest.raises(InputError, match="neither a local model folder nor a hub model"):
        create("transformers", "nobody/no-such-model").tokenizer  # noqa: B018
    with pytest.raises(InputError, match="Did you mean 'transformers'"):
        create("transfomers", "tiny")
    with pytest.raises(InputError, match="float32"):
        create("transformers", "tiny", dtype="int3")


def test_fingerprint_follows_the_weights(tmp_path):
    import shutil

    one = Model("tiny")
    copy = tmp_path / "copy"
    shutil.copytree(one.path, copy)
    assert Model(str(copy)).fingerprint == one.fingerprint
    with (copy / "model.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        last = file.read(1)
        file.seek(-1, 2)
        file.write(bytes([last[0] ^ 1]))
    assert Model(str(copy)).fingerprint != one.fingerprint
