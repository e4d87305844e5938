"""Numbers with their units in running text, in English and in Chinese."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

SCALES = {
    **dict.fromkeys(("thousand", "k", "千"), 10**3),
    "万": 10**4,
    **dict.fromkeys(("million", "m", "mn", "mln", "mio", "百万"), 10**6),
    "千万": 10**7,
    "亿": 10**8,
    **dict.fromkeys(("billion", "b", "bn", "bln", "十亿"), 10**9),
    **dict.fromkeys(("trillion", "tn", "万亿"), 10**12),
}
WORDS = {10**3: "thousand", 10**6: "million", 10**9: "billion", 10**12: "trillion"}  # how scales are written
UNITS = {
    **dict.fromkeys(("%", "percent", "per cent", "pct", "个百分点%"), "%"),
    **dict.fromkeys(("percentage points", "percentage point", "pp", "ppt", "个百分点", "百分点"), "pp"),
    **dict.fromkeys(("us$", "$", "usd", "dollar", "dollars", "us dollars", "美元"), "USD"),
    **dict.fromkeys(("€", "eur", "euro", "euros", "欧元"), "EUR"),
    **dict.fromkeys(("£", "gbp", "pound", "pounds", "英镑"), "GBP"),
    **dict.fromkeys(("cny", "rmb", "yuan", "元", "人民币", "元人民币"), "CNY"),
    **dict.fromkeys(("¥", "jpy", "yen", "日元"), "JPY"),
    **dict.fromkeys(("hk$", "hkd", "港元"), "HKD"),
}
_CODES = "CHF|SEK|NOK|DKK|CAD|AUD|NZD|SGD|INR|KRW|BRL|MXN|ZAR|PLN|CZK|HUF|TRY|RUB|THB|TWD|ILS|AED|SAR"


CURRENCIES = {*_CODES.split("|"), *UNITS.values()} - {"%", "pp"}


def _either(words: list[str]) -> str:
    """A pattern of ``words``, the longest first; one of Latin letters ends where a word does."""
    ordered = sorted(words, key=len, reverse=True)
    return "|".join(
        re.escape(word) + (r"(?![a-z])" if word[-1].isascii() and word[-1].isalpha() else "") for word in ordered
    )


_SCALE, _UNIT = _either(list(SCALES)), f"{_either(list(UNITS))}|(?:{_CODES.lower()})(?![a-z])"
_DIGITS = r"\d{1,3}(?:[ ']\d{3})+(?:[.,]\d+)?(?!\d)|\d[\d.,]*\d|\d|[.]\d+"
_NUMERALS = "零一二三四五六七八九十百千两〇"
_QUANTITY = re.compile(
    rf"""(?<![a-z0-9_.,])
    (?:(?P<outer>{_UNIT})\s*(?=\())?
    (?P<open>\()?\s*
    (?P<sign>(?<![\d\w])[-+])?\s*
    (?P<before>{_UNIT})?\s*
    (?P<inner>[-+])?
    (?:百分之(?P<hundredths>[{_NUMERALS}]+|{_DIGITS})|(?P<digits>{_DIGITS}))
    (?:\s*(?P<scale>{_SCALE}))?
    (?:\s*(?P<after>{_UNIT}))?
    \s*(?P<close>\))?
    (?:\s*(?P<more>{_SCALE}))?
    (?:\s*(?P<late>{_UNIT}))?
    (?![a-z0-9_])""",
    re.VERBOSE | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Quantity:
    """``number`` is the decimal as it is written, ``scale`` what it is a multiple of, ``unit`` %, pp, a currency's
    code, another word, or empty."""

    number: Decimal
    scale: int = 1
    unit: str = ""

    @property
    def value(self) -> Decimal:
        """The number that is meant."""
        return self.number * self.scale

    def __str__(self) -> str:
        word = WORDS.get(self.scale)
        number = self.number if word or self.scale == 1 else self.value
        plain = format(number.normalize() if number == number.to_integral() else number, "f")
        return " ".join(filter(None, (plain, word, self.unit)))


def quantities(text: str) -> list[Quantity]:
    """The numbers in ``text``, from left to right. None is part of a word; a minus between digits is no sign."""
    return [found for each in _QUANTITY.finditer(_plain(text)) if (found := _read(each)) is not None]


def whole(text: str) -> Quantity | None:
    """The one number that ``text`` is, with a unit of any one or two words behind it; None where it is more or less."""
    said = _plain(text).strip()
    found = _QUANTITY.match(said)
    if found is None or (made := _read(found)) is None:
        return None
    rest = said[found.end() :].strip()
    if rest and (made.unit or not re.fullmatch(r"[a-z][\w/²³-]*(?: [a-z][\w/²³-]*)?|[\u4e00-\u9fff]{1,4}", rest, re.I)):
        return None
    return Quantity(made.number, made.scale, made.unit or rest)


def _plain(text: str) -> str:
    """Full-width signs as plain ones, all minus signs and spaces as one, zero-width characters as none."""
    said = "".join(each for each in unicodedata.normalize("NFKC", text) if unicodedata.category(each) != "Cf")
    # Before a Chinese scale the sign is the yuan's; elsewhere it is the yen's.
    said = re.sub(r"[¥](?=\s*[-+]?[\d.,]+\s*[千万亿百十])", "CNY", said)
    said = re.sub(r"[−–—‐‑]|负(?=[\d百])", "-", said)
    return re.sub(r"[\u00a0\u2009\u202f]", " ", said)


def _read(found: re.Match[str]) -> Quantity | None:
    number = _numeral(found["hundredths"]) if found["hundredths"] else _decimal(found["digits"])
    if number is None:
        return None
    bracketed = bool(found["open"] and found["close"])
    negative = (found["sign"] == "-") ^ (found["inner"] == "-") ^ (bracketed and not (found["sign"] or found["inner"]))
    named = (found["after"] or found["before"] or found["late"] or found["outer"] or "").strip().lower()
    unit = "%" if found["hundredths"] else UNITS.get(named, named.upper())
    scaled = found["scale"] or found["more"]
    scale = SCALES[scaled.lower()] if scaled else 1
    return Quantity(-number if negative else number, scale, unit)


def _decimal(text: str) -> Decimal | None:
    """Digits with points and commas: the last of two kinds is the decimal point; one comma with three digits behind it
    parts thousands, as commas do that stand more than once, and so do several points."""
    digits = re.sub(r"[ ']", "", text)
    if "," in digits and "." in digits:
        thousands, point = (",", ".") if digits.rindex(".") > digits.rindex(",") else (".", ",")
    elif re.fullmatch(r"\d{1,3}(?:,\d{3})+", digits):
        thousands, point = ",", "."
    elif re.fullmatch(r"\d{1,3}(?:\.\d{3}){2,}", digits):
        thousands, point = ".", ","
    else:
        thousands, point = "", "," if "," in digits else "."
    plain = (digits.replace(thousands, "") if thousands else digits).replace(point, ".")
    try:
        return Decimal(plain)
    except InvalidOperation:
        return None


def _numeral(text: str) -> Decimal | None:
    """A number in Chinese numerals below ten thousand, or in digits."""
    if text[0] not in _NUMERALS:
        return _decimal(text)
    units = {"十": 10, "百": 100, "千": 1000}
    digits = {character: place for place, character in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
    total, digit = 0, 0
    for place, character in enumerate(text):
        if character in units:
            total += (digit or (1 if place == 0 else 0)) * units[character]
            digit = 0
        else:
            digit = digits[character]
    return Decimal(total + digit)
