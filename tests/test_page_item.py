"""An item opened in the page: its text, the answers of two rows, and what they were asked."""

import shlex
import subprocess

import made_pages
import pytest
from hostile import TEXTS

pytestmark = pytest.mark.slow

ZH = "中国人民银行今天宣布下调存款准备金率。"
AR = "أعلن البنك المركزي عن خفض سعر الفائدة اليوم"
EN = "Angela Merkel met the 😀 ECB in Frankfurt."


def opened(reader, data, item, **options):
    page = reader.open(made_pages.page(data), f"#id={item}", **options)
    page.wait_for_selector(".answers")
    return page


def test_an_item_shows_all_that_is_known_of_both_answers(reader):
    data = made_pages.classes(40)
    page = opened(reader, data, "item-7")
    assert page.locator(".question .text").first.inner_text() == data["texts"]["inputs"][0]["texts"][7]
    sides = page.locator(".answer")
    assert sides.locator("h3 bdi").all_inner_texts() == [row["title"] for row in data["table"]["rows"][:2]]
    assert sides.nth(0).locator("pre").first.inner_text() == data["answers"][0]["raw"][7]
    assert sides.nth(0).locator(".stated td.figures").all_inner_texts() == ["0.812", "0.101"]
    assert sides.nth(0).get_by_text("40 tokens").is_visible()
    sides.nth(0).get_by_text("Demonstrations (2)").click()
    assert sides.nth(0).locator(".demos .id").all_inner_texts() == ["train-0", "train-2"]
    expected = data["texts"]["demos"]["train-2"]["inputs"]["text"]
    assert sides.nth(0).locator(".demos li").nth(1).locator(".text").first.inner_text() == expected


def test_the_prompt_is_the_one_the_model_got_and_is_copied_as_it_is(reader):
    data = made_pages.classes(40, texts=["\x1b[31mred\u202e and\n\ttabs", *TEXTS])
    page = opened(reader, data, "item-0", permissions=["clipboard-read", "clipboard-write"])
    side = page.locator(".answer").first
    side.get_by_text("Prompt", exact=True).click()
    side.get_by_text("As the model got it.").wait_for()
    assert side.locator("pre").last.text_content() == "<s>Say what it is.\n\n\\u001b[31mred\\u202e and\n\ttabs"
    side.get_by_role("button", name="Copy the prompt").click()
    side.get_by_text("Copied").wait_for()
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert copied == "<s>Say what it is.\n\n\x1b[31mred\u202e and\n\ttabs"
    other = page.locator(".answer").nth(1)
    other.get_by_text("Prompt", exact=True).click()
    other.get_by_text("This file has no prompt of it.").wait_for()


def test_a_copied_command_is_one_command_whatever_the_id_is(reader):
    ids = [*TEXTS, "it's; touch x", "$(touch x)", "`touch x`", "--help", "", "a b"]
    ids = [each for each in ids if "\0" not in each and not any("\ud800" <= c <= "\udfff" for c in each)]
    data = made_pages.classes(len(ids))
    data["items"]["ids"] = ids
    page = reader.open(made_pages.page(data), permissions=["clipboard-read", "clipboard-write"])
    page.keyboard.press("o")
    for place, name in enumerate(ids):
        if place:
            page.keyboard.press("j")
        page.locator(".sheet header .note", has_text=f"{place + 1} of {len(ids)}").wait_for()
        page.wait_for_function(f"() => document.querySelector('.list [aria-selected=true]')?.dataset.at === '{place}'")
        page.wait_for_selector(".answer .command")
        page.locator(".answer").first.get_by_role("button", name="Copy the command").click()
        page.locator(".answer").first.get_by_text("Copied").wait_for()
        command = page.evaluate("() => navigator.clipboard.readText()")
        words = command.removeprefix("harness show --task labels --item ")
        assert words != command
        said = subprocess.run(["bash", "-c", f"printf %s {words}"], capture_output=True, check=True).stdout
        assert said.decode() == name
        if "$'" not in command:
            assert shlex.split(command)[-1] == name


