"""vLLM, on a GPU or a CPU build: prefix caching shares the heads, and every answer is taken as it finishes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.engines import trie, vllm_params, vllm_process
from harness.engines.branches import IDS_PER_REQUEST, Branch, branches
from harness.engines.lora import Adapter
from harness.errors import InputError
from harness.models.checkpoint import KEPT, Model
from harness.tokens import TAIL, opening, until
from harness.types import Answer, Request, Tokens, Usage

FORCED = "harness.engines.forced:Forced"
IN_FLIGHT = 512  # requests handed over ahead of the answers
CPU_BLOCK, GPU_BLOCK = 32, 16  # the smallest that attention takes on each


@dataclass
class _Pending:
    """What is known of one request: ``found`` the log-probabilities by the beginning of a choice that ends in the
    token, ``open`` how many of its branches are still out."""

    request: Request
    branches: list[Branch]
    open: int
    found: dict[Tokens, float] = field(default_factory=dict)
    computed: int = 0


class Vllm:
    """vLLM, on a GPU or its CPU build. Scores choices by log-likelihood and generates.

    Requests go in sorted by their prompts. vLLM books a full block into its prefix cache when it schedules the request
    that computes it, so the first of those that share a head computes it, at every level, and the others find it, even
    within one step. What a choice's tokens cost is told in ``branches``. ``prompt_logprobs`` would skip the cache.

    On a GPU an engine that does not fit beside others of this process takes their place (``vllm_process.room``).

    ``lora`` is the folder of an adapter. ``max_model_len`` and ``block_size`` are the model's and the smallest that
    the platform takes, if they are not given.
    """

    def __init__(
        self,
        model: str,
        revision: str | None = None,
        dtype: str = "auto",
        trust_remote_code: bool = False,
        gpu_memory_utilization: float = 0.9,
        tensor_parallel_size: int = 1,
        pipeline_parallel_size: int = 1,
        quantization: str | None = None,
        kv_cache_dtype: str = "auto",
        max_model_len: int | None = None,
        block_size: int | None = None,
        lora: str | None = None,
        home: Path = KEPT,
    ) -> None:
        counts = {"tensor_parallel_size": tensor_parallel_size, "pipeline_parallel_size": pipeline_parallel_size}
        for name, value in {**counts, "max_model_len": max_model_len, "block_size": block_size}.items():
            if value is not None and value < 1:
                raise InputError(f"engine 'vllm': {name}={value} must be 1 or more.")
        if not 0 < gpu_memory_utilization <= 1:
            raise InputError(f"engine 'vllm': gpu_memory_utilization={gpu_memory_utilization:g} must lie in (0, 1].")
        self.model = Model(model, revision, home, trust_remote_code)
        self._dtype, self.memory = dtype, gpu_memory_utilization
        self._block, self._longest = block_size, max_model_len
        self._adapter = Adapter(lora) if lora else None
        kinds = {"quantization": quantization, "kv_cache_dtype": kv_cache_dtype, "max_model_len": max_model_len}
        self._given = {name: value for name, value in {**counts, **kinds}.items() if value not in (None, 1, "auto")}

    @cached_property
    def _on_cpu(self) -> bool:
        vllm_process.prepare()
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
        vllm_process.prepare()
        import vllm

        adapter = {"lora": self._adapter.fingerprint} if self._adapter else {}
        given = {name: str(value) for name, value in self._given.items()}
        if stored := self.model.quantization:  # in the file; vLLM may be told to go on from there
            given["quantization"] = "+".join(filter(None, (stored, given.get("quantization"))))
        return {
            **self.model.identity,
            "engine": f"vllm-{vllm.__version__}",
            "dtype": self.dtype,
            "device": "cpu" if self._on_cpu else "cuda",
            **given,
            **adapter,
        }

    @property
    def tokenizer(self) -> Any:
        return self.model.tokenizer

    @property
    def max_length(self) -> int:
        """Tokens of prompt and answer together that the model takes."""
        return min(self.model.max_length, self._longest or self.model.max_length)

    @cached_property
    def block_size(self) -> int:
        """Tokens of a block of the prefix cache: what two prompts share beyond their last common block is computed for
        each."""
        smallest = CPU_BLOCK if self._on_cpu else GPU_BLOCK
        if self._block and self._block % smallest:
            raise InputError(f"engine 'vllm': block_size={self._block} must be a multiple of {smallest} here.")
        return self._block or smallest

    def _settings(self) -> dict[str, Any]:
        """What follows from the options and the platform."""
        made: dict[str, Any] = {**self._given, "block_size": self.block_size}
        if self._on_cpu:
            made["enforce_eager"] = True
        else:
            made["gpu_memory_utilization"] = self.memory
        if "pipeline_parallel_size" in made:
            made["async_scheduling"] = False  # the first model runner (``vllm_process``) cannot do both
        if self._longest:
            made["max_model_len"] = self.max_length
        if self._adapter:
            made |= {"enable_lora": True, "max_lora_rank": self._adapter.room, "max_loras": 1}
        return made

    @property
    def _here(self) -> bool:
        """Whether vLLM's core may run in this process. On a GPU it works ahead in one of its own, and parallel workers
        are processes in any case."""
        return self._on_cpu and not {"tensor_parallel_size", "pipeline_parallel_size"} & self._given.keys()

    @cached_property
    def _engine(self) -> Any:
        _ = self.model.tokenizer  # a path that holds no model is told before vLLM starts
        vllm_process.prepare()
        from vllm import LLM

        if not self._on_cpu:
            vllm_process.room(self)
        with vllm_process.told(self.model), vllm_process.core(self._here):
            llm = LLM(
                self.model.path,
                revision=self.model.revision,
                dtype=self.dtype,
                trust_remote_code=self.model.trust,
                load_format="safetensors",
                use_tqdm_on_load=sys.stderr.isatty(),
                enable_prefix_caching=True,
                logits_processors=[FORCED],
                # One grammar engine for all constraints; compact JSON, which no stop at a line's end can cut.
                structured_outputs_config={"backend": "xgrammar", "disable_any_whitespace": True},
                disable_log_stats=True,
                **self._settings(),
            )
            if self._adapter:
                llm.llm_engine.add_lora(self._adapter.request())
        return llm.llm_engine

    def release(self) -> None:
        """Give back what it holds: vLLM's core, and its processes and sockets where it has some. It loads again when it
        is asked again."""
        vllm_process.left(self)
        if engine := self.__dict__.pop("_engine", None):
            engine.engine_core.shutdown()
            if hasattr(engine.engine_core, "ctx"):
                engine.engine_core.ctx.destroy(linger=0)

    def score(self, requests: Iterable[Request], known: Container[str] = ()) -> Iterator[Answer]:
        """Natural-log probabilities of every choice's tokens, each answer once its last branch is in."""
        pending: dict[str, _Pending] = {}
        planned: dict[tuple[Tokens, ...], list[Branch]] = {}

        def submit() -> Iterator[tuple[str, Tokens, Any]]:
            for request in trie.order(requests, known):
                assert request.choices is not None
                if request.choices not in planned:
                    planned[request.choices] = branches(request.choices, IDS_PER_REQUEST)
                needed = planned[request.choices]
                pending[request.key] = _Pending(request, needed, len(needed))
                for i, branch in enumerate(needed):
                    yield (
                        f"{request.key}-{i}",
                        request.prompt + branch.path[: branch.start],
                        vllm_params.reading(branch),
                    )

        for output in self._run(submit()):
            key, _, place = output.request_id.rpartition("-")
            item = pending[key]
            self._read(item, item.branches[int(place)], output)
            if item.open == 0:
                del pending[key]
                scores = tuple(
                    tuple(item.found[choice[: end + 1]] for end in range(len(choice)))
                    for choice in item.request.choices or ()
                )
                yield Answer(key, choice_logprobs=scores, usage=Usage(trie.submitted(item.request), item.computed))

    def _read(self, item: _Pending, branch: Branch, output: Any) -> None:
        steps = output.outputs[0].logprobs
        for beginning in branch.reads:
            at = steps[len(beginning) - 1 - branch.start]
            item.found[beginning] = float(at[beginning[-1]].logprob)
        item.computed += _computed(output)
        item.open -= 1

    def generate(self, requests: Iterable[Request], known: Container[str] = ()) -> Iterator[Answer]:
        """Text for each request under its own sampling parameters."""
        asked = {request.key: request for request in trie.order(requests, known)}
        self._check(asked.values())

        def submit() -> Iterator[tuple[str, Tokens, Any]]:
            for key, request in asked.items():
                yield key, request.prompt, vllm_params.saying(request)

        def stopped(output: Any) -> bool:
            request, made = asked[output.request_id], output.outputs[0]
            stops = request.sampling.stop if request.sampling else ()
            # vLLM's own text can begin with the prompt's end, where that is no whole character: it is a hint.
            return any(stop in made.text for stop in stops) and self._text(request, made.token_ids)[1]

        for output in self._run(submit(), stopped):
            request, made = asked[output.request_id], output.outputs[0]
            text, cut = self._text(request, made.token_ids)
            finish = "stop" if cut or made.finish_reason == "stop" else "length"
            fed = _computed(output) - len(made.token_ids) + 1  # what was generated is counted apart
            usage = Usage(len(request.prompt), fed, len(made.token_ids))
            yield Answer(request.key, text, finish, usage=usage)

    def _text(self, request: Request, made: Sequence[int]) -> tuple[str, bool]:
        """What was written behind the prompt, up to the first stop, and whether one occurs."""
        assert request.sampling is not None
        begun = opening(self.tokenizer.decode(list(request.prompt[-TAIL:])))
        return until(begun + self.tokenizer.decode(made, skip_special_tokens=True), request.sampling.stop)

    def _check(self, requests: Iterable[Request]) -> None:
        """Raises InputError for a constraint that vLLM cannot hold an answer to: each is handed in once and taken
        back, since vLLM looks at it before it does anything."""
        from vllm.exceptions import VLLMValidationError

        constrained = {r.sampling.constraint: r for r in requests if r.sampling and r.sampling.constraint}
        for constraint, request in constrained.items():
            try:
                self._submit("constraint", request.prompt, vllm_params.saying(request))
            except (ValueError, VLLMValidationError) as error:
                held = f"the {constraint.kind} {constraint.value!r}"
                raise InputError(f"vLLM cannot hold answers to {held}: {vllm_process.said(error)}") from None
            self._engine.abort_request(["constraint"])

    def _submit(self, name: str, prompt: Tokens, params: Any) -> None:
        from vllm.inputs import TokensPrompt

        adapter = self._adapter.request() if self._adapter else None
        self._engine.add_request(name, TokensPrompt(prompt_token_ids=list(prompt)), params, lora_request=adapter)

    def _run(
        self, submitted: Iterator[tuple[str, Tokens, Any]], stopped: Callable[[Any], bool] = lambda output: False
    ) -> Iterator[Any]:
        """Feed vLLM and yield its finished outputs, ending those that ``stopped`` tells have said enough. What is still
        out when the reader stops is aborted."""
        out: set[str] = set()
        more = True
        try:
            while more or out:
                while more and len(out) < IN_FLIGHT:
                    following = next(submitted, None)
                    if following is None:
                        more = False
                        break
                    self._submit(*following)
                    out.add(following[0])
                with vllm_process.uncompiled(self._here):
                    finished = self._engine.step() if out else ()
                for output in finished:
                    if output.finished or stopped(output):
                        if not output.finished:
                            self._engine.abort_request([output.request_id])
                        out.discard(output.request_id)
                        yield output
        finally:
            if out:
                self._engine.abort_request(list(out))


def _computed(output: Any) -> int:
    """Token positions a finished request took: of its prompt, those that were in no cached block (a prompt that is
    cached wholly has its last block computed again); of what it said, all but the last, which is never fed."""
    said = len(output.outputs[0].token_ids)
    return len(output.prompt_token_ids) - (output.num_cached_tokens or 0) + said - 1
