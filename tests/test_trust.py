"""A model's own code: never run unless --trust-remote-code says so, never asked about, and in the signature."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT

from harness.engines import create
from harness.errors import InputError

CODE = {
    "conf": "from transformers import LlamaConfig\nclass Conf(LlamaConfig):\n    model_type = 'own-llama'\n",
    "mod": "from transformers import LlamaForCausalLM\nfrom .conf import Conf\n"
    "class Mod(LlamaForCausalLM):\n    config_class = Conf\n",
    "tok": "from transformers import PreTrainedTokenizerFast\nclass Tok(PreTrainedTokenizerFast):\n    pass\n",
}
RUN = ("run", "--task", "finsentiment", "--limit", "3")
SHOW = ("show", "--task", "finsentiment")
WAYS = {
    "run": (*RUN, "--model", "own"),
    "vllm": (*RUN, "--model", "own", "--engine", "vllm"),
    "show": (*SHOW, "--model", "own"),
    "check": ("check", "--task", "finsentiment", "--template", "chat", "--against", "plain", "--model", "own"),
    "baseline": (*RUN, "--baselines-only", "--baseline", "finetune:own"),
    "embedder": (*RUN, "--shots", "2", "--selector", "knn", "--embedder", "own"),
    "a baseline's embedder": (*RUN, "--baselines-only", "--baseline", "embedding:own"),
}


@pytest.fixture
def own(tmp_path):
    """A model folder that works by its own code, each file of which says that it was run."""
    folder = shutil.copytree(ROOT / "models" / "tiny", tmp_path / "own")
    for name, code in CODE.items():
        told = f"with open({str(tmp_path / 'told')!r}, 'a') as file: file.write('{name} ')\n"
        (folder / f"{name}.py").write_text(told + code)
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "own-llama", "auto_map": {"AutoConfig": "conf.Conf", "AutoModelForCausalLM": "mod.Mod"}}
    (folder / "config.json").write_text(json.dumps(config))
    path = folder / "tokenizer_config.json"
    tokenizer = json.loads(path.read_text()) | {
        "tokenizer_class": "Tok",
        "auto_map": {"AutoTokenizer": [None, "tok.Tok"]},
    }
    path.write_text(json.dumps(tokenizer))
    return folder


def told(own, *command):
    """What a process does in which someone would say yes to everything, and whose code it ran."""
    kept = {"HF_MODULES_CACHE": str(own.parent / "modules"), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "harness", *command],
        check=False,
        cwd=own.parent,
        env={**os.environ, **kept},
        input="y\n" * 20,
        capture_output=True,
        text=True,
        timeout=300,
    )
    path = own.parent / "told"
    return done, set(path.read_text().split()) if path.exists() else set()


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_no_code_of_a_model_runs_and_nobody_is_asked(own, way):
    if way == "vllm":
        pytest.importorskip("vllm")
    done, ran = told(own, *WAYS[way])
    assert ran == set()
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1
    assert "brings code of its own" in done.stderr
    assert "[y/N]" not in done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("way", ["run", "show"])
def test_trusted_by_name_it_runs(own, way):
    done, ran = told(own, *WAYS[way], "--trust-remote-code", *(["--format", "json"] if way == "run" else []))
    assert done.returncode == 0, done.stderr
    assert {"conf", "tok"} <= ran
    if way == "run":
        assert ran == set(CODE)
        (row,) = json.loads(done.stdout)
        assert "|remote_code:trusted|" in row["signature"]
        (own / "mod.py").write_text((own / "mod.py").read_text() + "# changed\n")
        changed, _ = told(own, *WAYS[way], "--trust-remote-code", "--format", "json")
        assert json.loads(changed.stdout)[0]["signature"] != row["signature"]


def test_a_known_model_needs_no_trust_and_says_nothing_of_it(tmp_path):
    plain, trusted = create("transformers", "tiny"), create("transformers", "tiny", trust_remote_code=True)
    assert dict(plain.identity) == dict(trusted.identity)
    assert "remote_code" not in plain.identity


def test_its_tokenizer_for_a_server_is_refused_too(own):
    engine = create("openai", "m", base_url="http://127.0.0.1:9/v1", tokenizer=str(own))
    with pytest.raises(InputError, match="brings code of its own"):
        engine.tokenizer  # noqa: B018
    assert not (own.parent / "told").exists()
