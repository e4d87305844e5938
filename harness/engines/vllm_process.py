"""What vLLM finds in the process that starts it: its environment, and whether its core runs in this process."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol
from weakref import WeakSet

from harness.errors import HarnessError, InputError
from harness.models.checkpoint import Model

DEFAULTS = {
    "VLLM_LOGGING_LEVEL": "ERROR",
    "FLASHINFER_LOGGING_LEVEL": "error",
    "VLLM_CPU_KVCACHE_SPACE": "2",  # GiB
    # The second runner, the default on GPUs of late, takes logits processors of another kind than ``Forced``.
    "VLLM_USE_V2_MODEL_RUNNER": "0",
}
APART = "VLLM_ENABLE_V1_MULTIPROCESSING"


class Tenant(Protocol):
    """An engine that holds ``memory``, a share of each GPU's, until it is released."""

    memory: float

    def release(self) -> None: ...


_tenants: WeakSet[Tenant] = WeakSet()  # a GPU is there once, whoever asks for an engine


def room(tenant: Tenant) -> None:
    """Makes room on the GPUs for ``tenant``, which is about to load: those that this process loaded before and that do
    not fit beside it are released, and load again when they are asked."""
    if tenant.memory + sum(each.memory for each in _tenants) > 1:
        for each in [each for each in _tenants if each is not tenant]:
            each.release()
    _tenants.add(tenant)


def left(tenant: Tenant) -> None:
    """Says that ``tenant`` holds nothing any more."""
    _tenants.discard(tenant)


def prepare() -> None:
    """Before vLLM is imported: defaults for what the environment leaves open, and silence about vLLM's own code."""
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"vllm\.")


@contextmanager
def told(model: Model) -> Iterator[None]:
    """While an engine is made: what vLLM raises becomes an InputError where it is about the model's files, else a
    HarnessError."""
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, ValueError, KeyError, AssertionError, SafetensorError) as error:
        raise InputError(f"model {model.name!r}: vLLM cannot load it: {said(error)}") from None
    except Exception as error:  # of a core in this process, of any kind
        if damage := model.damage():
            raise damage from None
        raise HarnessError(f"vLLM did not start on {model.name!r}: {said(error)}") from error


def said(error: Exception) -> str:
    """An error's text on one line."""
    return " ".join(str(error).split())[:400]


@contextmanager
def core(here: bool) -> Iterator[None]:
    """While an engine is made: its core runs ``here``, in this process, unless the environment says otherwise.

    That spares processes which import everything again. One engine can have it: what two of them shared of
    torch.distributed would go when the first is closed."""
    import torch
    from vllm import envs

    _make_readable()
    envs.disable_envs_cache()  # where an engine was made before, vLLM reads the environment as it was then
    if not here or APART in os.environ or torch.distributed.is_initialized():
        yield
        return
    os.environ[APART] = "0"
    set_num_threads = torch.set_num_threads
    try:
        yield
    finally:
        del os.environ[APART]
        torch.set_num_threads = set_num_threads  # vLLM's worker takes it from the whole process


def _make_readable() -> None:
    """vLLM on a CPU reads the ``__dict__`` of all that any module holds. llvmlite (of numba, which bm25s imports where
    it is there, and vLLM brings) answers that name with a function of its library, on which vLLM ends."""
    ffi = sys.modules.get("llvmlite.binding.ffi")
    names = getattr(getattr(ffi, "lib", None), "_fntab", None)
    if isinstance(names, dict):
        names.setdefault("__dict__", {})


def uncompiled(here: bool) -> AbstractContextManager[object]:
    """While vLLM's core takes a step ``here``: what it would compile to rank tokens costs seconds, and no rank is
    read."""
    from torch import compiler

    return compiler.set_stance("force_eager") if here else nullcontext()