def test_stretches_are_marked_for_the_right_answer_and_each_row(reader):
    right = [[[0, 0, 6, "ORG"]], [[0, 5, 18, "ORG"]], [[0, 0, 13, "PER"], [0, 24, 27, "ORG"]]]
    second = [[[0, 2, 6, "ORG"]], [], [[0, 0, 13, "PER"], [0, 18, 27, "ORG"]]]
    data = made_pages.spans([ZH, AR, EN], right, second)
    page = opened(reader, data, "item-2")

    def marks(whose):
        return page.locator(f".question mark.of-{whose}").all_text_contents()

    assert marks("right") == ["Angela Merkel", "ECB"]
    assert marks("a") == ["Angela Merkel", "ECB"]
    assert marks("b") == ["Angela Merkel", "the 😀 ", "ECB"]
    labels = page.locator(".question .label").all_inner_texts()
    assert labels == ["right PER", "A PER", "B PER", "B ORG", "right ORG", "A ORG"]
    lines = page.locator(".question mark").first.evaluate(
        "(mark) => { const s = getComputedStyle(mark); return [s.borderTopStyle, s.borderBottomStyle] }"
    )
    assert lines == ["solid", "dashed"]
    page = opened(reader, data, "item-0")
    assert page.locator(".question mark.of-right").all_text_contents() == ["中国", "人民银行"]
    page = opened(reader, data, "item-1")
    assert page.locator(".question mark.of-right").all_text_contents() == ["البنك المركزي"]
    assert page.locator(".question .text").first.evaluate("(text) => getComputedStyle(text).direction") == "rtl"


@pytest.mark.parametrize(
    ("right", "answer", "missing", "added"),
    [
        ("the rate fell today", "the rate rose today", ["fell"], ["rose"]),
        (ZH, ZH.replace("下调", "上调"), ["下"], ["上"]),
        ("one two three", "two three four", ["one "], [" four"]),
        ("gone", "", None, None),
        ("a b " * 3000, "c d " * 3000, None, None),
    ],
)
def test_an_answer_is_compared_with_the_right_one_word_by_word(reader, right, answer, missing, added):
    page = opened(reader, made_pages.graded(4, texts=[right] * 2, outputs=[answer]), "item-0")
    side = page.locator(".answer").first
    if missing is None:
        assert side.locator(".diff").count() == 0
        assert side.get_by_text("Too long to be compared").count() == bool(answer)
        return
    diff = side.locator(".diff")
    assert diff.locator("del").all_text_contents() == missing
    assert diff.locator("ins").all_text_contents() == added
    texts = diff.evaluate("(diff) => [...diff.children].map((part) => [part.tagName, part.textContent])")
    assert "".join(text for tag, text in texts if tag != "INS") == right
    assert "".join(text for tag, text in texts if tag != "DEL") == answer


def test_an_item_without_text_says_so(reader):
    data = made_pages.classes(20)
    data["texts"] |= {"inputs": [], "demos": {}}
    page = opened(reader, data, "item-3", ready=False)
    assert page.get_by_text("This file does not have the item's text.").is_visible()


def test_options_of_an_item_are_listed(reader):
    data = made_pages.classes(20)
    data["texts"]["options"] = [["first <b>", f"second {i}"] for i in range(20)]
    data["items"]["targets"] = {"values": ["2"], "codes": [0] * 20}
    for row, said in enumerate("12"):
        data["items"]["rows"][row]["outputs"] = {"values": [said], "codes": [0] * 20}
    page = opened(reader, data, "item-3")
    assert page.locator(".question ol li").all_inner_texts() == ["first <b> A", "second 3 right B"]


def test_an_answer_is_compared_with_the_nearest_of_several_right_ones(reader):
    data = made_pages.graded(2, texts=['["no word of it", "the rate fell"]'], outputs=["the rate rose"])
    page = opened(reader, data, "item-0")
    assert page.locator(".question .target").all_inner_texts() == ["no word of it", "the rate fell"]
    diff = page.locator(".answer").first.locator(".diff")
    assert (diff.locator("del").all_inner_texts(), diff.locator("ins").all_inner_texts()) == (["fell"], ["rose"])
