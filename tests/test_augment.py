"""Training texts made anew."""

import pytest
from conftest import example

from harness.predictors.augment import AUGMENTATIONS, augmented


class TestAugmentation:
    TEXT = example("a", "one two three four five six seven eight nine ten")

    @pytest.mark.parametrize("kind", AUGMENTATIONS)
    def test_is_a_pure_function_of_seed_epoch_and_id(self, kind):
        assert augmented(self.TEXT, kind, 0, 1) == augmented(self.TEXT, kind, 0, 1)
        views = {augmented(self.TEXT, kind, 0, epoch).text for epoch in range(30)}
        assert (len(views) > 1) == (kind != "none")

    def test_dropout_leaves_words_in_order_and_swap_the_same_words(self):
        words = self.TEXT.text.split()
        for epoch in range(30):
            kept = augmented(self.TEXT, "word-dropout", 0, epoch).text.split()
            assert kept == [word for word in words if word in kept]
            assert sorted(augmented(self.TEXT, "word-swap", 0, epoch).text.split()) == sorted(words)

    def test_text_without_spaces_goes_by_characters(self):
        chinese = example("c", "公司利润大幅增长超出市场预期很多")
        assert augmented(chinese, "word-swap", 0, 1).text != chinese.text
        assert " " not in augmented(chinese, "word-swap", 0, 1).text
