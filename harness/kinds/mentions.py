"""Where a text mentions answer words, what it says of each, and which of several it settles on."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from harness.kinds import negation
from harness.kinds.forms import STEPS, Forms, decorates
from harness.tokens import fold

_MARK = r"[\s\"'“”‘’„「」『』《》【】（）()\[\]{}*_`$]"
_SAID = r"answer|label|sentiment|category|class|classification|choice|verdict|rating|score|grade|prediction|result"
_SAID += "|output|decision|conclusion|tone|emotion|topic|intent|priority|relation|stance|polarity"
_SURELY = r"\b(?:most|more|very|likely|probably|clearly|therefore|thus|definitely|option|an?|the|to|be)\b"
_STATED = re.compile(
    rf"(?:\b(?:{_SAID})\b[^\n.:=]{{0,40}}?(?:\b(?:is|was|would\s+be|should\s+be|must\s+be)\b|[:：=])"
    rf"|(?:答案|标签|结论|情感|情绪|倾向|类别|分类|评级|评分|分数|选项|结果|判断){_MARK}*(?:应该是|应为|是|为|[:：]))"
    rf"(?:{_MARK}|[:：]|{_SURELY})*$",
    re.IGNORECASE,
)
_FINAL = re.compile(
    r"(?:\bfinal\s+(?:answer|label|verdict|classification)\b|最终答案)[^\w\n]*\s*|\\boxed\{", re.IGNORECASE
)
_CONCLUDING = re.compile(
    r"(?:^|[.,;:!?\n]\s*|\b(?:and|but)\s+)(?:therefore|thus|hence|so|overall|ultimately|finally|to sum up|all in all"
    r"|in (?:conclusion|summary|short|the end|total))\b|综上|因此|所以|总之|总体|总的来说|最终",
    re.IGNORECASE,
)
_CLOSED = re.compile(
    r"[\"'”’」』》】)\]}*_`]*(?:[ \t]*(?:\n|$)|[ \t]*[.。!！;；,，](?!\d)|\s+[-–—]+\s|\s+(?=(?:because|since|as)\b))"
)
_JOINED = re.compile(r"\s*(?:or|and|but|maybe|perhaps|possibly|oder|und|或|和|也|还是|\d)", re.IGNORECASE)
_CHOSEN = re.compile(
    rf"(?:\b(?:option|choice|letter|is|choose|chose|pick|select|say|be|with|for)|选项|选择|选|答案|是|为|[:：])[:：]?{_MARK}*$",
    re.IGNORECASE,
)
_GOES_ON = re.compile(r"\s+(?!(?:is|was|because|since|as|and|or|nor|but)\b)[a-z]")
_ASKING = re.compile(
    r"(?:is|are|was|were|can|could|would|will|do|does|did|should|shall|may|what|which|how|why)\b|[^。！？\n]*(?:吗|呢|是否)",
    re.IGNORECASE,
)
_SCALE = re.compile(r"(?:\d\s*/|\bout\s+of|\d\s+of)\s*$", re.IGNORECASE)
_SCALED = re.compile(r"\s*(?:/|out\s+of\b)\s*\d", re.IGNORECASE)
_UNIT_AFTER, _UNIT_BEFORE = re.compile(r"\s*[%％‰°]|[.,]\d"), re.compile(r"(?:[$€£¥]\s*|\d[.,])$")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n")
COMMON = ("a", "i", "no")  # what is mostly an article, a pronoun or a determiner
# Scripts that put no space between words.
_UNSPACED = ((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3040, 0x30FF), (0x3400, 0x9FFF), (0xAC00, 0xD7AF))


@dataclass(frozen=True, slots=True)
class Mention:
    """A label's word in a text; ``stated``: it is said to be the answer."""

    start: int
    end: int
    label: str
    stated: bool
    bold: bool


def mentioned(text: str, known: Forms, alone: Callable[[str], str | None]) -> str | None:
    """The label that ``text`` settles on, by the rules of ``words.lenient``; ``alone`` reads what is only a label."""
    said = unicodedata.normalize("NFKC", text) if all(known.loosest.values()) else unicodedata.normalize("NFC", text)
    found = mentions(said, known)
    if not found:
        return None
    lines = [alone(line) for line in said.split("\n") if line.strip()]
    last = max((place.end() for place in _CONCLUDING.finditer(said)), default=len(said))
    return (
        _final(said, found)
        or _leading(said, found, alone)
        or _one(filter(None, lines))
        or _one(m.label for m in found if m.stated)
        or _one(m.label for m in found if m.bold)
        or _one(m.label for m in found if m.start >= last)
        or _one(m.label for m in found)
    )


def _one(labels: Iterable[str]) -> str | None:
    """The label that all are, if they are one."""
    distinct = set(labels)
    return distinct.pop() if len(distinct) == 1 else None


def _final(said: str, found: Sequence[Mention]) -> str | None:
    """The label in the line behind the last words that announce a final answer."""
    announced = list(_FINAL.finditer(said))
    if not announced:
        return None
    start = announced[-1].end()
    end = said.find("\n", start)
    return _one(m.label for m in found if start <= m.start and (end < 0 or m.start < end))


