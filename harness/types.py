"""The records everything speaks: frozen, slotted, standard library only."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, Protocol, Self, TypeAlias

Tokens: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled item. ``cluster`` names the document it came from; ``tags`` are for break-downs only; ``options``
    are the answers that this item alone offers, where its kind has such."""

    id: str
    inputs: Mapping[str, str]
    target: str
    cluster: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """All inputs joined by newlines: what selectors, leak checks and text classifiers read."""
        return "\n".join(self.inputs.values())


@dataclass(frozen=True, slots=True, order=True)
class Message:
    """One turn of a chat prompt; ``role`` is system, user or assistant."""

    role: str
    content: str


Messages: TypeAlias = tuple[Message, ...]


class Edit(NamedTuple):
    """A change of one input: its characters from ``start`` to ``end`` become ``text``."""

    input: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """A rendered template. ``choices`` are the strings that may continue it, one per label, in label order.
    ``written`` renders it anew with something done to each text of the data; without it all is taken for data."""

    example_id: str
    content: str | Messages
    choices: tuple[str, ...] | None
    demos: tuple[str, ...]
    written: Callable[[Callable[[str], str]], str | Messages] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Constraint:
    """What generated text must be: one of some strings (``kind`` choice), a match of a regular expression (regex), or
    JSON of a schema (json, ``value`` being the schema's text)."""

    kind: str
    value: str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to generate. ``temperature`` 0 is greedy."""

    max_tokens: int = 16
    temperature: float = 0.0
    stop: tuple[str, ...] = ("\n",)
    seed: int = 0
    constraint: Constraint | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One unit of inference: exactly one of ``choices`` (score them) and ``sampling`` (generate) is set. An engine
    without a tokenizer gets the prompt as ``content``, its ``prompt`` being empty, and is asked to generate only;
    ``chat`` is then what its server's chat template is told besides, as JSON."""

    key: str
    prompt: Tokens
    choices: tuple[Tokens, ...] | None = None
    sampling: Sampling | None = None
    content: str | Messages | None = None
    chat: str = ""

    def __post_init__(self) -> None:
        assert (self.choices is None) != (self.sampling is None)
        assert self.content is None or (not self.prompt and self.choices is None)


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts. ``submitted``: what a straightforward harness would feed the model (prompt and choice, for
    each choice); ``computed``: token positions really run through it; ``generated``: tokens sampled. ``retries``:
    requests that a server was sent again."""

    submitted: int = 0
    computed: int = 0
    generated: int = 0
    retries: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.submitted + other.submitted,
            self.computed + other.computed,
            self.generated + other.generated,
            self.retries + other.retries,
        )


@dataclass(frozen=True, slots=True)
class Spent:
    """What an answer takes where it is asked for by itself, whenever that was: the tokens of its ``prompt``, those that
    were ``written``, and where a server answered, the ``seconds`` from the request to the answer."""

    prompt: int = 0
    written: int = 0
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What an engine says to one request. ``choice_logprobs[i][j]`` is the natural-log probability of token j of
    choice i given the prompt and the tokens before it. ``failure`` says why there is no answer, where there is none.
    ``written`` tokens were sampled for it, now or before; ``seconds`` is what a server took for it."""

    key: str
    text: str = ""
    finish: str = "scored"
    choice_logprobs: tuple[tuple[float, ...], ...] | None = None
    usage: Usage = Usage()
    failure: str = ""
    written: int = 0
    seconds: float | None = None


class Status(StrEnum):
    """How a prediction came out. Metrics say what each costs."""

    OK = "ok"
    UNPARSED = "unparsed"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Trace:
    """For reading, never for scoring. ``unread``: tokens at the input's end that did not fit the model; ``raw``: the
    text that was written, or why there is no answer; ``thought``: the reasoning set apart from it; ``cut``: it was not
    finished within the tokens that it may take; ``control``: data that a server may have read as control tokens;
    ``lost``: parts of the answer that are none to this item. ``usage`` is what it cost now, ``spent`` what it takes by
    itself."""

    demos: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    dropped_demos: int = 0
    unread: int = 0
    raw: str = ""
    thought: str = ""
    cut: bool = False
    usage: Usage = Usage()
    choice_logprobs: tuple[tuple[float, ...], ...] | None = None
    control: bool = False
    lost: int = 0
    spent: Spent = Spent()


@dataclass(frozen=True, slots=True)
class Recording:
    """An answer to one item that was made elsewhere: its ``text``, None where there is none; ``failure`` says why,
    where that is known. ``scores`` are the labels' log-probabilities, in their order. ``spent`` is what the file tells
    of its tokens and its time."""

    text: str | None
    scores: tuple[float, ...] | None = None
    failure: str = ""
    spent: Spent = Spent()


@dataclass(frozen=True, slots=True)
class Prediction:
    """A predictor's answer to one example. ``label_logprobs`` are normalised over the label set, in its order.
    ``mentioned`` is the one label that an unparsed text mentions, if it does."""

    example_id: str
    output: str | None
    status: Status = Status.OK
    label_logprobs: tuple[float, ...] | None = None
    trace: Trace | None = None
    mentioned: str | None = None


@dataclass(frozen=True, slots=True)
class Signature:
    """Ordered explicit pairs: everything that could change a score. ``str`` gives the one line that tables carry."""

    pairs: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, **fields: object) -> Signature:
        return cls(tuple((k, str(v)) for k, v in fields.items() if v is not None))

    def __add__(self, other: Signature) -> Signature:
        return Signature(self.pairs + other.pairs)

    def __str__(self) -> str:
        return "|".join(f"{k}:{v}" for k, v in self.pairs)


class Predictor(Protocol):
    """A prompted LLM, a fine-tuned model, a linear classifier: nothing downstream knows which.

    ``seed`` is what it draws by, ``drawn`` whether it draws at all, ``settings`` what a table names it by. ``fit`` may
    use ``dev`` to decide when to stop; it never learns from it. ``history`` is what was watched while fitting, one
    mapping an epoch; empty where nothing is trained in epochs.
    """

    name: str
    seed: int

    @property
    def drawn(self) -> bool: ...
    @property
    def settings(self) -> Mapping[str, Any]: ...
    @property
    def signature(self) -> Signature: ...
    @property
    def history(self) -> Sequence[Mapping[str, float]]: ...
    def fit(self, train: Sequence[Example], dev: Sequence[Example] = ()) -> Self: ...
    def predict(self, examples: Sequence[Example]) -> Iterator[Prediction]: ...


class Engine(Protocol):
    """Runs requests on a model, each answer as soon as it is known, in any order. ``tokenizer`` is None for a server
    whose tokenizer is not to be had here: it gets prompts as ``content``.

    ``known`` are keys of requests that are answered already. Those among ``requests`` are not answered again: they tell
    in what company the others were to be computed, for an engine whose last digits depend on it."""

    @property
    def identity(self) -> Mapping[str, str]: ...
    @property
    def tokenizer(self) -> Any: ...
    @property
    def max_length(self) -> int: ...
    def score(self, requests: Iterable[Request], known: Container[str] = ()) -> Iterator[Answer]: ...
    def generate(self, requests: Iterable[Request], known: Container[str] = ()) -> Iterator[Answer]: ...
