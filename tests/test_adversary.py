"""Adversarial training: its gradient, and what it leaves as it was."""

import numpy as np
import pytest
import torch
from trained import SHORT, cheap, stated

from harness import predictors
from harness.models.checkpoint import Model
from harness.models.embed import Encoder
from harness.predictors.adversary import Adversary
from harness.predictors.label_head import Classifier
from harness.predictors.networks import pretrained
from harness.results.vault import Vault


class TestAdversary:
    def gradients(self, network, items, size):
        """Of every parameter, and of the word embeddings, without dropout."""
        network.module.eval()
        network.module.zero_grad()
        targets = torch.tensor([0, 1, 2])

        def loss():
            return torch.nn.functional.cross_entropy(network.scores(items), targets)

        with Adversary(network.body, size) as adversary:
            loss().backward()
            adversary.attack(loss)
        return {name: p.grad.clone() for name, p in network.module.named_parameters() if p.grad is not None}

    @pytest.fixture
    def network(self, finsentiment):
        torch.manual_seed(0)
        return Classifier(Model("minilm"), pretrained(Model("minilm")), finsentiment.kind)

    def test_adds_the_gradient_at_words_moved_along_theirs(self, network, few):
        """Against the same, written with ``inputs_embeds``."""
        items, size = [few[0], few[8], few[16]], 0.7
        found = self.gradients(network, items, size)
        network.module.zero_grad()
        read = network.tokenizer([e.text for e in items], padding=True, return_tensors="pt")
        mask, targets = read["attention_mask"], torch.tensor([0, 1, 2])

        def loss(words):
            hidden = network.body(inputs_embeds=words, attention_mask=mask).last_hidden_state
            pooled = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
            return torch.nn.functional.cross_entropy(network.head(pooled), targets)

        words = network.body.get_input_embeddings()(read["input_ids"])
        (slope,) = torch.autograd.grad(loss(words), words, retain_graph=True)
        shift = torch.stack([size * row / row.norm() for row in slope])
        (loss(words) + loss(words + shift)).backward()
        for name, parameter in network.module.named_parameters():
            if parameter.grad is not None:
                torch.testing.assert_close(found[name], parameter.grad, atol=2e-5, rtol=1e-3)

    def test_changes_gradients_and_leaves_nothing_behind(self, network, few):
        items = [few[0], few[8], few[16]]
        words = network.body.get_input_embeddings()
        before = words.weight.detach().clone()
        plain, moved = (self.gradients(network, items, size) for size in (0.0, 1.0))
        assert not torch.allclose(plain["1.weight"], moved["1.weight"] / 2, atol=1e-4)
        assert torch.equal(words.weight, before)
        assert not words._forward_hooks

    @pytest.mark.slow
    @pytest.mark.parametrize("name", ["lora", "prompt-tuning:tiny"])
    def test_an_adapter_trained_against_one_is_kept_whole(self, name, finsentiment, few, tmp_path):
        """The frozen embeddings stay frozen, so that what is kept is all that was learnt."""
        items = finsentiment.examples("dev")[:8]
        made = [
            predictors.baseline(name, finsentiment, vault=Vault(tmp_path), adversarial=1.0, **SHORT).fit(few)
            for _ in range(2)
        ]
        assert len(list(tmp_path.iterdir())) == 1
        assert made[0]._network is not made[1]._network
        np.testing.assert_allclose(*(stated(each, items) for each in made), atol=1e-5)


def test_adversarial_steps_put_the_embeddings_back(finsentiment, data):
    train, _ = data
    still = cheap(
        "finetune", finsentiment, epochs=1, min_steps=1, lr=0.0, head_lr=0.0, adversarial=1.0, weight_decay=0.0
    )
    words = still.fit(train)._network.body.get_input_embeddings().weight.detach()
    assert torch.equal(words.cpu(), Encoder("minilm").model.get_input_embeddings().weight.detach().cpu())
