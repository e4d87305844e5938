"""vLLM for real: what it computes, its choices against a plain pass, constraints, LoRA adapters, and its options."""

import itertools
import json
import random
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from conftest import ROOT
from contract import EngineContract, scores, straight, worst
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import predictors
from harness.cli import main
from harness.engines import create, trie
from harness.engines.branches import branches
from harness.engines.lora import Adapter
from harness.engines.transformers import Transformers
from harness.errors import InputError
from harness.predictors.prompted import Prompted
from harness.prompt import selectors, template
from harness.prompt.encode import Encoder
from harness.results.vault import Vault
from harness.types import Constraint, Request, Sampling

WIDTH = 128
SETS = st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=5).map(tuple), min_size=1, max_size=40)


def computed(runs, block):
    """Token positions that runs (prompt, tokens fed after it) take one after the other, when only what is new behind
    the longest run of full blocks known is computed, and always a prompt's last token."""
    known, total = set(), 0
    for prompt, fed in runs:
        blocks = [prompt[:end] for end in range(block, len(prompt) + 1, block)]
        hit = max((len(head) for head in blocks if head in known and head != prompt), default=0)
        total += len(prompt) - hit + fed
        known.update(blocks)
    return total


def runs(request, width=WIDTH):
    return [(request.prompt + b.path[: b.start], len(b.path) - b.start - 1) for b in branches(request.choices, width)]


