"""The engine ``transformers`` at its limits: memory that runs out, what many prompts share, and what it cannot do."""

import random
from itertools import permutations

import pytest
import torch
from conftest import ROOT
from contract import drawn, scores, straight, worst
from transformers import AutoModelForCausalLM, GPT2Config, LlamaConfig

from harness.engines import create, trie
from harness.engines.room import Room, nodes_within
from harness.errors import HarnessError, InputError
from harness.models.checkpoint import Model
from harness.types import Constraint, Request, Sampling

SMALL = {"vocab_size": 4096, "num_hidden_layers": 2, "num_attention_heads": 4, "hidden_size": 32}


def gpu():
    raise torch.cuda.OutOfMemoryError("CUDA out of memory.")


def cpu():
    torch.empty(2**60, dtype=torch.uint8)  # more than there is anywhere


def broken():
    raise RuntimeError("shapes do not match")


def made(config, path):
    """An engine on random weights."""
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(config).save_pretrained(path)
    Model("tiny").tokenizer.save_pretrained(path)
    return create("transformers", str(path))


@pytest.fixture
def engine(tmp_path):
    return made(LlamaConfig(**SMALL, num_key_value_heads=2, intermediate_size=48), tmp_path)


def cramped(engine, monkeypatch, most, fail):
    """Let the network run out of memory above ``most`` tokens a pass; returns the sizes that it was asked for."""
    lm, asked = engine._network._lm, []
    forward = lm.forward

    def limited(ids=None, **params):
        ids = params.pop("input_ids", ids)
        asked.append(ids.numel())
        if ids.numel() > most:
            fail()
        return forward(ids, **params)

    monkeypatch.setattr(lm, "forward", limited)
    return asked


DEVICES = pytest.mark.parametrize("fail", [gpu, cpu])


@DEVICES
@pytest.mark.parametrize("trees", [True, False])
def test_passes_are_halved_until_they_fit_and_nothing_is_answered_twice(engine, monkeypatch, fail, trees):
    requests = drawn(4, count=30)
    expected = straight(engine.model.path, requests)
    engine.__dict__["_takes_trees"] = trees
    asked = cramped(engine, monkeypatch, 140, fail)
    answers = list(engine.score(requests))
    assert max(asked) > 140 >= min(asked)
    assert sum(size > 140 for size in asked) <= 3  # what was learnt is kept
    assert sorted(answer.key for answer in answers) == sorted(request.key for request in requests)
    assert worst({answer.key: answer.choice_logprobs for answer in answers}, expected) < 1e-4
    if trees:
        assert sum(a.usage.computed for a in answers) == trie.trie_size(s for r in requests for s in trie.sequences(r))


@DEVICES
def test_batches_to_generate_are_halved_too(engine, monkeypatch, fail):
    requests = [Request(str(i), r.prompt, None, Sampling(max_tokens=3, stop=())) for i, r in enumerate(drawn(6, 12))]
    expected = {answer.key: answer.text for answer in engine.generate(requests)}
    asked = cramped(engine, monkeypatch, 140, fail)
    answers = list(engine.generate(requests))
    assert max(asked) > 140
    assert len(answers) == len(requests)
    assert {answer.key: answer.text for answer in answers} == expected


@pytest.mark.parametrize("trees", [True, False])
def test_a_prompt_that_does_not_fit_alone_says_what_to_do(engine, monkeypatch, trees):
    engine.__dict__["_takes_trees"] = trees
    cramped(engine, monkeypatch, 0, cpu)
    with pytest.raises(HarnessError, match=r"memory runs out even for a single prompt.*fewer shots"):
        list(engine.score(drawn(7, count=3)))
    with pytest.raises(HarnessError, match=r"memory runs out even for a single prompt.*fewer shots"):
        list(engine.generate([Request("a", (0, 20), None, Sampling())]))


def test_other_errors_of_the_network_are_not_taken_for_full_memory(engine, monkeypatch):
    engine.__dict__["_takes_trees"] = True
    asked = cramped(engine, monkeypatch, 0, broken)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        list(engine.score(drawn(7, count=3)))
    assert len(asked) == 1


def test_a_pass_is_sized_to_the_memory_that_is_free():
    config = Model("tiny").config
    sizes = [nodes_within(free * 2**20, 500, config, 2) for free in (0, 64, 256, 1024, 4096)]
    assert sizes[0] == 1
    assert sizes == sorted(set(sizes))
    assert nodes_within(2**30, 2000, config, 2) < nodes_within(2**30, 500, config, 2)
    assert nodes_within(2**30, 500, config, 4) < nodes_within(2**30, 500, config, 2)


