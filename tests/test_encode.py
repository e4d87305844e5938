"""The boundary between context and choice, and BOS."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from harness import builtin
from harness.errors import InputError
from harness.models.checkpoint import Model
from harness.prompt import template
from harness.prompt.encode import Encoder
from harness.task import definition
from harness.types import Message, Prompt


@pytest.fixture(scope="module")
def encoder():
    return Encoder(Model("tiny").tokenizer)


@settings(max_examples=200, deadline=None)
@given(
    st.text(min_size=1, max_size=40),
    st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=4, unique=True),
)
def test_prompt_and_choice_together_are_the_tokens_of_the_whole_text(encoder, context, choices):
    try:
        (found,) = encoder.encode([Prompt("x", context, tuple(choices), ())])
    except InputError:  # a choice that adds no token, by merging into the context
        return
    for choice, ids in zip(choices, found.choices, strict=True):
        assert [*found.prompt, *ids] == [
            encoder.tokenizer.bos_token_id,
            *encoder.tokenizer.encode(context + choice, add_special_tokens=False),
        ]


def merging(bos: str | None = "<s>"):
    """A tokenizer of letters that merges ``b c`` into one token across what may be a boundary."""
    vocab = {"<s>": 0, "a": 1, "b": 2, "c": 3, "d": 4, "bc": 5}
    raw = Tokenizer(models.BPE(vocab, [("b", "c")]))
    raw.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    if bos:
        raw.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    return Encoder(PreTrainedTokenizerFast(tokenizer_object=raw, bos_token=bos))


def test_a_token_merged_across_the_boundary_moves_it_for_every_choice():
    (found,) = merging().encode([Prompt("x", "ab", ("c", "d"), ())])
    assert found.prompt == (0, 1)
    assert found.choices == ((5,), (2, 4))


def test_one_bos_never_two():
    encoder = merging()
    assert encoder.tokens(["ab"]) == [(0, 1, 2)]
    assert encoder.tokens(["<s>ab"]) == [(0, 1, 2)]


def test_chat_template_is_applied_once_and_brings_the_only_bos(encoder):
    prompt = Prompt("x", (Message("user", "hello"),), ("yes", "no"), ())
    (found,) = encoder.encode([prompt])
    assert encoder.tokenizer.decode(found.prompt) == "<s><|user|>\nhello<|end|>\n<|assistant|>\n"


def test_a_chat_prompt_needs_a_chat_template():
    with pytest.raises(InputError, match="no chat template"):
        merging().encode([Prompt("x", (Message("user", "a"),), ("b",), ())])


def test_an_empty_choice_or_prompt_is_refused(encoder):
    with pytest.raises(InputError, match="adds no token"):
        encoder.encode([Prompt("7", "text", ("", "b"), ())])
    with pytest.raises(InputError, match="prompt is empty"):
        merging(bos=None).encode([Prompt("7", "", ("a", "b"), ())])


@pytest.mark.parametrize("name", builtin.names("prompts/finsentiment", ".j2"))
def test_every_shipped_template_renders_and_keeps_labels_apart(encoder, name):
    finsentiment = definition.load("finsentiment")
    made = template.load(name, finsentiment)
    train, test = finsentiment.examples("train"), finsentiment.examples("test")
    for shots in (0, 5):
        (found,) = encoder.encode([made.render(test[0], train[:shots])])
        assert len(set(found.choices)) == 3
        text = encoder.tokenizer.decode(found.prompt)
        assert test[0].text in text
        assert all(shot.text in text for shot in train[:shots])
        assert text.count("<s>") == 1
