"""Engines against a plain forward pass, against each other, and in whatever order they are asked."""

import pytest
import torch
from contract import EngineContract, drawn, scores, straight, worst
from transformers import AutoModelForCausalLM, BloomConfig, GPT2Config, GptOssConfig, LlamaConfig, MistralConfig

from harness.engines import choose, create, trie
from harness.engines.transformers import NODES
from harness.errors import InputError
from harness.models.checkpoint import Model
from harness.types import Request, Sampling


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
        nodes = trie.trie_size(s for r in requests for s in trie.sequences(r))
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
