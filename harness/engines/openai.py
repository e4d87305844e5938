"""Any server that speaks OpenAI's protocol: it generates, and scores choices where it returns log-probabilities."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any

from harness import parse, plan
from harness.engines import structured as held
from harness.engines.server import Manners, Refused, Server, Session
from harness.errors import InputError, unknown
from harness.model import Model
from harness.types import Answer, Constraint, Message, Request, Sampling, Tokens, Usage

HOME = "https://api.openai.com/v1"
IDS_PER_REQUEST = 128  # vLLM's limit for logprob_token_ids
PROBE = "Which animal has black and white stripes?"
PROBED = "a-striped-animal"  # what no model says unless it is held to it


@dataclass
class _Read:
    """What is known of one scoring request: ``wanted`` are the tokens that may follow each beginning of a choice,
    ``found`` the log-probability of each beginning's last token."""

    wanted: dict[Tokens, set[int]]
    found: dict[Tokens, float] = field(default_factory=dict)
    computed: int = 0

    @classmethod
    def of(cls, choices: Iterable[Tokens]) -> _Read:
        wanted: dict[Tokens, set[int]] = {}
        for choice in choices:
            for i, token in enumerate(choice):
                wanted.setdefault(choice[:i], set()).add(token)
        return cls(wanted)

    def below(self, node: Tokens) -> list[Tokens]:
        """The beginnings from ``node`` on."""
        return [other for other in self.wanted if other[: len(node)] == node]

    def done(self, node: Tokens) -> bool:
        return all((*node, token) in self.found for token in self.wanted[node])


