"""Templates: a Jinja file with YAML front matter becomes a Prompt. Templates are untrusted input."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import jinja2

from harness import builtin, paths
from harness.errors import InputError, unknown
from harness.kinds import Choice, Label, Option, Words
from harness.prompt import frontmatter
from harness.prompt.frontmatter import Settings
from harness.sandbox import MARK, ROLES, Sandbox, line_of, written_line
from harness.task.definition import Task
from harness.types import Constraint, Example, Message, Messages, Prompt

MAX_CHARS = 1_000_000
NULL = "\U0010ffff"  # stands for a null byte of the data: it is no character, and in no text
LONGEST = 4 * MAX_CHARS  # bytes of a template


Seen: TypeAlias = Mapping[str, Sequence[Option]]
"""What an item offers of its own, by the name that templates use."""


class Shot(NamedTuple):
    """A demonstration as a template gets it: its inputs, what it offers, the answer that it shows, and the name of the
    label that this is, where it is one."""

    inputs: Mapping[str, str]
    seen: Seen
    answer: str
    label: str | None


@dataclass(frozen=True)
class Template:
    """One prompt template, bound to a task. ``sha`` is the hash of the file: one character changes it."""

    name: str
    path: Path
    source: str
    task: Task
    settings: Settings = field(default_factory=Settings)
    first_line: int = 1

    @property
    def sha(self) -> str:
        return hashlib.sha256(self.source.encode()).hexdigest()

    @cached_property
    def words(self) -> Words:
        """What stands for the answers in this template, by the kind of its task."""
        return self.task.kind.words(self.settings.verbalizer, str(self.path))

    @property
    def _form(self) -> Sequence[str]:
        return [self.words.form] if self.words.form else []

    @property
    def stops(self) -> tuple[str, ...]:
        """What ends a written answer: what the template says, else the line's end where answers are one line."""
        said = self.settings.stop
        if said is not None:
            return tuple(said)
        return ("\n",) if self.task.kind.lines(self.words) else ()

    def check_stops(self, train: Sequence[Example]) -> None:
        """Raises InputError where a stop of the template cuts an answer that its demonstrations show."""
        for example in train:
            shown = self.task.kind.shown(example, self.words)
            for stop in self.settings.stop or ():
                if stop and stop in shown:
                    raise self._error(
                        None,
                        f"the stop {stop!r} would cut the right answer of {example.id!r}: {shown!r}. Choose another, "
                        "or leave `stop` out",
                    )

    @cached_property
    def labels(self) -> tuple[Label, ...]:
        """The task's labels with their answer words, in label order."""
        return self.task.kind.labels_of(self.words)

    @property
    def scored(self) -> bool:
        """Whether a model scores the answers; else it writes them."""
        return self.task.kind.scored(self.words)

    def choices(self, example: Example) -> Sequence[Choice] | None:
        """The answers to score for an item; None where it is to be written."""
        return self.task.kind.choices(example, self.words)

    @cached_property
    def _env(self) -> Sandbox:
        return Sandbox(exact=not self.settings.strip)

    @property
    def digest(self) -> str:
        """A hash of all that its prompts hold besides examples: the file, the labels with their words and
        descriptions in order, the inputs' names."""
        seen = [(label.name, label.answer, label.description) for label in self.labels]
        whole = json.dumps([self.source, seen, list(self.task.spec.inputs), *self._form])
        return hashlib.sha256(whole.encode()).hexdigest()

    @cached_property
    def _compiled(self) -> jinja2.Template:
        body = "\n".join(self.source.removeprefix("\ufeff").split("\n")[self.first_line - 1 :])
        with self._told(lambda error: written_line(error, self._env, body)):
            return self._env.from_string(body)

    @contextmanager
    def _told(self, line: Callable[[Exception], int | None], values: Mapping[str, Any] | None = None) -> Iterator[None]:
        """Whatever a template makes Jinja or Python raise becomes an InputError that names the template and the line:
        Jinja has errors of its own, and passes on those of the expressions and of the code that it writes."""
        try:
            yield
        except (InputError, MemoryError):
            raise
        except Exception as error:
            raise self._error(line(error), self._explain(error, values or {})) from None

    def render(self, example: Example, shots: Sequence[Example] = ()) -> Prompt:
        """The prompt for ``example`` after the demonstrations ``shots``, in the order given.

        Raises InputError naming template, line and the missing name where the template asks for what is not there.
        """
        shown = [self._shot(each) for each in shots]
        seen = self.task.kind.seen(example.options, self.words)
        content = self._content(example.inputs, seen, shown)
        offered = self.choices(example)
        choices = None if offered is None else self.joined(content, [choice.word for choice in offered])
        written = partial(self._content, example.inputs, seen, shown)
        return Prompt(example.id, content, choices, tuple(each.id for each in shots), written)

    def _shot(self, example: Example) -> Shot:
        kind = self.task.kind
        answer = kind.shown(example, self.words)
        return Shot(example.inputs, kind.seen(example.options, self.words), answer, kind.label_of(example.target))

    def joined(self, content: str | Messages, words: Sequence[str]) -> tuple[str, ...]:
        """The answer words as they continue ``content``."""
        prefix = self.settings.answer_prefix
        if prefix is None:
            prefix = " " if isinstance(content, str) else ""
        return tuple(prefix + word for word in words)

    def demonstration(self, answer: str, text: str) -> str | Messages:
        """A prompt with one demonstration, answered by ``answer``; every input of it and of the item is ``text``."""
        inputs = dict.fromkeys(self.task.spec.inputs, text)
        seen = self.task.kind.seen((text, text), self.words)
        label = next((each.name for each in self.labels), None)
        return self._content(inputs, seen, [Shot(inputs, seen, answer, label)])

    def _content(
        self, inputs: Mapping[str, str], seen: Seen, shots: Sequence[Shot], done: Callable[[str], str] = str
    ) -> str | Messages:
        """The template filled in, with ``done`` to each text that it is given."""

        def given(text: str) -> str:
            return done(text.replace("\0", NULL))

        def item(inputs: Mapping[str, str], seen: Seen) -> dict[str, Any]:
            offered = {name: [Option(given(o.answer), given(o.text)) for o in each] for name, each in seen.items()}
            return {**{name: given(text) for name, text in inputs.items()}, **offered}

        def labelled(shot: Shot) -> dict[str, Label]:
            known = labels.get(shot.label or "")
            return {} if known is None else {"label": replace(known, answer=given(shot.answer))}

        labels = {e.name: Label(given(e.name), given(e.answer), given(e.description)) for e in self.labels}
        values = {
            **item(inputs, seen),
            "labels": list(labels.values()),
            "shots": [
                {
                    **item(shot.inputs, shot.seen),
                    "answer": given(shot.answer),
                    **(
                        {"label": replace(labels[shot.label], answer=given(shot.answer))}
                        if shot.label in labels
                        else {}
                    ),
                }
                for shot in shots
            ],
        }
        pieces, size = [], 0
        compiled = self._compiled
        self._env.meter.reset()
        with self._told(line_of, values):
            for piece in compiled.generate(values):
                pieces.append(piece)
                size += len(piece)
                if size > MAX_CHARS:
                    raise self._error(None, f"the prompt grew past {MAX_CHARS} characters")
        return self._messages("".join(pieces))

    def constraint(self, prompt: Prompt) -> Constraint | None:
        """What a generated answer to ``prompt`` is held to."""
        asked = self.settings.constrain
        if asked is None:
            return None
        if asked == "labels":
            if not self.scored:
                raise self._error(None, "`constrain: labels` is for answers of a closed set; use `constrain: schema`")
            return Constraint("choice", prompt.choices or ())
        if asked == "schema":
            schema = self.task.kind.answer_schema(self.words)
            if schema is None:
                raise self._error(None, f"`constrain: schema`: an answer of kind {self.task.kind.name} is no JSON here")
            return Constraint("json", json.dumps(schema, sort_keys=True))
        if asked.regex is not None:
            return Constraint("regex", asked.regex)
        return Constraint("json", json.dumps(asked.json_schema, sort_keys=True))

    def _messages(self, text: str) -> str | Messages:
        parts = text.split(MARK)
        if len(parts) == 1:
            return self._text(text)
        messages = []
        for part in parts:
            role, _, content = part.partition("\0")
            if role in ROLES:
                messages.append(Message(role, self._text(content)))
            elif (content if role == "end" else part).strip():
                raise self._error(None, "text outside the role tags; put all of it inside {% user %} … {% enduser %}")
        return tuple(messages)

    def _text(self, text: str) -> str:
        if "\0" in text:
            raise self._error(None, "it changes the text of its role tags, or writes a null byte")
        return (text.strip() if self.settings.strip else text).replace(NULL, "\0")

    def _explain(self, error: Exception, values: Mapping[str, Any]) -> str:
        message = str(error.msg if isinstance(error, SyntaxError) else error)
        if isinstance(error, jinja2.UndefinedError) and message.endswith("is undefined"):
            name = message.split("'")[1]
            return str(unknown("name", name, values))
        if isinstance(error, RecursionError):
            return "it nests too deeply, or a macro calls itself without end"
        if isinstance(error, jinja2.TemplateError):
            return message
        return f"{message or 'it failed'} ({type(error).__name__})"

    def _error(self, line: int | None, message: str) -> InputError:
        where = f", line {line + self.first_line - 1}" if line else ""
        return InputError(f"template {self.path}{where}: {message}")


def load(name: str, task: Task) -> Template:
    """The template ``prompts/TASK/NAME.j2`` (the user's own folder first), or the file ``name`` if it ends in .j2."""
    path = (
        Path(name) if name.endswith(".j2") else builtin.find("prompts", task.name, f"{paths.name('template', name)}.j2")
    )
    if path is None or not path.exists():
        raise unknown("template", name, builtin.names(f"prompts/{task.name}", ".j2"), f"task {task.name!r}")
    try:
        source = paths.text(path, LONGEST)
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(f"template {path}: cannot be read as text in UTF-8: {why}.") from None
    return parse(path.stem, path, source, task)


def parse(name: str, path: Path, source: str, task: Task) -> Template:
    """Split the front matter from the body and validate both."""
    if len(source) > MAX_CHARS:
        raise InputError(f"template {path}: it is longer than {MAX_CHARS} characters.")
    if "\0" in source:
        line = source[: source.index("\0")].count("\n") + 1
        raise InputError(f"template {path}, line {line}: it holds a null byte, so it is no text. Save it as UTF-8.")
    settings, first_line = frontmatter.read(path, source)
    template = Template(name, path, source, task, settings, first_line)
    _ = template.words, template._compiled  # report a bad verbalizer or syntax before anything runs
    return template
