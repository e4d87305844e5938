"""A model's free text read as a label: strictly, where it says nothing else, and leniently, where a person would know.

A text that names no label, or two, is unparsed: counted, never guessed. ``words`` map each label to its answer word.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping

from harness.errors import InputError, unknown
from harness.kinds import Words
from harness.kinds.forms import Forms, decorates, forms, plain
from harness.kinds.mentions import mentioned
from harness.kinds.replies import FENCE, TURN_END
from harness.tokens import TAG, thoughts

NAMES = "answer|label|sentiment|category|class|classification|choice|option|verdict|rating|score|grade|prediction"
NAMES += "|result|output|decision|conclusion|response|emotion|topic|intent|priority|relation|tone|polarity"
QUALITIES = "the|my|final|correct|predicted|overall|best|true|primary"
DEPTH = 8  # wrappings within one another
MARKS = 16  # characters around a word

_LEFT = "\"'`“”‘’„‚«»‹›「」『』《》【】（）()[]{}*_•·:：,，"
_LEFT_SPACED = "-–—#=>→⇒"  # marks where space or another mark follows: "-1" and "#1" are not 1
_RIGHT = "\"'`“”‘’«»‹›「」『』《》【】（）()[]{}*_.,;:!?…。，；：！？、．"
_ENDS = re.compile(f"^<{TAG}|</{TAG}$", re.IGNORECASE)
_BOXED = re.compile(r"\$*\s*\\(?:boxed|text|textbf|mathrm)\{(.*)\}\s*\$*\.?", re.DOTALL)
_TAGGED = re.compile(r"<([\w-]+)>(.*)</\1>", re.DOTALL)
_BRACKETED = re.compile(r"<([^<>]*)>")
_NAME = rf"(?:(?:(?:{QUALITIES})\s+)*(?:{NAMES})|(?P<word>[^\W\d_]{{2,14}}))"
_FIELD = re.compile(rf"[\s*_#>\"]*{_NAME}[\s*_\"]*(?<![是为])[:：=][\s*_]*(?=\S)", re.IGNORECASE)
_HEADING = re.compile(rf"\s*(?:#+\s*{_NAME}|\*\*{_NAME.replace('word', 'bold')}\*\*)[ \t]*\n", re.IGNORECASE)
_NO_FIELD = re.compile(r"not|no|never|neither|nor|except|without|nicht|kein|不是|并非|非", re.IGNORECASE)


def verbalized(labels: Iterable[str], verbalizer: Mapping[str, str] | None, where: str) -> Words:
    """The answer word of each label: the label itself, where no ``verbalizer`` says another. Raises InputError for one
    that names other labels, leaves some out, or has words that cannot be told apart."""
    names = list(labels)
    words = {name: name for name in names} if verbalizer is None else verbalizer
    for name in words:
        if name not in names:
            raise unknown("label in the verbalizer", name, names, where)
    if missing := [name for name in names if name not in words]:
        raise InputError(f"{where}: the verbalizer has no word for {', '.join(missing)}.")
    check(words, where)
    return Words({name: words[name] for name in names})


def apart(text: str) -> tuple[str, str]:
    """What ``text`` thinks, and what it says: reasoning set apart, and the white space before the answer.

    Reasoning is what stands in ``<think>…</think>``, ``<thinking>`` or ``<reasoning>``. All behind an opening tag that
    is never closed is a thought, with no answer behind it; all before a closing tag alone is one that the prompt
    opened.
    """
    thought, answer, place = [], [], 0
    for start, end in thoughts(text):
        answer.append(text[place:start])
        thought.append(_ENDS.sub("", text[start:end]).strip())
        place = end
    return "\n".join(filter(None, thought)), "".join([*answer, text[place:]]).lstrip()


def strict(text: str, words: Mapping[str, str]) -> str | None:
    """The label that ``text`` names and says nothing beside; else None.

    A text equal to an answer word, outer white space aside, is that label, whatever its characters. Beyond that, what
    may differ is: the form of letters (full width, ligatures), runs of space, and case, each only for words that it
    leaves apart ("US" is not "us" where both are answer words); quotes, brackets, marks of Markdown (bold, code, a
    list, a heading, a quotation), emoji and closing punctuation around the word; the sign that ends a turn. The word
    may be the content of a code fence, of a tag (``<answer>…</answer>``), of ``\\boxed{…}``, of a JSON object or list
    that holds nothing else; and it may stand behind the name of a field: a single word, or one such as "final answer",
    "overall sentiment", with a colon or "=" behind it ("Label: positive", "答案：利好"), or as a heading.
    """
    return _named(text, forms(words), DEPTH)


def lenient(text: str, words: Mapping[str, str]) -> str | None:
    """The label that a reader would take from ``text``; None where it names none, or several of equal standing.

    The first of these rules that finds a label decides. (1) What is read strictly. (2) What stands behind the last
    "final answer", or in the last ``\\boxed{…}``. (3) The text begins with the label, closed by the line's end, a full
    stop, a comma, a dash or "because", and goes on with something else than another label, a number, "or" or "but".
    (4) Just one label stands alone on a line. (5) Just one is said to be the answer: "the label is …", "Answer: …",
    ``"label": "…"``, "答案是…", "8/10". (6) Just one is in bold. (7) Just one is named behind the last "therefore",
    "so", "overall", "in conclusion", "综上", "因此" that begins a clause. (8) Just one is mentioned at all.

    A label is mentioned where its answer word stands as a word, in the case and form that ``strict`` asks of it. It is
    not where the word is part of a longer one ("C" in "C++", "1" in "10", "positive" in "non-positive") or of another
    answer word; where it is directly negated ("not positive", "isn't", "neither … nor", "rather than", "cannot say
    whether it is", "positive is wrong", "不是", "并非"); where it is asked ("Is it positive?"); where a number is a
    scale ("8/10", "8 out of 10") or has a unit of its own ("8 %", "$8"). "A", "I" and "no" are none where a word in
    small letters follows ("A good text", "no doubt"); a single Chinese character is none inside a run of others.
    """
    if label := strict(text, words):
        return label
    return mentioned(text, forms(words), lambda line: strict(line, words))


def check(words: Mapping[str, str], where: str) -> None:
    """Raises InputError for answer words that no reply could tell apart: equal ones, and empty ones."""
    seen: dict[str, str] = {}
    for label, word in words.items():
        form = plain(word)
        if not form:
            raise InputError(
                f"{where}: the answer word of the label {label!r} is empty, so no reply could name it. Give it a word "
                "under `verbalizer`."
            )
        if form in seen:
            raise InputError(
                f"{where}: the labels {seen[form]!r} and {label!r} share one verbalizer word, {word.strip()!r}, so no "
                "reply could tell them apart. Give each a word of its own under `verbalizer`."
            )
        seen[form] = label


def _named(text: str, known: Forms, depth: int) -> str | None:
    """The label that ``text`` is the word of, wrapped at most ``depth`` times."""
    if label := known.label(text) or _bare(text, known):
        return label
    if depth:
        for inner in _unwrapped(text, known):
            if label := _named(inner, known, depth - 1):
                return label
    return None


def _bare(text: str, known: Forms) -> str | None:
    """The label whose word ``text`` is within marks; as few as possible are taken off."""
    said = text.strip()
    before = after = 0
    while before < min(MARKS, len(said)) and _opens(said, before, known.symbols):
        before += 1
    while after < min(MARKS, len(said)) and _closes(said[-1 - after], known.symbols):
        after += 1
    for off in range(1, before + after + 1):
        for left in range(max(0, off - after), min(off, before) + 1):
            if label := known.label(said[left : len(said) - (off - left)]):
                return label
    return None


def _opens(text: str, place: int, symbols: frozenset[str]) -> bool:
    """Whether the character at ``place`` may be a mark before a word."""
    mark = text[place]
    if mark in _LEFT_SPACED:
        following = text[place + 1 : place + 2]
        return not following or following.isspace() or following in _LEFT + _LEFT_SPACED
    return mark.isspace() or mark in _LEFT or (decorates(mark) and mark not in symbols)


def _closes(mark: str, symbols: frozenset[str]) -> bool:
    return mark.isspace() or mark in _RIGHT or (decorates(mark) and mark not in symbols)


def _unwrapped(text: str, known: Forms) -> Iterator[str]:
    """What ``text`` may be the wrapping of, each a part of it."""
    said = text.strip()
    for wrapping in (FENCE, _BOXED, _BRACKETED):
        if found := wrapping.fullmatch(said):
            yield found[1]
    if found := _TAGGED.fullmatch(said):
        yield found[2]
    if found := TURN_END.search(said):
        yield said[: found.start()]
    if said[:1] in ("{", "["):
        yield from _json(said.rstrip("."))
    if found := _FIELD.match(said) or _HEADING.match(said):
        name = found["word"] or found.groupdict().get("bold")
        if name is None or not (known.label(name) or _NO_FIELD.fullmatch(name)):
            yield said[found.end() :]


def _json(said: str) -> Iterator[str]:
    """The one value of a JSON object or list, as text; ``json.dumps`` writes numbers and what is nested."""
    try:
        made = json.loads(said)
    except (ValueError, RecursionError):
        return
    values = list(made.values()) if isinstance(made, dict) else made
    if len(values) == 1:
        yield values[0] if isinstance(values[0], str) else json.dumps(values[0], ensure_ascii=False)