def one_by_one(request, width=WIDTH):
    """The runs of one request for up to ``width`` choices of one token, and one for each longer choice."""
    singles = sum(len(choice) == 1 for choice in set(request.choices))
    longer = [choice for choice in set(request.choices) if len(choice) > 1]
    return [(request.prompt, 0)] * -(-singles // width) + [(request.prompt, len(choice) - 1) for choice in longer]


@settings(deadline=None)
@given(SETS, st.integers(1, 8))
def test_every_token_of_every_choice_is_read_exactly_once(choices, width):
    wanted = {choice[:end] for choice in choices for end in range(1, len(choice) + 1)}
    made = branches(choices, width)
    read = [beginning for branch in made for beginning in branch.reads]
    assert sorted(read) == sorted(wanted)
    for branch in made:
        assert len(branch.ids) <= width
        for *way, token in branch.reads:
            assert branch.path[: len(way)] == tuple(way)  # it is on its way
            assert branch.start <= len(way)  # and says rather than is fed what it reads
            assert token == branch.path[len(way)] or token in branch.ids


@settings(deadline=None)
@given(SETS, st.integers(1, 8), st.integers(1, 70), st.sampled_from([16, 32]))
def test_branches_never_compute_more_than_a_request_for_each_choice(choices, width, length, block):
    request = Request("a", tuple(range(100, 100 + length)), tuple(choices))
    assert computed(runs(request, width), block) <= computed(one_by_one(request, width), block)


def test_labels_that_begin_alike_share_a_run():
    topics = [(word, 10 + word, 20 + end) for word in range(7) for end in range(10)]
    singles = [(100 + i,) for i in range(7)]
    made = branches([*topics, *singles], WIDTH)
    assert [branch.path[:-1] for branch in made if branch.start == 0] == [(0, 10)]
    assert sum(len(branch.reads) for branch in made) == 70 + 7 + 7 + 7
    assert len(made) == 7  # not 70 + 1
    assert len(branches([(i,) for i in range(150)], WIDTH)) == 2
    assert len(branches([(i,) for i in range(77)], WIDTH)) == 1


def tokens(rng, low, high):
    return tuple(rng.randrange(7, 4000) for _ in range(rng.randint(low, high)))


def fixed_shots(rng):
    head = tokens(rng, 230, 260)
    return [head + tokens(rng, 5, 40) for _ in range(30)]


def shots_of_each_item(rng):
    pool = [tokens(rng, 20, 50) for _ in range(8)]
    return [sum(rng.sample(pool, 4), ()) + tokens(rng, 5, 40) for _ in range(30)]


def all_orders(rng):
    shots = [tokens(rng, 20, 50) for _ in range(4)]
    items = [tokens(rng, 5, 40) for _ in range(3)]
    return [sum(order, ()) + item for order in itertools.permutations(shots) for item in items]


def templates(rng):
    return [head + item for head in [tokens(rng, 90, 140) for _ in range(8)] for item in [tokens(rng, 5, 40)] * 4]


@pytest.mark.vllm
@pytest.mark.slow
class TestVllm(EngineContract):
    # On a GPU what vLLM calls float32 is not all of it: an H200 was up to 9.4e-3 off, here and in the test below.
    tolerance = 2e-2 if torch.cuda.is_available() else 1e-3

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
        assert worst(one, two) < self.tolerance

        def best(found):
            return {key: max(range(3), key=lambda i: sum(rows[i])) for key, rows in found.items()}

        assert best(one) == best(two)

    @pytest.mark.parametrize("labels", [77, 150])
    def test_many_labels(self, engine, labels):
        """Of one token each, and of two to four, of which many begin alike."""
        rng = random.Random(labels)
        single = tuple((token,) for token in rng.sample(range(7, 4000), labels))
        firsts = rng.sample(range(7, 4000), 9)
        several = tuple({(rng.choice(firsts), *tokens(rng, 1, 3)) for _ in range(labels)})
        requests = [Request("single", (0, 20, 21), single), Request("several", (0, 20, 22), several + single[:5])]
        assert worst(scores(engine, requests), straight(engine.model.path, requests)) < self.tolerance

    @pytest.mark.parametrize("prompts", [fixed_shots, shots_of_each_item, all_orders, templates])
    @pytest.mark.parametrize("choices", [((7,), (8,), (9,)), ((7, 8, 9), (7, 8, 10), (11, 12), (13,))])
    def test_no_full_block_is_computed_twice(self, engine, prompts, choices):
        """Where nothing was cached before: exactly what one request after the other would compute."""
        made = prompts(random.Random(f"{prompts.__name__}{choices}"))
        requests = trie.order(Request(str(i), prompt, choices) for i, prompt in enumerate(made))
        found = sum(answer.usage.computed for answer in engine.score(requests[::-1]))
        assert found == computed([run for request in requests for run in runs(request)], engine.block_size)

    def test_a_prompt_that_is_cached_wholly_costs_its_last_block(self, engine):
        prompt = tokens(random.Random(4), 96, 96)
        costs = [next(engine.score([Request("a", prompt, ((7,),))])).usage.computed for _ in range(2)]
        assert costs == [96, engine.block_size]
        how = Sampling(max_tokens=3, stop=())
        (answer,) = engine.generate([Request("a", prompt, None, how)])
        assert answer.usage.computed == engine.block_size  # what it said is counted apart

    def test_answers_held_to_the_labels_are_all_parsed(self, engine, finsentiment, tmp_path):
        path = tmp_path / "held.j2"
        path.write_text("---\nconstrain: labels\n---\nNews: {{ text }}\nThe mood is\n")
        items = finsentiment.examples("test")[:40]
        made = Prompted(template.load(str(path), finsentiment), engine, selectors.create("balanced"), mode="generate")
        assert all(p.output in finsentiment.kind.outputs for p in made.fit(()).predict(items))
        path.write_text("News: {{ text }}\nThe mood is\n")
        free = Prompted(template.load(str(path), finsentiment), engine, selectors.create("balanced"), mode="generate")
        assert any(p.output is None for p in free.fit(()).predict(items))

    def test_answers_held_to_a_schema_are_json_with_the_field(self, engine, finsentiment, tmp_path):
        path = tmp_path / "json.j2"
        path.write_text(
            "---\nmax_tokens: 40\nanswer_field: mood\nconstrain:\n  json_schema:\n    type: object\n"
            "    properties: {sure: {type: boolean}, mood: {enum: [positive, negative, neutral]}}\n"
            "    required: [sure, mood]\n    additionalProperties: false\n---\nNews: {{ text }}\nJSON:\n"
        )
        made = Prompted(template.load(str(path), finsentiment), engine, selectors.create("balanced"), mode="generate")
        found = list(made.fit(()).predict(finsentiment.examples("test")[:20]))
        for prediction in found:
            said = json.loads(prediction.trace.raw)
            assert isinstance(said["sure"], bool)
            assert prediction.output == said["mood"]

    def test_answers_held_to_a_regular_expression_match_it(self, engine):
        how = Sampling(max_tokens=8, stop=(), constraint=Constraint("regex", r"[0-9]{2}-[a-c]"))
        requests = [Request(str(i), (0, 20 + i), None, how) for i in range(8)]
        for answer in engine.generate(requests):
            assert len(answer.text) == 4
            assert answer.text[2] == "-"
            assert answer.finish == "stop"

    @pytest.mark.parametrize(
        "constraint",
        [Constraint("regex", "(unclosed"), Constraint("json", '{"type": "strnig"}'), Constraint("choice", ())],
        ids=lambda constraint: constraint.kind,
    )
    def test_a_constraint_that_cannot_be_is_an_input_error_before_anything_is_asked(self, engine, constraint):
        good, bad = Sampling(stop=()), Sampling(stop=(), constraint=constraint)
        requests = [Request("good", (0, 20), None, good), Request("bad", (0, 21), None, bad)]
        with pytest.raises(InputError, match=f"vLLM cannot hold answers to the {constraint.kind}"):
            next(engine.generate(requests))
        assert not engine._engine.has_unfinished_requests()
        assert len(list(engine.generate(requests[:1]))) == 1


@pytest.fixture(scope="module")
def adapter(tmp_path_factory, finsentiment):
    """A LoRA adapter that the baseline trained on the embedded model, and the network it is part of."""
    vault = Vault(tmp_path_factory.mktemp("models"))
    made = predictors.baseline("lora:tiny", finsentiment, vault=vault, min_steps=20, epochs=1, rank=4, lr=5e-3)
    made.fit(finsentiment.examples("train")[:48])
    (folder,) = (path for path in vault.root.iterdir() if not path.name.startswith("."))
    return folder, made.answering(made._network.body)


@pytest.mark.vllm
@pytest.mark.slow
def test_a_fine_tuned_adapter_runs_inside_vllm(vllm_tiny, tiny, adapter):
    folder, merged = adapter
    rng = random.Random(2)
    requests = [Request(str(i), (0, *tokens(rng, 20, 90)), ((7,), (8, 9), (8, 10, 11))) for i in range(12)]
    engine = create("vllm", "tiny", dtype="float32", lora=str(folder), max_model_len="512", gpu_memory_utilization=0.3)
    assert engine.max_length == 512
    assert dict(engine.identity)["lora"] == Adapter(str(folder)).fingerprint
    try:
        found = scores(engine, requests)
    finally:
        engine.release()
    assert worst(found, scores(Transformers("tiny", dtype="float32", lm=merged), requests)) < 1e-3
    assert worst(found, scores(tiny, requests)) > 0.05  # the adapter does something


def test_what_is_no_adapter_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match=r"holds no adapter_config\.json"):
        Adapter(str(tmp_path)).room  # noqa: B018
    (tmp_path / "adapter_model.safetensors").write_bytes(b"")
    for said, message in (
        ("{", "no configuration of a LoRA adapter"),
        ('{"peft_type": "PREFIX_TUNING", "r": 1}', "vLLM takes LoRA only"),
        ('{"peft_type": "LORA", "r": 1000}', "vLLM takes 512 at most"),
    ):
        (tmp_path / "adapter_config.json").write_text(said)
        with pytest.raises(InputError, match=message):
            Adapter(str(tmp_path)).room  # noqa: B018
    (tmp_path / "adapter_config.json").write_text('{"peft_type": "LORA", "r": 4, "rank_pattern": {"q_proj": 20}}')
    assert Adapter(str(tmp_path)).room == 32


