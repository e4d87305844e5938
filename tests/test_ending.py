"""Labels that begin one another: the end of an answer is scored with each."""

import math
from pathlib import Path

import pytest
from chats import chatml, headers, turns
from conftest import example
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import InputError
from harness.models.checkpoint import Model
from harness.predictors.chooser import Chooser
from harness.predictors.networks import pretrained
from harness.predictors.prompted import Prompted
from harness.prompt import ending, template
from harness.prompt.encode import Encoder
from harness.prompt.selectors.fixed import Fixed
from harness.task import definition
from harness.types import Answer, Prompt

PLAIN = "{% for s in shots %}Review: {{ s.text }}\nScore: {{ s.answer }}\n\n{% endfor %}Review: {{ text }}\nScore:"
CHAT = (
    "{% for s in shots %}{% user %}{{ s.text }}{% enduser %}{% assistant %}{{ s.answer }}{% endassistant %}{% endfor %}"
    "{% user %}{{ text }}{% enduser %}"
)
STARS = tuple(map(str, range(1, 11)))
ITEM = example("x", "Ten out of ten", "10")


@pytest.fixture
def scored(tmp_path):
    """A template of a task whose labels are given."""

    def make(source, labels=STARS):
        folder = tmp_path / "stars"
        folder.mkdir(exist_ok=True)
        names = ", ".join(f'"{label}"' for label in labels)
        (folder / "task.yaml").write_text(
            f"kind: classification\ninputs: [text]\ntarget: label\nlabels: [{names}]\nsplits: {{test: t.jsonl}}\n"
        )
        task = definition.Task("stars", folder, *definition._read(folder / "task.yaml"))
        return template.parse("t", Path("t.j2"), source, task)

    return make


@given(st.lists(st.text("01ab", max_size=4), max_size=6))
def test_one_row_that_begins_another_is_found(rows):
    found = any(i != j and b.startswith(a) for i, a in enumerate(rows) for j, b in enumerate(rows))
    assert ending.begin_one_another(rows) is found


@pytest.mark.parametrize(
    ("source", "end"),
    [
        (PLAIN, "\n"),
        (PLAIN.replace("s.answer }}", "s.answer }}."), "."),
        (PLAIN.replace("s.answer }}", "s.answer }}</score>"), "<"),
        (PLAIN.replace("s.answer }}", "s.label }}"), "\n"),
        (PLAIN.replace("s.answer }}", "s.answer | upper }}"), "\n"),
        (PLAIN.replace("Score: {{ s.answer }}", "Score: {{ s.answer }} ({{ s.text }})"), " "),
        ("{% for s in shots %}{{ s.text }} => {{ s.answer }}\t{% endfor %}{{ text }} =>", "\t"),
        ("Review: {{ text }}\nScore:", "</s>"),
        ("{% for s in shots %}{{ s.text }}{{ s.answer }}{% endfor %}{{ text }}:", "</s>"),
        ("{{ text[3] ~ shots[2].text }}{{ shots[9].answer }}\nScore:", "</s>"),
        (CHAT, "<|end|>"),
        (CHAT.replace("s.answer }}", "s.answer }}!"), "!"),
        ("{% user %}{{ text }}{% enduser %}", "<|end|>"),
        ("{% user %}{{ text }}{% enduser %}{% assistant %}Score: {% endassistant %}", "<|end|>"),
    ],
)
def test_the_end_is_what_the_template_writes_after_an_answer(scored, source, end):
    encoder = Encoder(Model("tiny").tokenizer, scored(source))
    assert encoder.end == end


@pytest.mark.parametrize(("make", "end"), [(chatml, "<|im_end|>"), (headers, "<|eot_id|>"), (turns, "<end_of_turn>")])
def test_a_chat_s_answer_ends_as_its_model_s_turns_do(scored, make, end):
    assert Encoder(make(), scored(CHAT)).end == end
    assert Encoder(make(), scored(CHAT), scores=False).end == ""


def test_newlines_are_the_tokens_that_demonstrations_have(scored):
    encoder = Encoder(headers(), scored(PLAIN))
    assert encoder.end == "\n\n"  # one token to this model
    shot = example("2", "Good", "7")
    (found,) = encoder.encode([scored(PLAIN).render(ITEM, [shot])])
    text = scored(PLAIN).render(ITEM, [shot]).content
    written = encoder.tokens([text])[0]
    seven = found.choices[6]
    assert any(written[i : i + len(seven)] == seven for i in range(len(written)))


