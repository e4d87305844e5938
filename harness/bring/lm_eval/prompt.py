"""The templates of a task that was taken over: one text, and a chat of turns."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from harness.bring.lm_eval.answer import Answering
from harness.bring.lm_eval.definition import Definition
from harness.bring.lm_eval.measure import CHOSEN
from harness.bring.lm_eval.question import Question, literal

BLANK = " "  # what stands between a prefix and its answer


def text(task: Definition, question: Question, answering: Answering) -> tuple[dict[str, Any], str]:
    """Front matter and body of the prompt that is one text."""
    delimiter, between, prefix = task.shown
    if prefix:
        answered = _delimited(question, delimiter, prefix, shot=True) + _prefixed(prefix) + literal(between)
        unanswered = _delimited(question, delimiter, prefix, shot=True) + literal(prefix)
    else:
        answered = literal(delimiter) + "{{ shot.answer }}" + literal(between)
        unanswered = ""
    shown = _either(answered, unanswered) if answering.empty else answered
    last = _delimited(question, task.target_delimiter, task.prefix) + literal(task.prefix) if task.prefix else ""
    body = literal(task.description) + _shots(question.body(shot=True) + shown) + question.body() + last
    joined = task.target_delimiter
    if task.output != CHOSEN and task.prefix:
        joined = "" if task.prefix[-1].isspace() else BLANK
    return _matter(task, "As lm-evaluation-harness asks it", joined), body


def chat(task: Definition, question: Question, answering: Answering) -> tuple[dict[str, Any], str]:
    """Front matter and body of the prompt in turns: its ``--apply_chat_template`` with ``--fewshot_as_multiturn``."""
    prefix = task.shown[2]
    answered = _turn("assistant", _prefixed(prefix) if prefix else "{{ shot.answer }}")
    if answering.empty:
        unanswered = _turn("assistant", literal(prefix)) if prefix else ""
        answered = _either(answered, unanswered)
    body = _turn("system", literal(task.description)) if task.description else ""
    body += _shots(_turn("user", question.body(shot=True)) + answered) + _turn("user", question.body())
    body += _turn("assistant", literal(task.prefix)) if task.prefix else ""
    joined = task.target_delimiter if task.prefix and not task.prefix[-1].isspace() else ""
    return _matter(task, "As lm-evaluation-harness asks it of a chat model, in turns", joined), body


def _shots(each: str) -> str:
    return f"{{% for shot in shots %}}{each}{{% endfor %}}"


def _either(answered: str, unanswered: str) -> str:
    """What stands for an answer, and what where that is an empty text."""
    otherwise = f"{{% else %}}{unanswered}" if unanswered else ""
    return f"{{% if shot.answer %}}{answered}{otherwise}{{% endif %}}"


def _turn(role: str, body: str) -> str:
    return f"{{% {role} %}}{body}{{% end{role} %}}"


def _delimited(question: Question, delimiter: str, prefix: str, shot: bool = False) -> str:
    """What stands between a question and the prefix of its answer: the delimiter, unless white space does."""
    end = question.end
    if not delimiter or prefix[0].isspace() or (end is not None and (end == "" or end.isspace())):
        return ""
    if end is not None:
        return literal(delimiter)
    name = f"{'shot.' if shot else ''}{question.pieces[-1].input}"
    return f'{{{{ "" if {name}[-1:].isspace() or not {name} else {json.dumps(delimiter, ensure_ascii=False)} }}}}'


def _prefixed(prefix: str) -> str:
    """A prefix with the answer behind it."""
    if prefix[-1].isspace():
        return literal(prefix) + "{{ shot.answer }}"
    return literal(prefix) + f'{{{{ "" if shot.answer[:1].isspace() else "{BLANK}" }}}}{{{{ shot.answer }}}}'


def _matter(task: Definition, description: str, joined: str) -> dict[str, Any]:
    found: dict[str, Any] = {"description": f"{description}: {task.name}.", "strip": False, "answer_prefix": joined}
    if task.output != CHOSEN:
        found |= {"stop": list(task.stops), "max_tokens": task.max_tokens}
    return found


def fits(question: Question, task: Definition) -> bool:
    """Whether the question's last character can be looked at where a prefix asks for it: it is literal, or all of it is
    one input."""
    return not (task.prefix or task.shown[2]) or question.end is not None or len(question.pieces) == 1


def document(matter: Mapping[str, Any], body: str, dump: Any) -> str:
    """The file of a template."""
    return f"---\n{dump(matter)}---\n{body}"