def _leading(said: str, found: Sequence[Mention], alone: Callable[[str], str | None]) -> str | None:
    """The label that the text begins with, where it is closed and no other stands beside it."""
    first = found[0]
    closed = _CLOSED.match(said, first.end)
    if closed is None or alone(said[: first.end]) != first.label:
        return None
    rest = said[closed.end() :]
    line = next((line for line in rest.split("\n") if line.strip()), "")
    beside = len(found) > 1 and not re.sub(_MARK, "", said[closed.end() : found[1].start]) and found[1]
    if (beside and beside.label != first.label) or _JOINED.match(rest) or alone(line) not in (None, first.label):
        return None
    return first.label


def mentions(said: str, known: Forms) -> list[Mention]:
    """The words of labels in ``said``, in order; none that is part of another, negated, asked or no word by itself."""
    spans = [(at.start(), at.end(), label) for label, word in _patterns(known) for at in word.finditer(said)]
    outer: list[tuple[int, int, str]] = []
    for span in sorted((span for span in spans if _stands(said, span[0], span[1])), key=lambda s: (s[0], -s[1])):
        if not outer or span[1] > outer[-1][1]:
            outer.append(span)
    denied = negation.denied(said, [(start, end) for start, end, _ in outer])
    asked = _questions(said)
    return [
        Mention(start, end, label, _stated(said, start, end), _bold(said, start, end))
        for start, end, label in outer
        if (start, end) not in denied and not any(low <= start < high for low, high in asked)
    ]


def _patterns(known: Forms) -> list[tuple[str, re.Pattern[str]]]:
    return _compiled(tuple(known.words.items()), tuple(known.loosest.items()))


@lru_cache(maxsize=256)
def _compiled(
    words: tuple[tuple[str, str], ...], loosest: tuple[tuple[str, int], ...]
) -> list[tuple[str, re.Pattern[str]]]:
    steps, made = dict(loosest), []
    for label, word in words:
        form = STEPS[min(1, *steps.values())](word)
        exact = steps[label] < len(STEPS) - 1 or (len(form) == 1 and form.isalpha())
        pattern = r"\s+".join(map(re.escape, form.split()))
        made.append((label, re.compile(pattern, 0 if exact else re.IGNORECASE)))
    return made


def _questions(said: str) -> list[tuple[int, int]]:
    """Where ``said`` asks something."""
    found, start = [], 0
    for cut in [*_SENTENCE.finditer(said), None]:
        end = cut.start() if cut else len(said)
        sentence = said[start:end].strip()
        if sentence.endswith(("?", "？")) and _ASKING.match(sentence):
            found.append((start, end))
        start = cut.end() if cut else end
    return found


def _stated(said: str, start: int, end: int) -> bool:
    """Whether a word is said to be the answer, or is a number on a scale."""
    scaled = said[start:end].isdigit() and _SCALED.match(said, end)
    return bool(scaled or _STATED.search(said, max(0, start - 120), start))


def _bold(said: str, start: int, end: int) -> bool:
    before, after = said[:start].rstrip("\"'“‘"), said[end:].lstrip("\"'”’.")
    return before.endswith(("**", "__")) and after.startswith(("**", "__"))


def _spaced(character: str) -> bool:
    """Whether it is a letter or digit of a script that puts spaces between words."""
    code = ord(character) if character else 0
    if code >= 0x20000 or any(low <= code <= high for low, high in _UNSPACED):
        return False
    return character.isalnum() or character == "_" or (bool(character) and unicodedata.category(character)[0] == "M")


def _stands(said: str, start: int, end: int) -> bool:
    """Whether what stands there is a word by itself, not part of a longer word, a number or a sign."""
    word, before, after = said[start:end], said[start - 1 : start] if start else "", said[end : end + 1]
    if _spaced(word[0]):
        hyphen = before == "-" and _spaced(said[start - 2 : start - 1] if start > 1 else "") != word[0].isdigit()
        if _spaced(before) or (before and before in "@#&") or hyphen:
            return False
    elif before and word[0].isascii() and (_spaced(before) or before == word[0]):
        return False
    if _spaced(word[-1]):
        hyphen = after == "-" and not word[-1].isdigit() and _spaced(said[end + 1 : end + 2])
        possessive = after in ("'", "’") and said[end + 1 : end + 2].isalpha()
        if (_spaced(after) and not decorates(after)) or (after and after in "+#&@") or hyphen or possessive:
            return False
    elif after and word[-1].isascii() and (after == word[-1] or after in "+#"):
        return False
    return _is_number(said, start, end) if word.isdigit() else _is_meant(said, start, end)


def _is_number(said: str, start: int, end: int) -> bool:
    """Whether digits are a number by themselves: no fraction, scale, share or sum of money."""
    before = said[max(0, start - 12) : start]
    return not (_SCALE.search(before) or _UNIT_BEFORE.search(before) or _UNIT_AFTER.match(said, end))


def _is_meant(said: str, start: int, end: int) -> bool:
    """Whether a word that is often another (a letter, "no", a single Chinese character) is meant as an answer."""
    word = said[start:end]
    if len(word) == 1 and word.isalpha() and not _spaced(word):
        free = not said[end : end + 1].isalpha()
        return free and (
            not said[start - 1 : start].isalpha() or bool(_CHOSEN.search(said[max(0, start - 40) : start]))
        )
    if len(word) == 1 and word.isalpha() and said[end : end + 1] == "-" and not said[end + 1 : end + 2].isspace():
        return False  # a grade such as A-
    if fold(word) in COMMON and _GOES_ON.match(said, end):
        return bool(_CHOSEN.search(said[max(0, start - 40) : start]))
    return True