def test_room_halves_what_was_taken_not_what_was_allowed():
    room = Room(512, "tiny")
    assert room.attempt(gpu, 100, least=False) is None
    assert room.size == 50
    assert room.attempt(lambda: 7, 50, least=False) == 7
    assert room.size == 50


def levels(seed):
    """Prompts that share more levels of prefixes the nearer they stand, like orders of demonstrations."""
    rng = random.Random(seed)
    demos = [tuple(rng.randrange(7, 4000) for _ in range(rng.randint(20, 60))) for _ in range(4)]
    items = [tuple(rng.randrange(7, 4000) for _ in range(rng.randint(5, 30))) for _ in range(6)]
    heads = [sum(order, (0,)) for order in permutations(demos)]
    return [
        Request(f"{i}-{j}", head + item, ((9,), (9, 10), (9, 11, 12)))
        for i, head in enumerate(heads)
        for j, item in enumerate(items)
    ]


def test_every_level_of_shared_prefixes_is_computed_once(tiny):
    requests = levels(1)
    answers = list(tiny.score(requests))
    assert sum(a.usage.computed for a in answers) == trie.trie_size(s for r in requests for s in trie.sequences(r))
    some = random.Random(0).sample(requests, 12)
    found = {answer.key: answer.choice_logprobs for answer in answers}
    assert worst({r.key: found[r.key] for r in some}, straight(tiny.model.path, some)) < 1e-4


@pytest.mark.parametrize("kind", ["llama", "learnt-positions"])
def test_generation_shares_the_head_and_says_the_same_as_alone(kind, tmp_path):
    config = {
        "llama": LlamaConfig(**SMALL, num_key_value_heads=2, intermediate_size=48),
        "learnt-positions": GPT2Config(vocab_size=4096, n_embd=32, n_layer=2, n_head=4),
    }[kind]
    engine = made(config, tmp_path)
    assert engine._takes_trees
    how = Sampling(max_tokens=5, stop=())
    rng = random.Random(3)
    head = (0, *(rng.randrange(7, 4000) for _ in range(60)))
    requests = [
        Request(str(i), head + tuple(rng.randrange(7, 4000) for _ in range(rng.randint(1, 30))), None, how)
        for i in range(40)
    ]
    together = list(engine.generate(requests))
    alone = {r.key: next(iter(engine.generate([r]))).text for r in requests}
    assert {answer.key: answer.text for answer in together} == alone
    assert sum(answer.usage.computed for answer in together) == trie.nodes(requests)


def test_positions_that_depend_on_a_rows_length_keep_no_company(tmp_path):
    rope = {"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 4.0}
    engine = made(LlamaConfig(**SMALL, max_position_embeddings=64, rope_parameters=rope), tmp_path)
    requests = drawn(8, count=8)
    assert min(len(r.prompt) for r in requests) < 64 < max(len(r.prompt) for r in requests)
    assert worst(scores(engine, requests), straight(str(tmp_path), requests)) < 1e-4


def test_half_precision_takes_trees_too():
    assert create("transformers", "tiny", dtype="bfloat16")._takes_trees


def test_a_mask_that_is_ignored_is_found_out(engine, monkeypatch):
    lm = engine._network._lm
    forward = lm.forward

    def causal(ids=None, attention_mask=None, **params):
        return forward(ids, attention_mask=attention_mask if attention_mask.dim() == 2 else None, **params)

    monkeypatch.setattr(lm, "forward", causal)
    assert not engine._takes_trees


def test_a_constraint_is_refused_before_anything_is_written(tiny):
    free, held = Sampling(), Sampling(constraint=Constraint("choice", ("yes", "no")))
    answers = tiny.generate([Request("a", (0, 20), None, free), Request("b", (0, 21), None, held)])
    with pytest.raises(InputError, match="--engine vllm, or --mode score"):
        next(answers)


def test_the_bench_asks_every_order_once():
    import importlib.util

    spec = importlib.util.spec_from_file_location("tokens", ROOT / "bench" / "tokens.py")
    tokens = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tokens)
    from harness.chance import rng

    orders = {tuple(rng("order", seed).permutation(4).tolist()) for seed in tokens.orders(4)}
    assert orders == set(permutations(range(4)))