@pytest.mark.vllm
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tensor_paralel_size": 2}, "unknown option of the engine 'vllm' 'tensor_paralel_size'. Did you mean"),
        ({"tensor_parallel_size": "two"}, "tensor_parallel_size='two' is no int; its default is 1"),
        ({"max_model_len": "long"}, "max_model_len='long' is no int"),
        ({"pipeline_parallel_size": 0}, "pipeline_parallel_size=0 must be 1 or more"),
        ({"gpu_memory_utilization": "1.5"}, "gpu_memory_utilization=1.5 must lie in"),
        ({"lm": None}, "unknown option of the engine 'vllm' 'lm'"),
    ],
)
def test_options_that_cannot_be_are_input_errors(options, message):
    pytest.importorskip("vllm")
    with pytest.raises(InputError, match=message):
        create("vllm", "tiny", **options)


@pytest.mark.vllm
def test_options_that_can_change_an_answer_are_in_the_signature():
    pytest.importorskip("vllm")
    plain = create("vllm", "tiny").identity
    same = create("vllm", "tiny", gpu_memory_utilization=0.5, block_size=64, tensor_parallel_size=1)
    assert same.identity == plain
    assert same.block_size == 64
    other = {"tensor_parallel_size": 2, "pipeline_parallel_size": 2, "quantization": "fp8", "kv_cache_dtype": "fp8"}
    for name, value in {**other, "max_model_len": 256}.items():
        assert dict(create("vllm", "tiny", **{name: value}).identity) == {**plain, name: str(value)}
    if create("vllm", "tiny").identity["device"] == "cpu":
        assert create("vllm", "tiny").block_size == 32
        with pytest.raises(InputError, match="multiple of 32"):
            create("vllm", "tiny", block_size=16).block_size  # noqa: B018


@pytest.mark.parametrize("command", ["run", "show", "check"])
def test_the_command_line_passes_options_on_and_refuses_what_they_cannot_be(project, command):
    """Told before anything is asked or written."""
    more = {"check": ("--template", "plain", "--against", "plain")}.get(command, ())
    base = (command, "--task", "pets", *more, "--engine", "transformers", "--engine-with")
    for said, message in (
        ("devise=cpu", "unknown option of the engine 'transformers' 'devise'. Did you mean 'device'"),
        ("device", "--engine-with 'device': give NAME=VALUE"),
        ("lm=x", "unknown option of the engine 'transformers' 'lm'"),
    ):
        done = CliRunner().invoke(main, [*base, said])
        assert done.exit_code == 2
        assert message in done.stderr
    assert not Path("results").exists()
    done = CliRunner().invoke(main, [*base, "device=cpu", "--dtype", "float32"])
    assert done.exit_code in (0, 3), done.stderr
