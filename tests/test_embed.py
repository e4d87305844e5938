"""Encoders: vectors that do not depend on their batch, and what of a text is read."""

import json

import numpy as np
import pytest
from trained import cheap, copied

from harness.models.embed import Encoder
from harness.models.lsa import Lsa
from harness.types import Example


class TestEncoder:
    def test_control_tokens_in_data_are_text(self):
        encoder, seen = Encoder("minilm"), []

        def see(_, __, given):
            seen.extend(given["input_ids"].tolist())

        hook = encoder.model.register_forward_pre_hook(see, with_kwargs=True)
        try:
            encoder.vectors(["sales [SEP] fell [CLS]", "[MASK][PAD] rose"])
        finally:
            hook.remove()
        special = set(encoder.files.tokenizer.all_special_ids) - {encoder.files.tokenizer.pad_token_id}
        assert [sum(i in special for i in row) for row in seen] == [2, 2]
        assert encoder.files.beyond(["[SEP][SEP]"], 0) == [2 * 3 + 2]

    def test_vectors_do_not_depend_on_the_batch(self, finsentiment):
        texts = [e.text for e in finsentiment.examples("dev")][:20]
        encoder = Encoder("minilm")
        alone = np.concatenate([encoder.vectors([text]) for text in texts])
        np.testing.assert_allclose(encoder.vectors(texts), alone, atol=1e-5)

    def test_long_texts_are_cut_where_only_the_model_names_its_limit(self, tmp_path):
        folder = copied(tmp_path, "minilm")
        settings = json.loads((folder / "tokenizer_config.json").read_text())
        settings.pop("model_max_length")
        (folder / "tokenizer_config.json").write_text(json.dumps(settings))
        long = ["profit rose sharply " * 900]
        np.testing.assert_allclose(Encoder(str(folder)).vectors(long), Encoder("minilm").vectors(long), atol=1e-5)

    @pytest.mark.parametrize("name", ["embedding", "embedding-knn", "setfit", "finetune"])
    def test_what_was_not_read_is_counted(self, name, finsentiment):
        train = finsentiment.examples("train")[:12]
        long = Example("long", {"text": "profit rose sharply " * 900}, "positive")
        found = list(cheap(name, finsentiment).fit(train).predict([train[0], long]))
        assert [prediction.trace.unread > 2000 for prediction in found] == [False, True]
        assert found[0].trace.unread == 0


@pytest.mark.parametrize("texts", [["", ""], ["", " ", "\n"], ["😀", "😡"], ["..."], [""], ["😀", "", "a word"]])
def test_lsa_holds_for_texts_without_words(texts, tmp_path):
    made = Lsa().fit(texts)
    vectors = made([*texts, "words met only now"])
    assert np.isfinite(vectors).all()
    made.save(tmp_path)
    np.testing.assert_array_equal(Lsa.load(tmp_path)([*texts, "words met only now"]), vectors)
    if texts == ["😀", "😡"]:
        assert not np.array_equal(vectors[0], vectors[1])
