"""The first templates of a project: plain, instruction and chat, in English or Chinese, for each kind of answer."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.bring.templates import chinese, english
from harness.bring.templates.wording import Language

LANGUAGES: Mapping[str, Language] = {"en": english.LANGUAGE, "zh": chinese.LANGUAGE}
LETTERS = "letters"
_CODE = re.compile(r"[a-z]{2,3}([-_][a-z]+)?", re.IGNORECASE)  # of a language, as columns of translations are called


@dataclass(frozen=True, slots=True)
class Made:
    """What templates are made for: the kind, the names of inputs, the column of answers, the language, and how many
    tokens an answer takes (0 where none is written)."""

    kind: str
    inputs: Sequence[str]
    target: str
    language: str
    tokens: int


def texts(made: Made) -> dict[str, str]:
    """The three templates by name."""
    language = LANGUAGES[made.language]
    wording = language.kinds[_sort(made)]
    plain = _body(made, language, wording.answer, options=False)
    listed = _body(made, language, wording.answer, options=True)
    return {
        "plain": _head(made, language, language.plain, options=False) + plain,
        "instruction": f"{_head(made, language, language.instruction)}{wording.rule}\n\n{listed}",
        "chat": _head(made, language, language.chat, chat=True) + _chat(made, language, wording.system),
    }


def _sort(made: Made) -> str:
    """The wording's name: that of the kind, of free text what the column is called."""
    if made.kind != "text":
        return made.kind
    if made.target == "translation" or _CODE.fullmatch(made.target):
        return "translation"
    return "summary" if made.target in ("summary", "highlights") else "text"


def _head(made: Made, language: Language, description: str, options: bool = True, chat: bool = False) -> str:
    lines = [f"description: {description}"]
    if made.language != "en":
        lines.append(f"language: {made.language}")
    if made.kind == "choice" and options:
        lines.append(f"verbalizer: {LETTERS}")
    if not language.space and not chat:
        lines.append(f"answer_prefix: {json.dumps('')}")
    if made.tokens:
        lines.append(f"max_tokens: {made.tokens}")
    return "\n".join(["---", *lines, "---", ""])


def _body(made: Made, language: Language, answer: str, options: bool) -> str:
    """Demonstrations and item, each a field a line, with the answer last."""
    colon, space = language.colon, language.space
    shot, item = _fields(made, language, "shot.", options), _fields(made, language, "", options)
    return (
        f"{{% for shot in shots %}}\n{shot}\n{answer}{colon}{space}{{{{ shot.answer }}}}\n\n{{% endfor %}}\n"
        f"{item}\n{answer}{colon}\n"
    )


def _fields(made: Made, language: Language, prefix: str, options: bool) -> str:
    colon, space = language.colon, language.space
    lines = [f"{_called(name, language)}{colon}{space}{{{{ {prefix}{name} }}}}" for name in made.inputs]
    return "\n".join([*lines, *(_options(prefix) if options and made.kind == "choice" else ())])


def _options(prefix: str) -> list[str]:
    shown = "{{ option.answer }}. {{ option.text }}"
    return [f"{{% for option in {prefix}options %}}", shown, "{% endfor %}"]


def _called(name: str, language: Language) -> str:
    """What an input is called before its text."""
    return language.inputs.get(name) or name.replace("_", " ").capitalize()


def _chat(made: Made, language: Language, system: str) -> str:
    shot, item = _turn(made, language, "shot."), _turn(made, language, "")
    return (
        f"{{% system %}}\n{system}\n{{% endsystem %}}\n{{% for shot in shots %}}\n{shot}\n"
        f"{{% assistant %}}{{{{ shot.answer }}}}{{% endassistant %}}\n{{% endfor %}}\n{item}\n"
    )


def _turn(made: Made, language: Language, prefix: str) -> str:
    """What the user says: the text alone where there is nothing beside it."""
    if len(made.inputs) == 1 and made.kind != "choice":
        return f"{{% user %}}{{{{ {prefix}{made.inputs[0]} }}}}{{% enduser %}}"
    return f"{{% user %}}\n{_fields(made, language, prefix, options=True)}\n{{% enduser %}}"