@pytest.mark.parametrize("labels", [("no", "no idea", "yes"), ("a", "ab", "abc"), STARS])
@pytest.mark.parametrize("source", [PLAIN, CHAT], ids=["completion", "chat"])
def test_each_choice_ends_and_none_begins_another(scored, labels, source):
    asked = scored(source, labels)
    encoder = Encoder(Model("tiny").tokenizer, asked)
    (found,) = encoder.encode([asked.render(ITEM)])
    assert not ending.begin_one_another(found.choices)
    texts = [encoder.tokenizer.decode(list(ids)) for ids in found.choices]
    space = " " if source == PLAIN else ""
    assert texts == [space + label + encoder.end for label in labels]
    assert encoder.manner == {"end": '"\\n"' if source == PLAIN else '"<|end|>"'}


def test_where_no_choice_begins_another_nothing_changes(scored):
    asked = scored(PLAIN, ("cat", "dog"))
    tokenizer = Model("tiny").tokenizer
    prompts = [asked.render(ITEM)]
    assert Encoder(tokenizer, asked).encode(prompts) == Encoder(tokenizer).encode(prompts)
    assert Encoder(tokenizer, asked).manner == {}


def test_choices_that_are_the_same_tokens_are_refused():
    with pytest.raises(InputError, match=r"same tokens.*other verbalizer words"):
        Encoder(turns()).encode([Prompt("1", "Label:", (" 公", " 司"), ())])


def test_tokens_decide_too(scored):
    asked = scored(PLAIN, ("公", "公司"))  # unknown characters, whose run is one token
    assert Encoder(turns(), asked).follows
    asked = scored(PLAIN, ("cat", "dog"))
    assert not Encoder(turns(), asked).follows


class Planted:
    """An engine with planted beliefs: what follows "Score:" by token, such that 10 is likelier than 1."""

    def __init__(self):
        self.tokenizer, self.max_length = Model("tiny").tokenizer, 4096
        self.identity = {"model": "planted", "engine": "planted"}

    def score(self, requests, known=()):
        for request in requests:
            rows = []
            for choice in request.choices:
                text, row = "", []
                for token in choice:
                    row.append(math.log(self.belief(text, self.tokenizer.decode([token]))))
                    text += self.tokenizer.decode([token])
                rows.append(tuple(row))
            yield Answer(request.key, choice_logprobs=tuple(rows))

    @staticmethod
    def belief(said, token):
        said = said.strip()
        if said == "":
            return 0.9 if token.strip() in ("1", "") else 0.8 if token.strip() == "10" else 0.01
        if said == "1":
            return {"0": 0.95, "\n": 0.05}.get(token, 1e-6)
        return 0.9


def test_ten_can_win(scored):
    found = Prompted(scored(PLAIN), Planted(), Fixed()).fit([]).predict([ITEM])
    (prediction,) = found
    assert prediction.output == "10"
    assert prediction.label_logprobs[9] > prediction.label_logprobs[0] + 2


def test_scores_are_those_of_a_plain_forward_pass_and_of_fine_tuning(scored, tiny):
    import torch

    asked = scored(PLAIN)
    shots = [example(str(i), f"review {i}", str(i)) for i in (3, 10, 1)]
    prompted = Prompted(asked, tiny, Fixed(ids=("3", "10", "1")), 3).fit(shots)
    (prediction,) = prompted.predict([ITEM])
    assert ("end", '"\\n"') in prompted.signature.pairs
    text = asked.render(ITEM, prompted.demos([ITEM])[0].examples).content
    tokenizer, network = tiny.tokenizer, pretrained(Model("tiny"))
    for label, logprobs in zip(map(str, range(1, 11)), prediction.trace.choice_logprobs, strict=True):
        head = tokenizer(text)["input_ids"]
        ids = tokenizer(f"{text} {label}\n")["input_ids"]
        with torch.inference_mode():
            logits = network(torch.tensor([ids])).logits[0].float().log_softmax(-1)
        plain = sum(float(logits[i - 1, ids[i]]) for i in range(len(head), len(ids)))
        assert math.fsum(logprobs) == pytest.approx(plain, abs=1e-4)
    (alone,) = Prompted(asked, tiny, Fixed()).fit([]).predict([ITEM])
    with torch.inference_mode():
        trained = Chooser(Model("tiny"), network, asked).scores([ITEM])[0]
    sums = [math.fsum(row) for row in alone.trace.choice_logprobs]
    assert trained.tolist() == pytest.approx(sums, abs=1e-4)
