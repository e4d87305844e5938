"""What calibrations ask a model besides the items: content-free inputs, words of the pool, a sample."""

import pytest
from conftest import example

from harness import calibration
from harness.calibration.domain import LARGE
from harness.errors import InputError
from harness.types import Example

POOL = [
    Example(f"p{i}", {"title": title, "text": text}, "a")
    for i, (title, text) in enumerate(
        [("Port closed", "the port closed after the storm in May"), ("Mine sold", "a mine was sold"), ("Rain", "rain")]
    )
]
SAMPLE = [Example(f"s{i}", {"title": "t", "text": "u"}, "b") for i in range(4)]
FIELDS = ("title", "text")


class TestAsks:
    def test_content_free_inputs_fill_every_field(self):
        asked = calibration.create("contextual").asks(POOL, (), FIELDS, 0)
        assert [dict(e.inputs) for e in asked] == [{"title": t, "text": t} for t in ("N/A", "", "[MASK]")]

    def test_pmi_asks_without_an_input_and_without_demonstrations(self):
        made = calibration.create("pmi")
        assert [dict(e.inputs) for e in made.asks(POOL, (), FIELDS, 0)] == [{"title": "", "text": ""}]
        assert not made.demonstrated

    @pytest.mark.parametrize("name", ["batch", "batch:log", "supervised"])
    def test_the_sample_is_asked_as_it_is(self, name):
        made = calibration.create(name)
        assert list(made.asks(POOL, SAMPLE, FIELDS, 0)) == SAMPLE
        assert made.sampled
        assert made.labelled == (name == "supervised")

    @pytest.mark.parametrize("name", calibration.CALIBRATIONS)
    def test_who_reads_no_sample_asks_the_same_without_it(self, name):
        made = calibration.create(name)
        alike = list(made.asks(POOL, SAMPLE, FIELDS, 0)) == list(made.asks(POOL, SAMPLE[:2], FIELDS, 0))
        assert alike != made.sampled

    def test_made_up_ids_are_stable_distinct_and_none_of_the_data(self):
        for name in ("contextual", "domain", "pmi"):
            one, two = ([e.id for e in calibration.create(name).asks(POOL, SAMPLE, FIELDS, 3)] for _ in range(2))
            assert one == two
            assert len(set(one)) == len(one)
            assert not set(one) & {e.id for e in [*POOL, *SAMPLE]}
        assert calibration.create("pmi").asks((), (), ("text",), 0)[0].id == "pmi-0-2c1b434e179e1cc8cb2f7a585f80a3fe"

    def test_domain_draws_the_words_of_each_field_at_its_mean_length(self):
        asked = calibration.create("domain").asks(POOL, (), FIELDS, 0)
        assert len(asked) == 20
        for field, size in (("title", round(5 / 3)), ("text", round(13 / 3))):
            words = {word for e in POOL for word in e.inputs[field].split()}
            assert {len(e.inputs[field].split()) for e in asked} == {size}
            assert {word for e in asked for word in e.inputs[field].split()} <= words
        assert len({e.text for e in asked}) > 15

    def test_domain_draws_words_as_often_as_they_occur(self):
        pool = [example(i, "rare " + "common " * 9) for i in range(3)]
        words = " ".join(e.text for e in calibration.create("domain").asks(pool, (), ("text",), 0)).split()
        assert len(words) == 200
        assert 0.8 < words.count("common") / 200 < 0.97

    def test_domain_depends_on_the_seed_and_on_the_pool_as_a_set(self):
        made = calibration.create("domain")
        given = (POOL, 0), (POOL[::-1], 0), (POOL, 1)
        texts = [[e.text for e in made.asks(pool, (), FIELDS, seed)] for pool, seed in given]
        assert texts[0] == texts[1] != texts[2]

    def test_domain_of_a_large_pool_reads_a_part_of_it_however_it_is_ordered(self):
        pool = [example(f"{i:05}", f"word{i} here") for i in range(3 * LARGE)]
        made = calibration.create("domain")
        one, two = ([e.text for e in made.asks(each, (), ("text",), 0)] for each in (pool, pool[::-1]))
        assert one == two
        assert max(int(word[4:]) for text in one for word in text.split() if word != "here") > LARGE

    def test_domain_without_a_pool_takes_the_sample_and_without_either_says_what_to_do(self):
        made = calibration.create("domain")
        assert made.asks((), SAMPLE, FIELDS, 0)[0].inputs == {"title": "t", "text": "u"}
        with pytest.raises(InputError, match=r"'domain' draws words .* contextual and pmi need no data"):
            made.asks((), (), FIELDS, 0)

    @pytest.mark.parametrize(
        ("text", "size"),
        [("公司利好，股价上涨。", 10), ("株価が上がる", 6), ("ราคาหุ้นขึ้น", 12), ("", 0)],
    )
    def test_domain_counts_characters_where_a_script_has_no_spaces(self, text, size):
        made = calibration.create("domain").asks([example(1, text)], (), ("text",), 0)
        assert {len(e.text) for e in made} == {size}
        assert not any(" " in e.text for e in made)
        assert len({e.id for e in made}) == 20

    def test_domain_keeps_the_space_beside_words_that_have_one(self):
        texts = {e.text for e in calibration.create("domain").asks([example(1, "利 IBM")], (), ("text",), 0)}
        assert texts == {"利利", "利 IBM", "IBM 利", "IBM IBM"}
