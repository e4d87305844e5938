"""Texts that the engine ``transformers`` writes: the same as one token at a time from scratch, for the least work."""

import functools
import random

import pytest
import torch
from contract import drawn
from transformers import AutoModelForCausalLM, GPT2Config, LlamaConfig, MistralConfig

from harness import predictors
from harness.engines import create, trie
from harness.engines.cache import GROUP
from harness.engines.room import rows_within
from harness.engines.transformers import NODES, Transformers
from harness.models.checkpoint import Model
from harness.predictors.networks import pretrained
from harness.tokens import until
from harness.types import Request, Sampling

ROWS = 16  # texts side by side in these tests
CONFIG = {"vocab_size": 4096, "num_hidden_layers": 2, "num_attention_heads": 4, "hidden_size": 32}
LLAMA = {**CONFIG, "num_key_value_heads": 2, "intermediate_size": 48}
SHAPES = {
    "grouped-query": LlamaConfig(**LLAMA),
    "learnt-positions": GPT2Config(vocab_size=4096, n_embd=32, n_layer=2, n_head=4, n_positions=160),
    "sliding-window": MistralConfig(**LLAMA, sliding_window=8),
    "stretched": LlamaConfig(
        **LLAMA,
        max_position_embeddings=64,
        rope_parameters={"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 4.0},
    ),
}


@pytest.fixture(autouse=True)
def _few_rows(monkeypatch):
    monkeypatch.setattr("harness.engines.transformers.ROWS", ROWS)
    monkeypatch.setattr("harness.engines.transformers.PADDED", ROWS)


def made(config, path):
    """An engine on random weights."""
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(config).save_pretrained(path)
    Model("tiny").tokenizer.save_pretrained(path)
    return create("transformers", str(path))


def likeliest(lm, prompt, count, final=()):
    """What is likeliest after ``prompt``, token by token, each from all before it; ends with a token of ``final``."""
    ids = list(prompt)
    with torch.inference_mode():
        for _ in range(count):
            ids.append(int(lm(torch.tensor([ids])).logits[0, -1].argmax()))
            if ids[-1] in final:
                break
    return ids[len(prompt) :]


def expected(tokenizer, ids, how, final):
    """Text, reason and tokens of an answer whose tokens would be ``ids``."""
    for count in range(1, len(ids) + 1):
        text, stopped = until(tokenizer.decode(ids[:count], skip_special_tokens=True), how.stop)
        if ids[count - 1] in final:
            return until(tokenizer.decode(ids[: count - 1], skip_special_tokens=True), how.stop)[0], "stop", count
        if stopped or count == how.max_tokens:
            return text, "stop" if stopped else "length", count
    raise AssertionError("too few tokens")


def levels(count, how=None, seed=0):
    """Requests under heads of several levels, of unequal length; one prompt begins another, and one is asked twice."""
    rng = random.Random(seed)

    def ids(low, high):
        return tuple(rng.randrange(7, 4000) for _ in range(rng.randint(low, high)))

    tops = [(0, *ids(5, 40)) for _ in range(3)]
    middles = [rng.choice(tops) + ids(1, 30) for _ in range(6)]
    prompts = [rng.choice(middles) + ids(1, 25) for _ in range(count - 3)]
    prompts += [prompts[0][:-1], prompts[1], middles[0]]
    return [Request(str(i), prompt, None, how or Sampling(max_tokens=6, stop=())) for i, prompt in enumerate(prompts)]


def watched(engine, monkeypatch):
    """The shapes of ids that the network is fed from now on."""
    assert "_takes_trees" in vars(engine) or engine._takes_trees
    lm, fed = engine._network._lm, []
    forward = lm.forward

    @functools.wraps(forward)
    def counting(ids=None, **params):
        ids = params.pop("input_ids", ids)
        fed.append(tuple(ids.shape))
        return forward(ids, **params)

    monkeypatch.setattr(lm, "forward", counting)
    return fed


def said(answers):
    return {answer.key: (answer.text, answer.finish, answer.usage.generated) for answer in answers}


@pytest.mark.parametrize("kind", SHAPES)
def test_each_text_is_what_is_likeliest_token_by_token(kind, tmp_path):
    engine = made(SHAPES[kind], tmp_path)
    assert engine._takes_trees == (kind not in ("sliding-window",))
    lm, tokenizer = engine._network._lm, engine.tokenizer
    rng, requests, wanted = random.Random(1), [], {}
    for request in levels(ROWS + 9 if kind == "grouped-query" else 14):
        ids = likeliest(lm, request.prompt, 24 if kind != "stretched" else 3)
        text = tokenizer.decode(ids, skip_special_tokens=True)
        stops = rng.choice([(), (text[2:4],), (text[:1], text[7:9]), ("nowhere",)])
        how = Sampling(max_tokens=rng.choice([1, 5, len(ids)]) if len(ids) > 5 else len(ids), stop=stops)
        requests.append(Request(request.key, request.prompt, None, how))
        wanted[request.key] = expected(tokenizer, ids, how, {tokenizer.eos_token_id})
    answers = list(engine.generate(requests))
    assert said(answers) == wanted
    computed = sum(answer.usage.computed for answer in answers)
    assert computed == (trie.nodes(requests) if kind in list(SHAPES)[:2] else sum(len(r.prompt) for r in requests))


def test_the_embedded_model_writes_what_is_likeliest(tiny):
    lm, how = tiny._network._lm, Sampling(max_tokens=24, stop=("\n", "."))
    requests = levels(14, how, seed=2)
    wanted = {
        r.key: expected(tiny.tokenizer, likeliest(lm, r.prompt, 24, (1,)), how, {tiny.tokenizer.eos_token_id})
        for r in requests
    }
    assert len({count for _, _, count in wanted.values()}) > 2
    assert said(tiny.generate(requests)) == wanted


def test_every_token_that_ends_a_text_does(tiny, monkeypatch):
    """Those of the configuration of generation, of which there may be several, and the tokenizer's."""
    requests = levels(10, Sampling(max_tokens=20, stop=()), seed=4)
    lm = tiny._network._lm
    free = {r.key: likeliest(lm, r.prompt, 20, (1,)) for r in requests}
    final = [free["0"][5], free["3"][9]]
    monkeypatch.setattr(lm.generation_config, "eos_token_id", final)
    wanted = {key: expected(tiny.tokenizer, ids, requests[0].sampling, {1, *final}) for key, ids in free.items()}
    assert {finish for _, finish, _ in wanted.values()} == {"stop", "length"}
    for trees in (True, False):
        monkeypatch.setitem(tiny.__dict__, "_takes_trees", trees)
        assert said(tiny.generate(requests)) == wanted


def test_each_node_is_read_once_whatever_is_asked_after_it(tiny, monkeypatch):
    requests = levels(5 * ROWS)
    longer, drawn_ones = Sampling(max_tokens=9, stop=("a",)), [Sampling(3, 1.0, (), seed) for seed in range(3)]
    more = [
        Request(f"{i}-{r.key}", r.prompt, None, how) for i, how in enumerate([longer, *drawn_ones]) for r in requests
    ]
    assert trie.nodes(requests) > 2 * NODES
    fed = watched(tiny, monkeypatch)
    answers = list(tiny.generate([*requests, *more[: len(requests) + 40]]))
    assert sum(answer.usage.computed for answer in answers) == trie.nodes(requests)
    assert len(answers) == len(requests) * 2 + 40
    reading = [shape for shape in fed if shape[0] == 1 and shape[1] > GROUP]
    assert sum(width for _, width in reading) <= trie.nodes(requests)


def test_a_text_of_one_token_costs_the_reading_only(tiny, monkeypatch):
    requests = levels(20, Sampling(max_tokens=1, stop=()))
    fed = watched(tiny, monkeypatch)
    list(tiny.generate(requests))
    assert sum(rows * width for rows, width in fed) == trie.nodes(requests)


def test_rows_that_have_ended_are_left_out(tiny, monkeypatch):
    """One in eight goes on: the others cost no more than an eighth of what they would to the end."""
    short, long = Sampling(max_tokens=4, stop=()), Sampling(max_tokens=60, stop=())
    requests = [Request(r.key, r.prompt, None, long if i % 8 else short) for i, r in enumerate(levels(ROWS))]
    requests = [Request(r.key, r.prompt, None, short if r.sampling == long else long) for r in requests]
    fed = watched(tiny, monkeypatch)
    answers = list(tiny.generate(requests))
    written = sum(answer.usage.generated - 1 for answer in answers)
    stepped = sum(rows * width for rows, width in fed) - trie.nodes(requests)
    assert written <= stepped <= written * 1.2
    assert stepped < ROWS * 59 / 3


@pytest.mark.parametrize("trees", [True, False])
def test_what_is_left_is_written_to_the_same_letter_and_no_batch_that_is_known(tiny, trees, monkeypatch):
    monkeypatch.setitem(tiny.__dict__, "_takes_trees", trees)
    requests = levels(2 * ROWS + 30, Sampling(max_tokens=12, stop=("e",)), seed=7)
    requests += [Request(f"d{r.key}", r.prompt, None, Sampling(5, 1.0, (), 3)) for r in requests[:6]]
    whole = list(tiny.generate(requests))
    for known in (
        {answer.key for answer in whole[: ROWS + 9]},
        {answer.key for answer in whole[-20:]},
        set(random.Random(0).sample([answer.key for answer in whole], 30)),
    ):
        left = list(tiny.generate(requests, known))
        assert said(left) == {key: text for key, text in said(whole).items() if key not in known}
    answers = list(tiny.generate(requests, {answer.key for answer in whole[:-5]}))
    assert sum(answer.usage.computed for answer in answers) < sum(answer.usage.computed for answer in whole)
    fed = watched(tiny, monkeypatch)
    assert list(tiny.generate(requests, {answer.key for answer in whole})) == fed == []


def test_going_on_is_the_same_to_the_bit(tiny, monkeypatch):
    """The logits that tokens are chosen by."""
    from harness.engines import writing

    seen = {}

    def kept(name):
        found = seen.setdefault(name, [])
        likeliest_ = writing._likeliest

        def choose(logits):
            found.append(logits.clone())
            return logits.argmax(-1).tolist()

        monkeypatch.setattr(writing, "_likeliest", choose)
        return likeliest_

    requests = levels(2 * ROWS, seed=8)
    before = kept("whole")
    whole = list(tiny.generate(requests))
    monkeypatch.setattr(writing, "_likeliest", before)
    kept("left")
    list(tiny.generate(requests, {answer.key for answer in whole[: ROWS + 5]}))
    assert len(seen["left"]) < len(seen["whole"])
    for one, two in zip(seen["left"], seen["whole"][-len(seen["left"]) :], strict=True):
        assert torch.equal(one, two)


@pytest.mark.parametrize("most", [12, 5])
def test_batches_are_halved_where_memory_runs_out(tiny, monkeypatch, most):
    """Reading or writing: above ``most`` tokens at once."""
    requests = levels(2 * ROWS, seed=9)
    wanted = said(tiny.generate(requests))
    lm, failed = tiny._network._lm, []
    forward = lm.forward

    def limited(ids=None, **params):
        ids = params.pop("input_ids", ids)
        if ids.numel() > most:
            failed.append(tuple(ids.shape))
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return forward(ids, **params)

    monkeypatch.setattr(lm, "forward", limited)
    answers = list(tiny.generate(requests))
    assert said(answers) == wanted
    assert {shape[0] == 1 for shape in failed} == {True, False}
    assert len(failed) <= 16


def test_long_texts_have_less_company():
    config = Model("tiny").config
    sizes = [rows_within(2**30, longest, config, 4) for longest in (10, 100, 1000, 10**6)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] == 1
    assert rows_within(2**30, 500, config, 2) > rows_within(2**30, 500, config, 4)


def test_draws_are_those_of_transformers_own_loop(tiny, monkeypatch):
    requests = [
        Request(f"{r.key}-{seed}", r.prompt, None, Sampling(10, 0.8, ("\n",), seed))
        for r in levels(6)
        for seed in range(2)
    ]
    mine = said(tiny.generate(requests))
    monkeypatch.setitem(tiny.__dict__, "_takes_trees", False)
    assert said(tiny.generate(requests)) == mine
    assert len(set(mine.values())) > 6


def test_a_checkpoint_s_own_way_of_generating_is_left_out(tiny, tmp_path):
    lm = AutoModelForCausalLM.from_pretrained(tiny.model.path, dtype=torch.float32)
    lm.generation_config.update(repetition_penalty=9.0, no_repeat_ngram_size=1, eos_token_id=[1, 5], do_sample=True)
    lm.generation_config.update(temperature=0.3, top_k=3)
    lm.save_pretrained(tmp_path)
    tiny.tokenizer.save_pretrained(tmp_path)
    engine = Transformers(str(tmp_path))
    loaded = engine._network._lm.generation_config
    assert (loaded.eos_token_id, loaded.repetition_penalty, loaded.temperature) == ([1, 5], None, None)
    assert engine._network.final == {1, 5}
    requests = [Request(r.key, r.prompt, None, Sampling(max_tokens=8, stop=())) for r in drawn(3, 10)]
    wanted = said(engine.generate(requests))
    engine.__dict__["_takes_trees"] = False
    assert said(engine.generate(requests)) == wanted
    free = {r.key: likeliest(engine._network._lm, r.prompt, 8) for r in requests}
    assert wanted == {key: expected(tiny.tokenizer, ids, requests[0].sampling, {1, 5}) for key, ids in free.items()}


def test_an_encoder_has_no_way_of_generating():
    assert pretrained(Model("minilm")).config.hidden_size == 384


@pytest.mark.parametrize("name", ["prompt-tuning:tiny", "prefix-tuning:tiny"])
def test_behind_virtual_tokens_it_writes_what_is_likeliest(name, finsentiment, few):
    baseline = predictors.baseline(name, finsentiment, epochs=1, min_steps=6, tokens=7, lr=0.3).fit(few[:8])
    virtual = baseline.answering(baseline._network.body)
    engine = Transformers("tiny", lm=virtual)
    assert not engine._takes_trees
    how = Sampling(max_tokens=10, stop=("e",))
    requests = levels(7, how, seed=5)
    free = {r.key: likeliest(virtual, r.prompt, 10, (1,)) for r in requests}
    plain = pretrained(Model("tiny"))
    assert free["0"] != likeliest(plain, requests[0].prompt, 10, (1,))
    assert said(engine.generate(requests)) == {
        key: expected(engine.tokenizer, ids, how, {1}) for key, ids in free.items()
    }


@pytest.mark.slow
def test_a_real_model_writes_what_is_likeliest(smollm2):
    engine = create("transformers", "smollm2", smollm2)
    head = "Question: What is the capital of France?\nAnswer: The capital of France is Paris.\n\n"
    asks = ["What is two plus two?", "Name a large animal.", "Who wrote Hamlet?"]
    prompts = [tuple(engine.tokenizer(f"{head}Question: {ask}\nAnswer:")["input_ids"]) for ask in asks]
    how = Sampling(max_tokens=10, stop=("\n",))
    requests = [Request(str(i), prompt, None, how) for i, prompt in enumerate(prompts)]
    lm, final = engine._network._lm, engine._network.final
    assert final
    wanted = {r.key: expected(engine.tokenizer, likeliest(lm, r.prompt, 10, final), how, final) for r in requests}
    answers = list(engine.generate(requests))
    assert said(answers) == wanted
    assert sum(answer.usage.computed for answer in answers) == trie.nodes(requests)
