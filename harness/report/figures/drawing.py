"""What all figures share: colours, fonts that have the characters, panels, a file's bytes."""

from __future__ import annotations

import io
import math
import re
import textwrap
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from rich.cells import cell_len

from harness import escape

# Okabe and Ito (2008): told apart with any colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = "os^Dv*P"
STYLE = {
    "svg.hashsalt": "harness",
    "text.parse_math": False,
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
# Asked in this order for a character, as far as they are installed; matplotlib brings the first.
FONTS = (
    *(
        "DejaVu Sans",
        "Noto Sans CJK SC",
        "Noto Sans CJK JP",
        "Noto Sans SC",
        "Source Han Sans SC",
        "Source Han Sans CN",
    ),
    *("PingFang SC", "Hiragino Sans GB", "Heiti SC", "Microsoft YaHei", "SimHei", "WenQuanYi Zen Hei"),
    *("WenQuanYi Micro Hei", "Droid Sans Fallback", "Arial Unicode MS"),
)
FILES = re.compile(
    r"CJK|Noto ?Sans ?SC|SourceHanSans|PingFang|Hiragino|Heiti|msyh|SimHei|wqy|DroidSansFallback|Arial ?Unicode",
    re.IGNORECASE,
)
INCH = 0.075  # of a character at 8 points, on average


@cache
def fonts() -> tuple[str, ...]:
    """Those of ``FONTS`` that are installed, also where matplotlib's own list of fonts is older than they are."""
    from matplotlib import font_manager

    listed = {font.fname for font in font_manager.fontManager.ttflist}
    for path in sorted(font_manager.findSystemFonts()):
        if path not in listed and FILES.search(Path(path).stem):
            with suppress(RuntimeError):  # a file that is no font
                font_manager.fontManager.addfont(path)
    known = set(font_manager.get_font_names())
    return tuple(name for name in FONTS if name in known)


@cache
def _drawn() -> frozenset[int]:
    """The characters that the fonts have."""
    from matplotlib import font_manager
    from matplotlib.ft2font import FT2Font

    return frozenset().union(*(FT2Font(font_manager.findfont(name)).get_charmap() for name in fonts()))


def shown(text: str) -> str:
    """A name in a figure. A character that no font has is written out, so that two names stay two."""
    plain = escape.figure(text)
    return plain if plain.isascii() else "".join(each if ord(each) in _drawn() else _written(each) for each in plain)


def _written(character: str) -> str:
    return f"\\u{{{ord(character):x}}}"


def wrapped(text: str, width: int) -> str:
    """``text`` as ``shown``, in lines of ``width`` letters of the Latin alphabet, or half as many that are wider."""
    plain = shown(text)
    return textwrap.fill(plain, max(1, width * len(plain) // max(1, cell_len(plain))))


def size(texts: Sequence[str]) -> float:
    """Inches that the widest of some lines takes at 8 points."""
    return INCH * max((cell_len(line) for text in texts for line in text.split("\n")), default=0)


def look(place: int) -> dict[str, Any]:
    """A colour and a marker, no pair of them used twice in 49."""
    turn = place // len(COLOURS)
    return {"color": COLOURS[place % len(COLOURS)], "marker": MARKERS[(place + turn) % len(MARKERS)]}


def panels(titles: Sequence[str], width: float, height: float) -> tuple[Any, list[Any]]:
    """A figure with a panel for each title, of so many inches."""
    from matplotlib.figure import Figure

    wide = min(3, len(titles))
    tall = math.ceil(len(titles) / wide)
    figure = Figure(figsize=(width * wide, height * tall), layout="constrained")
    made = list(figure.subplots(tall, wide, squeeze=False).ravel())
    for axes in made[len(titles) :]:
        axes.set_visible(False)
    for axes, title in zip(made, titles, strict=False):
        axes.set_title(wrapped(title, int(width / INCH)), fontsize=8)
    return figure, made[: len(titles)]


def content(figure: Any, kind: str) -> bytes:
    """The figure as ``png`` or ``svg``; the same figure gives the same bytes."""
    drawn = io.BytesIO()
    date = {"Date": None} if kind == "svg" else {"Software": None}
    figure.savefig(drawn, format=kind, dpi=150, metadata=date, bbox_inches="tight")
    return drawn.getvalue()
