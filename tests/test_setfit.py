"""SetFit: its pairs, and that it is kept whole."""

import pytest
from trained import cheap

from harness.predictors.head import Head
from harness.predictors.setfit import SetFit
from harness.results.vault import Vault


class TestPairs:
    TARGETS = ("a", "b", "a", "c", "b", "a", "c")

    def pairs(self, **params):
        return SetFit(("a", "b", "c"), **params).pairs(self.TARGETS)

    def test_say_whether_the_labels_agree(self):
        found = self.pairs()
        assert len(found) == 2 * 20 * len(self.TARGETS)
        assert all((self.TARGETS[i] == self.TARGETS[j]) == bool(cosine) for i, j, cosine in found)
        assert sum(cosine for _, _, cosine in found) == len(found) / 2

    def test_are_drawn_by_the_seed_and_bounded(self):
        assert self.pairs(seed=0) == self.pairs(seed=0) != self.pairs(seed=1)
        assert self.pairs(max_pairs=25) == self.pairs()[:25]
        assert self.pairs(iterations=0) == []

    def test_a_store_that_fails_leaves_nothing_and_loses_nothing(self, finsentiment, data, tmp_path, monkeypatch):
        made = cheap("setfit", finsentiment, max_pairs=4, vault=Vault(tmp_path))

        def cut(head, folder):
            raise OSError("disk full")

        monkeypatch.setattr(Head, "save", cut)
        assert len(list(made.fit(data[0][:16] + data[0][-16:]).predict(data[1][:4]))) == 4
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.slow
    def test_epochs_see_them_again(self, finsentiment, data):
        made = cheap("setfit", finsentiment, max_pairs=16, epochs=3).fit(data[0])
        assert [entry["epoch"] for entry in made.history] == [1.0, 2.0, 3.0]