class OpenAI:
    """A server that speaks OpenAI's protocol (vLLM's, a provider's). Generates from text or a chat, and given the name
    of its tokenizer, from tokens; then it scores choices too, where the server returns log-probabilities.

    ``base_url`` is the environment's OPENAI_BASE_URL or OpenAI's own where it is empty. The key is read from the
    environment variable ``api_key_env``. ``tokenizer`` is a local path or a hub name, ``revision`` its revision.
    ``structured`` says how text is held to a constraint: ``vllm`` (its ``structured_outputs``), ``json`` (a JSON
    schema), ``none`` (text is parsed as it comes), ``auto``: the first of these that the server obeys in a probe. What
    is found is part of the identity. See ``Manners`` for the rest.
    """

    def __init__(
        self,
        model: str,
        revision: str | None = None,
        dtype: str = "auto",
        trust_remote_code: bool = False,
        base_url: str = "",
        api_key_env: str = "OPENAI_API_KEY",
        tokenizer: str = "",
        structured: str = "auto",
        concurrency: int = 16,
        retries: int = 6,
        timeout: float = 300.0,
        backoff: float = 0.5,
        requests_per_minute: int = 0,
        tokens_per_minute: int = 0,
    ) -> None:
        if dtype != "auto" or trust_remote_code:
            raise InputError(
                "the engine 'openai' runs no model itself: --dtype and --trust-remote-code are its server's."
            )
        if revision is not None and not tokenizer:
            raise InputError("--revision is the tokenizer's here: name it with --engine-with tokenizer=NAME.")
        if structured not in ("auto", *held.KINDS):
            raise unknown("way to hold text to a constraint", structured, ("auto", *held.KINDS), "structured")
        if api_key_env != "OPENAI_API_KEY" and not os.environ.get(api_key_env):
            raise InputError(f"api_key_env: the environment variable {api_key_env!r} is not set.")
        self._name = model
        self._structured = structured
        self._local = Model(tokenizer, revision) if tokenizer else None
        manners = Manners(concurrency, retries, timeout, backoff, requests_per_minute, tokens_per_minute)
        self._server = Server(base_url or os.environ.get("OPENAI_BASE_URL") or HOME, api_key_env, manners)

    @cached_property
    def _models(self) -> Mapping[str, Mapping[str, Any]]:
        """What the server says of its models, by name; nothing where it keeps no list."""
        try:
            listed = self._server.once("GET", "models").get("data") or []
            return {str(each["id"]): each for each in listed}
        except Refused:
            return {}
        except (KeyError, TypeError):
            raise self._strange("models") from None

    @property
    def _card(self) -> Mapping[str, Any]:
        return self._models.get(self._name, {})

    @property
    def _is_vllm(self) -> bool:
        return any(card.get("owned_by") == "vllm" for card in self._models.values())

    @cached_property
    def identity(self) -> Mapping[str, str]:
        """``weights`` is what the server says it loaded, which few do. A response's ``system_fingerprint`` is left out:
        providers change it from one answer to the next."""
        found = {"model": self._name, "engine": "openai", "server": self._server.name}
        if root := self._card.get("root"):
            found["weights"] = str(root)
        if self._local:
            found["tokenizer"] = self._fingerprint
        return {**found, "structured": self._how}

    @cached_property
    def _fingerprint(self) -> str:
        """A hash of all that makes tokens of text: vocabulary, merges, normalisation, chat template."""
        known = self.tokenizer
        whole = [known.backend_tokenizer.to_str(), str(known.chat_template), str(known.bos_token_id)]
        return sha256("\0".join(whole).encode()).hexdigest()[:12]

    @cached_property
    def tokenizer(self) -> Any:
        return self._local.tokenizer if self._local else None

    @property
    def max_length(self) -> int:
        """Tokens of prompt and answer together that the server takes; unbounded where it does not say."""
        return int(self._card.get("max_model_len") or sys.maxsize)

    @cached_property
    def _how(self) -> str:
        """How the server holds text to a constraint: asked to say what no model would say, does it?"""
        if self._structured != "auto":
            return self._structured
        if self._is_vllm:
            return "vllm"
        for how in ("vllm", "json"):
            for content in ((Message("user", PROBE),), PROBE):
                sampling = Sampling(constraint=Constraint("choice", (PROBED,)))
                path, body, _ = self._writing(Request("", (), None, sampling, content), how)
                try:
                    if self._read(self._server.once("POST", path, body), path, sampling, how)[0] == PROBED:
                        return how
                except Refused as error:
                    self._missing(error)
        return "none"

    def generate(self, requests: Iterable[Request]) -> Iterator[Answer]:
        """Text for each request under its own sampling parameters."""
        ordered = sorted(plan.order(requests), key=_text)
        if ordered:
            _ = self._how  # asked before there is an event loop
            yield from self._server.each(self._write, ordered)

    async def _write(self, session: Session, request: Request) -> Answer:
        path, body, tokens = self._writing(request, self._how)
        said = await self._send(session, path, body, tokens)
        assert request.sampling is not None
        text, finish = self._read(said, path, request.sampling, self._how, self.tokenizer)
        prompt, cached, new = _usage(said)
        return Answer(request.key, text, finish, usage=Usage(prompt, prompt - cached + max(0, new - 1), new))

    def _writing(self, request: Request, how: str) -> tuple[str, dict[str, Any], int]:
        """The path and body that ask for text, and about how many tokens they take."""
        sampling = request.sampling
        assert sampling is not None
        room = sampling.max_tokens
        body = {"model": self._name, "temperature": sampling.temperature, "seed": sampling.seed}
        if held.wraps(sampling.constraint, how):
            room += held.ROOM
        elif sampling.stop:
            body["stop"] = list(sampling.stop)
        body |= {"max_tokens": room, **held.fields(sampling.constraint, how)}
        tokens = (len(request.prompt) or len(_text(request)) // 4) + room
        if isinstance(request.content, tuple):
            body["messages"] = [{"role": m.role, "content": m.content} for m in request.content]
            return "chat/completions", body, tokens
        body["prompt"] = list(request.prompt) if request.content is None else request.content
        if request.content is None and self._is_vllm:
            body["return_token_ids"] = True
        return "completions", body, tokens

    def _read(
        self, said: Mapping[str, Any], path: str, sampling: Sampling, how: str, tokenizer: Any = None
    ) -> tuple[str, str]:
        """The text that came, up to the first stop, and why it ends. Decoded here from tokens where they came too: a
        server's own text can begin with the prompt's end, where that is no whole character."""
        try:
            made = said["choices"][0]
            if tokenizer is not None and made.get("token_ids") is not None:
                text = tokenizer.decode(made["token_ids"], skip_special_tokens=True)
            elif path == "completions":
                text = made["text"] or ""
            else:
                text = made["message"].get("content") or made["message"].get("refusal") or ""
            ended = str(made.get("finish_reason") or "length")
        except (KeyError, IndexError, TypeError, AttributeError):
            raise self._strange(path) from None
        if held.wraps(sampling.constraint, how):
            return held.unwrap(text), ended
        text, stopped = parse.until(text, sampling.stop)
        return text, "stop" if stopped else ended

    def score(self, requests: Iterable[Request]) -> Iterator[Answer]:
        """Natural-log probabilities of every choice's tokens, as the server's model itself has them."""
        ordered = plan.order(requests)
        if ordered:
            yield from self._server.each(self._score_by_ids if self._takes_ids else self._score_by_echo, ordered)

    @cached_property
    def _takes_ids(self) -> bool:
        """Whether the server returns log-probabilities of the tokens asked for, untouched by what it is allowed to
        say; if not, whether it at least returns those of a prompt. Raises InputError where it does neither."""
        ids = tuple(self.tokenizer.encode(PROBE))
        one, two = ids[-2:]
        try:
            said = self._server.once(
                "POST", "completions", {**self._by_ids(ids, (one, two), 1), "allowed_token_ids": [one]}
            )
            (step,) = self._steps(said)
            if step[0] == one and min(step[1].get(one, -9999.0), step[1].get(two, -9999.0)) > -9999.0:
                return True
        except Refused as error:
            self._missing(error)
        try:
            self._echoed(self._server.once("POST", "completions", self._by_echo(ids)), ids, 1)
        except Refused as error:
            self._missing(error)
            raise InputError(
                f"{self._server.name} does not return the log-probabilities that scoring needs ({error}). Use --mode "
                "generate."
            ) from None
        return False

    async def _score_by_ids(self, session: Session, request: Request) -> Answer:
        """A request that may only say tokens of the choices, with the log-probabilities of all of them at each step,
        tells everything about the choices it walks along; what lies aside is asked from there on."""
        assert request.choices is not None
        read = _Read.of(request.choices)
        for node in sorted(read.wanted):
            if read.done(node):
                continue
            below = read.below(node)
            ids = sorted({token for other in below for token in read.wanted[other]})
            steps = max(map(len, below)) + 1 - len(node)
            if len(ids) > IDS_PER_REQUEST:
                ids, steps = sorted(read.wanted[node]), 1
            for start in range(0, len(ids), IDS_PER_REQUEST):
                body = self._by_ids(request.prompt + node, ids[start : start + IDS_PER_REQUEST], steps)
                said = await self._send(session, "completions", body, len(request.prompt + node) + steps)
                self._walk(read, node, said)
        scores = tuple(tuple(read.found[c[: i + 1]] for i in range(len(c))) for c in request.choices)
        return Answer(request.key, choice_logprobs=scores, usage=Usage(plan.submitted(request), read.computed))

    def _walk(self, read: _Read, node: Tokens, said: Mapping[str, Any]) -> None:
        """Take what the steps from ``node`` on tell of the choices, as far as they go along them."""
        for token, logprobs in self._steps(said):
            for child in read.wanted.get(node, ()):
                if child in logprobs:
                    read.found[*node, child] = logprobs[child]
            node = (*node, token)
        prompt, cached, new = _usage(said)
        read.computed += prompt - cached + max(0, new - 1)

    def _by_ids(self, prompt: Tokens, ids: Sequence[int], steps: int) -> dict[str, Any]:
        return {
            "model": self._name,
            "prompt": list(prompt),
            "max_tokens": steps,
            "temperature": 0.0,
            "logprobs": 1,
            "logprob_token_ids": list(ids),
            "allowed_token_ids": list(ids),
            "return_tokens_as_token_ids": True,
        }

    def _steps(self, said: Mapping[str, Any]) -> list[tuple[int, dict[int, float]]]:
        """Of each step the token said, and log-probabilities by token."""
        try:
            logprobs = said["choices"][0]["logprobs"]
            return [
                (_id(token), {_id(name): float(value) for name, value in step.items()})
                for token, step in zip(logprobs["tokens"], logprobs["top_logprobs"], strict=True)
            ]
        except (KeyError, IndexError, TypeError, ValueError, AttributeError):
            raise self._strange("completions") from None

    async def _score_by_echo(self, session: Session, request: Request) -> Answer:
        """One request a choice, which the server runs in full and returns with its log-probabilities."""
        assert request.choices is not None
        scores, computed = [], 0
        for choice in request.choices:
            whole = request.prompt + choice
            said = await self._send(session, "completions", self._by_echo(whole), len(whole) + 1)
            scores.append(self._echoed(said, whole, len(choice)))
            prompt, cached, _ = _usage(said)
            computed += prompt - cached
        return Answer(request.key, choice_logprobs=tuple(scores), usage=Usage(plan.submitted(request), computed))

    def _by_echo(self, whole: Tokens) -> dict[str, Any]:
        return {
            "model": self._name,
            "prompt": list(whole),
            "max_tokens": 1,
            "temperature": 0.0,
            "logprobs": 1,
            "echo": True,
        }

    def _echoed(self, said: Mapping[str, Any], whole: Tokens, last: int) -> tuple[float, ...]:
        """Log-probabilities of the ``last`` tokens of a prompt of tokens ``whole``; one more token was said after."""
        try:
            values = said["choices"][0]["logprobs"]["token_logprobs"]
            if len(values) not in (len(whole), len(whole) + 1):
                raise self._strange("completions")
            return tuple(float(value) for value in values[len(whole) - last : len(whole)])
        except (KeyError, IndexError, TypeError):
            raise self._strange("completions") from None

    async def _send(self, session: Session, path: str, body: Mapping[str, Any], tokens: int) -> dict[str, Any]:
        try:
            return await session.send("POST", path, body, tokens)
        except Refused as error:
            self._missing(error)
            hint = " structured=json or none asks for less: --engine-with structured=none." if _holds(body) else ""
            raise InputError(f"{error}.{hint}") from None

    def _missing(self, error: Refused) -> None:
        """Raises InputError where the refusal is for want of the model."""
        if error.status == 404 and self._models and self._name not in self._models:
            raise unknown("model", self._name, self._models, self._server.name) from None

    def _strange(self, path: str) -> Refused:
        said = "answers, but not in the form of OpenAI's protocol. Check base_url; it usually ends in /v1"
        return Refused(f"{self._server.name}/{path} {said}", 200)


def _text(request: Request) -> str:
    content = request.content or ""
    return content if isinstance(content, str) else "\0".join(message.content for message in content)


def _usage(said: Mapping[str, Any]) -> tuple[int, int, int]:
    """Tokens of the prompt, those of them from a cache, and those generated, as far as the server says."""
    usage = said.get("usage") or {}
    details = usage.get("prompt_tokens_details") or {}
    return (
        int(usage.get("prompt_tokens") or 0),
        int(details.get("cached_tokens") or 0),
        int(usage.get("completion_tokens") or 0),
    )


def _id(token: str) -> int:
    """Of ``token_id:17``."""
    return int(token.removeprefix("token_id:"))


def _holds(body: Mapping[str, Any]) -> bool:
    return "structured_outputs" in body or "response_format" in body
