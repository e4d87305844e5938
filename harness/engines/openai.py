"""Any server that speaks OpenAI's protocol: it generates, and scores choices where it returns log-probabilities."""

from __future__ import annotations

import json
import os
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property, partial
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from harness.engines import logprobs, reply, trie
from harness.engines import structured as held
from harness.engines.address import Address
from harness.engines.pace import Manners
from harness.engines.refusals import Sieve, Work
from harness.engines.served import Served
from harness.engines.server import Server
from harness.engines.session import Garbled, Read, Refused, Session
from harness.errors import InputError, unknown
from harness.kinds.words import apart
from harness.models.checkpoint import KEPT, Model
from harness.tokens import TAIL, opening, until
from harness.types import Answer, Constraint, Message, Request, Sampling, Tokens, Usage

HOME = "https://api.openai.com/v1"
PROBE = "Which animal has black and white stripes?"
PROBED = "a-striped-animal"  # what no model says unless it is held to it

Found = TypeVar("Found")


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
        home: Path = KEPT,
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
        self._local = Model(tokenizer, revision, home) if tokenizer else None
        manners = Manners(concurrency, retries, timeout, backoff, requests_per_minute, tokens_per_minute)
        address = Address(base_url or os.environ.get("OPENAI_BASE_URL") or HOME, api_key_env)
        self._server = Server(address, manners)
        self._met = False  # whether it has answered any request

    @cached_property
    def _models(self) -> Served:
        """What the server says of its models; nothing where it keeps no list."""
        try:
            return self._server.once(lambda session: session.send("GET", "models", Served.of))
        except (Refused, Garbled):
            return Served({})

    @cached_property
    def identity(self) -> Mapping[str, str]:
        """``weights`` is what the server says it loaded, which few do. A response's ``system_fingerprint`` is left out:
        providers change it from one answer to the next."""
        found = {"model": self._name, "engine": "openai", "server": self._server.address.identity}
        if weights := self._models.weights(self._name):
            found["weights"] = weights
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
        return self._models.max_length(self._name)

    @cached_property
    def _how(self) -> str:
        """How the server holds text to a constraint: asked to say what no model would say, does it?"""
        if self._structured != "auto":
            return self._structured
        if self._models.is_vllm:
            return "vllm"
        for how in ("vllm", "json"):
            for content in ((Message("user", PROBE),), PROBE):
                sampling = Sampling(constraint=Constraint("choice", (PROBED,)))
                request = Request("", (), None, sampling, content)
                path, body = self._writing(request, how)
                with suppress(Refused, Garbled):
                    if apart(self._once(path, body, partial(self._text, request, how))[0])[1] == PROBED:
                        return how
        return "none"

    def generate(self, requests: Iterable[Request], known: Container[str] = ()) -> Iterator[Answer]:
        """Text for each request under its own sampling parameters."""
        ordered = sorted(trie.order(requests, known), key=_content)
        if ordered:
            _ = self.identity  # what the server is, is asked before the requests
            yield from self._each(self._write, ordered, known)

    def _each(self, work: Work, ordered: Sequence[Request], known: Container[str]) -> Iterator[Answer]:
        """An answer to each request (see ``Sieve``)."""
        for answer in Sieve(self._server, work, self._plain(ordered[0]), self._met or bool(known)).answers(ordered):
            self._met = True
            yield answer

    def _plain(self, request: Request) -> Request:
        """One that asks as ``request`` does, but about none of the items."""
        if request.content is None:
            return replace(request, prompt=tuple(self.tokenizer.encode(PROBE)))
        return replace(request, content=PROBE if isinstance(request.content, str) else (Message("user", PROBE),))

    async def _write(self, session: Session, request: Request) -> Answer:
        path, body = self._writing(request, self._how)
        vain = Usage()

        def read(said: Mapping[str, Any]) -> Answer:
            text, finish = self._text(request, self._how, said)
            prompt, _, new = reply.usage(said)
            fed = reply.computed(said) - max(0, new - 1)  # what was generated is counted apart
            return Answer(request.key, text, finish, usage=Usage(prompt, fed, new))

        if "stop" in body:
            answer, early = await self._send(session, path, body, lambda said: (read(said), reply.stopped_early(said)))
            if not early:
                return answer
            vain = replace(answer.usage, submitted=0)
            del body["stop"]
        answer = await self._send(session, path, body, read)
        return replace(answer, usage=vain + answer.usage)

    def _writing(self, request: Request, how: str) -> tuple[str, dict[str, Any]]:
        """The path and body that ask for text. A chat's model may think before it answers, where no stop must act: it
        ends by itself, and what is said behind a stop is cut off here."""
        sampling = request.sampling
        assert sampling is not None
        body: dict[str, Any] = {"model": self._name, "temperature": sampling.temperature, "seed": sampling.seed}
        body["max_tokens"] = sampling.max_tokens
        if held.wraps(sampling.constraint, how):
            body["max_tokens"] += held.ROOM
        elif sampling.stop and not isinstance(request.content, tuple) and not self._opened(request):
            body["stop"] = list(sampling.stop)
        body |= held.fields(sampling.constraint, how)
        if isinstance(request.content, tuple):
            body["messages"] = [{"role": m.role, "content": m.content} for m in request.content]
            if request.chat:
                body["chat_template_kwargs"] = json.loads(request.chat)
            if self._models.is_vllm and request.content[-1].role == "assistant":  # the beginning of the answer
                body |= {"add_generation_prompt": False, "continue_final_message": True}
            return "chat/completions", body
        body["prompt"] = list(request.prompt) if request.content is None else request.content
        if request.content is None and self._models.is_vllm:
            body["return_token_ids"] = True
        return "completions", body

    def _opened(self, request: Request) -> str:
        """The tag of the thought that the prompt opens, or the beginning of the model's turn."""
        content = request.content
        if content is None:
            return opening(self.tokenizer.decode(list(request.prompt[-TAIL:])))
        if isinstance(content, str):
            return opening(content)
        return opening(content[-1].content) if content and content[-1].role == "assistant" else ""

    def _text(self, request: Request, how: str, said: Mapping[str, Any]) -> tuple[str, str]:
        """The text that came, up to the first stop, and why it ends; what the model thought stands in front of it."""
        sampling = request.sampling
        assert sampling is not None
        wrapped = held.wraps(sampling.constraint, how)
        text = reply.bounded(reply.text(said, self.tokenizer), sampling.max_tokens + held.ROOM * wrapped)
        ended = reply.finish(said)
        thought = reply.thought(said) or self._opened(request)
        if wrapped:
            return thought + held.unwrap(text), ended
        text, stopped = until(thought + text, sampling.stop)
        return text, "stop" if stopped else ended

    def score(self, requests: Iterable[Request], known: Container[str] = ()) -> Iterator[Answer]:
        """Natural-log probabilities of every choice's tokens, as the server's model itself has them."""
        ordered = trie.order(requests, known)
        if ordered:
            _ = self.identity
            yield from self._each(self._score_by_ids if self._takes_ids else self._score_by_echo, ordered, known)

    @cached_property
    def _takes_ids(self) -> bool:
        """Whether the server returns log-probabilities of the tokens asked for, untouched by what it is allowed to
        say; if not, it returns those of a prompt. Raises InputError where it does neither."""
        ids = tuple(self.tokenizer.encode(PROBE))
        one, two = ids[-2:]
        only = {**logprobs.by_ids((one, two), 1), "allowed_token_ids": [one]}
        with suppress(Refused, Garbled):
            if self._once("completions", self._completion(ids, only), partial(logprobs.untouched, one, two)):
                return True
        problem = "it is answered without them"
        try:
            if self._once("completions", self._completion(ids, logprobs.ECHO), partial(logprobs.echoes, ids)):
                return False
        except (Refused, Garbled) as error:
            problem = str(error)
        raise InputError(
            f"{self._server.address.name} does not return the log-probabilities that scoring needs. Use --mode "
            f"generate. ({problem})"
        )

    async def _score_by_ids(self, session: Session, request: Request) -> Answer:
        assert request.choices is not None
        reading, computed = logprobs.Reading.of(request.choices), 0
        for node, fields in reading.questions():
            read = partial(_counted, partial(reading.take, node, fields))
            _, cost = await self._send(session, "completions", self._completion(request.prompt + node, fields), read)
            computed += cost
        scores = reading.scores(request.choices)
        return Answer(request.key, choice_logprobs=scores, usage=Usage(trie.submitted(request), computed))

    async def _score_by_echo(self, session: Session, request: Request) -> Answer:
        """One request a choice, which the server runs in full and returns with its log-probabilities."""
        assert request.choices is not None
        scores, computed = [], 0
        for choice in request.choices:
            whole = request.prompt + choice
            read = partial(_counted, partial(logprobs.echoed, whole, len(choice)))
            found, cost = await self._send(session, "completions", self._completion(whole, logprobs.ECHO), read)
            scores.append(found)
            computed += cost
        return Answer(request.key, choice_logprobs=tuple(scores), usage=Usage(trie.submitted(request), computed))

    def _completion(self, prompt: Tokens, fields: Mapping[str, Any]) -> dict[str, Any]:
        return {"model": self._name, "prompt": list(prompt), **fields}

    def _once(self, path: str, body: Mapping[str, Any], read: Read[Found]) -> Found:
        return self._server.once(lambda session: self._send(session, path, body, read))

    async def _send(self, session: Session, path: str, body: Mapping[str, Any], read: Read[Found]) -> Found:
        prompt = body.get("prompt") or body.get("messages") or ""
        tokens = len(prompt) if isinstance(prompt, list) and "prompt" in body else len(str(prompt)) // 4
        try:
            return await session.send("POST", path, read, body, tokens + body["max_tokens"])
        except Refused as error:
            if error.status == 404 and self._models.names and self._name not in self._models.names:
                raise unknown("model", self._name, self._models.names, self._server.address.name) from None
            if "structured_outputs" in body or "response_format" in body:
                hint = "--engine-with structured=json, or none, asks for less of a hold on the answer."
                raise Refused(f"{error} {hint}", error.status) from None
            raise


def _counted(read: Read[Found], said: Mapping[str, Any]) -> tuple[Found, int]:
    """What ``read`` finds, and what it cost to compute."""
    return read(said), reply.computed(said)


def _content(request: Request) -> str:
    content = request.content or ""
    return content if isinstance(content, str) else "\0".join(message.content for message in content)
