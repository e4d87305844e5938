"""Which mentions a text denies: those beside a negation, and what "or" and "nor" join to one behind it."""

from __future__ import annotations

import re
from collections.abc import Sequence

REACH = 120  # characters that a negation is looked for before a word
_MARKS = r"[\s\"'“‘„「『《【（(*_`]"
_FILLING = (
    "a|an|the|any|either|to|be|been|being|is|was|it|its|this|that|of|as|if|whether|at|all|really|very|quite|so|too"
    "|particularly|clearly|clear|exactly|necessarily|especially|entirely|purely|strictly|overly|sure|certain"
    "|think|believe|say|tell|know|see|decide|determine|call|called|consider|considered|classify|classified|label|labeled"
    "|labelled|describe|described|rate|rated|express|contain|show|convey|have|carry|give|indicate|sound|seem|look|feel"
    "|appear|text|sentiment|headline|sentence|comment|review|ein|eine|sehr|wirklich"
)
_ENGLISH = re.compile(
    r"(?:\b(?:not|no|never|neither|nor|non|nothing|hardly|without|cannot|less|than|other\s+than|instead\s+of|far\s+from"
    r"|fails?\s+to|anything\s+but|as\s+opposed\s+to|(?:unable|hard|difficult|impossible)\s+to|nicht|kein|keine|weder)\b|n['’]t\b)-?"
    rf"(?:{_MARKS}+(?:{_FILLING})\b)*{_MARKS}*$",
    re.IGNORECASE,
)
_CHINESE = re.compile(
    r"(?:不|没有|沒有|没|無|无|非|未|是否|谈不上|称不上|难言)"
    r"(?:是|属于|算|能|可|太|很|够|具有|有|法|判断|确定|知道|清楚|什么|任何|明显|明确|的|为|构成|认为|归|视|一条|一个|该|其)*"
    rf"{_MARKS}*$"
)
_BEHIND = re.compile(
    r"[\"'”’)\]*_`」』》】]*\s*(?:(?:is|was|would\s+be|does|do)\s+not\b|(?:is|was|does|would)n['’]t\b"
    r"|(?:is|was|would\s+be)\s+(?:wrong|incorrect|out)\b|不对|不正确|不成立)",
    re.IGNORECASE,
)
_JOINED = re.compile(
    r"[\"'”’*_`]*\s*(?:,\s*)?(?:or|nor|noch|oder|或者|或|还是|、|和|与|及)\s*(?:an?\s+|是)?[\"'“‘*_`]*", re.IGNORECASE
)


def denied(said: str, places: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
    """Those of ``places`` (in order) whose words ``said`` says not to hold, or not to know."""
    found: set[tuple[int, int]] = set()
    end = -1  # of the place before, where that is denied
    for place in places:
        before = said[max(0, place[0] - REACH) : place[0]]
        joined = end >= 0 and _JOINED.fullmatch(said, end, place[0])
        no = joined or _ENGLISH.search(before) or _CHINESE.search(before) or _BEHIND.match(said, place[1])
        if no:
            found.add(place)
        end = place[1] if no else -1
    return found
