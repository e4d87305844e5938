"""The same numbers, written otherwise."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import ClassVar

import numpy as np

from harness.probe.changed import Changed
from harness.probe.perturbed import Edits
from harness.probe.words import written_in

WORDS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")  # from 2
DIGITS = "零一二三四五六七八九"
MEASURES = "个家名位项只款笔种条台套倍辆间架艘座张把件"  # what Chinese counts by, behind a number
_ALONE = r"(?<![\w.,:/%+-])"  # no part of another number, a date or a name
_GROUPED = re.compile(r"(?<![\w.,:/+-])\d{1,3}(?:,\d{3})+(?![\d,])")
_MONEY = re.compile(r"(?:(?<=[$€£¥])|(?<=USD )|(?<=EUR )|(?<=GBP ))[1-9]\d{3,}(?=\.\d|(?![\w,]))")
_SIGN = re.compile(r"(?<=\d)\s?%(?!\w)")
_PERCENT = re.compile(r"(?<=\d) per ?cent\b")
# A word behind that goes on with what is counted: no fraction, and no other part of the number.
_COUNTED = r"(?= [a-z]{3,}\b)(?! (?:per ?cent|thirds?|quarters|fifths?|sixths?|eighths?|tenths?|halves|hundred|and)\b)"
_SMALL = re.compile(rf"(?<=[a-z] ){_ALONE}(?:[2-9]|1[0-2]){_COUNTED}")
_SPELT = re.compile(rf"(?<![\w-])(?ai:{'|'.join(WORDS)}){_COUNTED}")
# What makes of a small number no count, but a name or a place in a row.
_NAMED = re.compile(
    r"\b(?:no|nr|number|section|chapter|page|part|level|phase|step|type|class|grade|room|gate|line|track|option|item|"
    r"row|version|article|rule|figure|table|volume|series|highway|route|platform|division|group|unit|flight|january|"
    r"february|march|april|may|june|july|august|september|october|november|december)\.? $",
    re.IGNORECASE,
)
_NUMERAL = "[一二三四五六七八九]"
_ZH_SIGN = re.compile(r"(?<![\d.,，+~–—-])(\d|[1-9]\d|100)(\.\d{1,3})?%")
_ZH_PERCENT = re.compile(
    rf"百分之({_NUMERAL}?十{_NUMERAL}?|{_NUMERAL})(?:点([零一二三四五六七八九]+))?(?![零一二三四五六七八九十百千万点几多])"
)
_ZH_SMALL = re.compile(rf"(?<![A-Za-z\d_.,:/%+-])([2-9]|10)(?=[{MEASURES}])")
_ZH_SPELT = re.compile(
    rf"(?<![零一二两三四五六七八九十百千万亿几第数周期拜初老年月日分之])([二两三四五六七八九十])(?=[{MEASURES}])"
)
_ZH_LARGE = re.compile(r"(?<![\d.,十百千万])(\d{1,3})(\.\d{1,4})?亿(?=[元美港欧股人])")


class Numbers(Changed):
    """Numbers are written otherwise: 1,200 and 1200, 5% and 5 percent, three and 3, 1.5亿元 and 15000万元, 百分之五 and
    5%, 三家 and 3家. All that can be: no dates, no times, no numbers that may be names, no ordinals."""

    name: ClassVar[str] = "numbers"
    source: ClassVar[str] = "Ribeiro et al. 2020"

    def change(self, text: str, draw: np.random.Generator, language: str) -> Edits:
        own = written_in(text, language)
        percent = " percent" if draw.random() < 0.5 else " per cent"
        found = sorted([*_grouping(text), *(_english(text, percent) if own == "en" else ()), *_chinese(text, own)])
        apart: list[tuple[int, int, str]] = []
        for edit in found:
            if not apart or edit[0] >= apart[-1][1]:
                apart.append(edit)
        return apart


def _grouping(text: str) -> Iterator[tuple[int, int, str]]:
    """Separators between thousands go; money gets some."""
    yield from _made(_GROUPED, text, lambda found: found[0].replace(",", ""))
    yield from _made(_MONEY, text, lambda found: f"{int(found[0]):,}")


def _english(text: str, percent: str) -> Iterator[tuple[int, int, str]]:
    yield from _made(_SIGN, text, lambda found: percent)
    yield from _made(_PERCENT, text, lambda found: "%")
    small = _made(_SMALL, text, lambda found: WORDS[int(found[0]) - 2])
    spelt = _made(_SPELT, text, lambda found: str(WORDS.index(found[0].lower()) + 2))
    yield from (edit for edit in (*small, *spelt) if not _NAMED.search(text[: edit[0]]))


def _chinese(text: str, own: str) -> Iterator[tuple[int, int, str]]:
    if own != "zh":
        return
    yield from _made(_ZH_SIGN, text, lambda found: "百分之" + _spoken(int(found[1])) + _point(found[2] or ""))
    yield from _made(_ZH_PERCENT, text, _percent)
    yield from _made(_ZH_SMALL, text, lambda found: "两" if found[1] == "2" else _spoken(int(found[1])))
    yield from _made(_ZH_SPELT, text, lambda found: str(_value(found[1].replace("两", "二"))))
    yield from _made(_ZH_LARGE, text, lambda found: f"{round(float(found[1] + (found[2] or '')) * 10_000)}万")


def _made(pattern: re.Pattern[str], text: str, other: Callable[[re.Match[str]], str]) -> Iterator[tuple[int, int, str]]:
    return ((found.start(), found.end(), other(found)) for found in pattern.finditer(text))


def _percent(found: re.Match[str]) -> str:
    decimals = "".join(str(DIGITS.index(digit)) for digit in found[2] or "")
    return f"{_value(found[1])}{'.' if decimals else ''}{decimals}%"


def _spoken(number: int) -> str:
    """A number from 0 to 100, as Chinese says it."""
    if number == 100:
        return "百"
    tens, ones = divmod(number, 10)
    if not tens:
        return DIGITS[ones]
    return ("" if tens == 1 else DIGITS[tens]) + "十" + (DIGITS[ones] if ones else "")


def _point(decimals: str) -> str:
    return "点" + "".join(DIGITS[int(digit)] for digit in decimals[1:]) if decimals else ""


def _value(said: str) -> int:
    """A number below a hundred in Chinese numerals."""
    if "十" not in said:
        return DIGITS.index(said[-1])
    tens, _, ones = said.partition("十")
    return (DIGITS.index(tens) if tens else 1) * 10 + (DIGITS.index(ones) if ones else 0)
