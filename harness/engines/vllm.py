"""vLLM, on a GPU or a CPU build: prefix caching shares the heads, and every answer is taken as it finishes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from harness import parse, plan
from harness.errors import HarnessError, InputError
from harness.model import Model
from harness.types import Answer, Request, Usage

FORCED = "harness.engines.forced:Forced"
IDS_PER_REQUEST = 128  # vLLM's limit for logprob_token_ids
IN_FLIGHT = 512  # requests handed over ahead of the answers
CPU_BLOCK = 32  # CPU attention takes multiples of 32


@dataclass
class _Pending:
    """What is known of one request: ``places[part]`` are the choices that its vLLM request ``part`` answers,
    ``scores`` the log-probabilities by choice, ``open`` the vLLM requests still out."""

    request: Request
    places: list[list[int]]
    open: int
    scores: dict[int, tuple[float, ...]] = field(default_factory=dict)
    computed: int = 0


class Vllm:
    """vLLM, on a GPU or its CPU build. Scores choices by log-likelihood and generates.

    Choices of one token are read from a single request by their ids; a longer choice is a request that is forced
    along its tokens, whose raw log-probabilities vLLM returns. ``prompt_logprobs`` would skip the prefix cache.
    """

    def __init__(
        self,
        model: str,
        revision: str | None = None,
        dtype: str = "auto",
        trust_remote_code: bool = False,
        gpu_memory_utilization: float = 0.9,
    ) -> None:
        self.model = Model(model, revision)
        self._dtype, self._trust, self._memory = dtype, trust_remote_code, gpu_memory_utilization

    @cached_property
    def _on_cpu(self) -> bool:
        from vllm.platforms import current_platform

        return bool(current_platform.is_cpu())

    @cached_property
    def dtype(self) -> str:
        """``auto`` is float32 on CPU and the checkpoint's own type on a GPU."""
        if self._dtype != "auto":
            return self._dtype
        stored = None if self._on_cpu else getattr(self.model.config, "dtype", None)
        return str(stored).removeprefix("torch.") if stored else "float32"

    @cached_property
    def identity(self) -> Mapping[str, str]:
        import vllm

        return {
            "model": self.model.name,
            "weights": self.model.fingerprint,
            "engine": f"vllm-{vllm.__version__}",
            "dtype": self.dtype,
            "device": "cpu" if self._on_cpu else "cuda",
        }

    @property
    def tokenizer(self) -> Any:
        return self.model.tokenizer

    @property
    def max_length(self) -> int:
        """Tokens of prompt and answer together that the model takes."""
        return self.model.max_length

    @cached_property
    def _engine(self) -> Any:
        os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
        extra: dict[str, Any] = {"gpu_memory_utilization": self._memory}
        if self._on_cpu:
            os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "2")  # GiB
            extra = {"enforce_eager": True, "block_size": CPU_BLOCK}
        _ = self.model.tokenizer  # a path that holds no model is told before vLLM starts its processes
        from vllm import LLM

        try:
            llm = LLM(
                self.model.path,
                revision=self.model.revision,
                dtype=self.dtype,
                trust_remote_code=self._trust,
                load_format="safetensors",
                enable_prefix_caching=True,
                logits_processors=[FORCED],
                disable_log_stats=True,
                **extra,
            )
        except (OSError, ValueError) as error:
            raise InputError(f"model {self.model.name!r}: vLLM cannot load it: {str(error).splitlines()[0]}") from None
        except RuntimeError as error:
            raise HarnessError(f"vLLM did not start on {self.model.name!r}: {str(error).splitlines()[0]}") from None
        return llm.llm_engine

    def score(self, requests: Iterable[Request]) -> Iterator[Answer]:
        """Natural-log probabilities of every choice's tokens, each answer once its last choice is in."""
        pending: dict[str, _Pending] = {}

        def submit() -> Iterator[tuple[str, list[int], Any]]:
            for request in plan.order(requests):
                parts = list(self._parts(request))
                pending[request.key] = _Pending(request, [places for places, _ in parts], len(parts))
                for i, (_, params) in enumerate(parts):
                    yield f"{request.key}-{i}", list(request.prompt), params

        for output in self._run(submit()):
            key = output.request_id.rpartition("-")[0]
            item = pending[key]
            self._read(item, output)
            item.open -= 1
            if item.open == 0:
                del pending[key]
                count = len(item.request.choices or ())
                scores = tuple(item.scores[i] for i in range(count))
                usage = Usage(plan.submitted(item.request), item.computed)
                yield Answer(key, choice_logprobs=scores, usage=usage)

    def _parts(self, request: Request) -> Iterator[tuple[list[int], Any]]:
        """The vLLM requests that one request needs: the choices each answers (by place) and its parameters."""
        from vllm import SamplingParams

        from harness.engines.forced import ARGUMENT

        common = {"temperature": 0.0, "detokenize": False, "ignore_eos": True}
        assert request.choices is not None
        singles = [i for i, choice in enumerate(request.choices) if len(choice) == 1]
        ids = sorted({request.choices[i][0] for i in singles})
        for start in range(0, len(ids), IDS_PER_REQUEST):
            asked = ids[start : start + IDS_PER_REQUEST]
            places = [i for i in singles if request.choices[i][0] in asked]
            yield places, SamplingParams(max_tokens=1, logprob_token_ids=asked, **common)
        for i, choice in enumerate(request.choices):
            if len(choice) > 1:
                forced = {ARGUMENT: list(choice)}
                yield [i], SamplingParams(max_tokens=len(choice), logprobs=0, extra_args=forced, **common)

    def _read(self, item: _Pending, output: Any) -> None:
        part = int(output.request_id.rpartition("-")[2])
        made = output.outputs[0]
        assert item.request.choices is not None
        for i in item.places[part]:
            choice = item.request.choices[i]
            item.scores[i] = tuple(float(at[token].logprob) for at, token in zip(made.logprobs, choice, strict=True))
        item.computed += len(item.request.prompt) - (output.num_cached_tokens or 0) + len(made.token_ids) - 1

    def generate(self, requests: Iterable[Request]) -> Iterator[Answer]:
        """Text for each request under its own sampling parameters."""
        from vllm import SamplingParams

        asked = {request.key: request for request in plan.order(requests)}

        def submit() -> Iterator[tuple[str, list[int], Any]]:
            for key, request in asked.items():
                how = request.sampling
                assert how is not None
                params = SamplingParams(
                    max_tokens=how.max_tokens, temperature=how.temperature, stop=list(how.stop), seed=how.seed
                )
                yield key, list(request.prompt), params

        for output in self._run(submit()):
            request, made = asked[output.request_id], output.outputs[0]
            new = len(made.token_ids)
            computed = len(request.prompt) - (output.num_cached_tokens or 0) + new - 1
            usage = Usage(len(request.prompt), computed, new)
            # Decoded here: vLLM's own text can begin with the prompt's end, where that is no whole character.
            assert request.sampling is not None
            text, _ = parse.until(
                self.tokenizer.decode(made.token_ids, skip_special_tokens=True), request.sampling.stop
            )
            yield Answer(request.key, text, "stop" if made.finish_reason == "stop" else "length", usage=usage)

    def _run(self, submitted: Iterator[tuple[str, list[int], Any]]) -> Iterator[Any]:
        """Feed vLLM and yield its finished outputs. What is still out when the reader stops is aborted."""
        from vllm.inputs import TokensPrompt

        out: set[str] = set()
        more = True
        try:
            while more or out:
                while more and len(out) < IN_FLIGHT:
                    following = next(submitted, None)
                    if following is None:
                        more = False
                        break
                    name, prompt, params = following
                    self._engine.add_request(name, TokensPrompt(prompt_token_ids=prompt), params)
                    out.add(name)
                for output in self._engine.step() if out else ():
                    if output.finished:
                        out.discard(output.request_id)
                        yield output
        finally:
            if out:
                self._engine.abort_request(list(out))
