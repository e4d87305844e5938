"""Keys and passwords leave the process to their server only, whatever that says back."""

import base64
import json
import logging
import os
import re
import urllib.parse
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner
from faults import says, status, writes
from hypothesis import given
from hypothesis import strategies as st
from parrot import asked, engine, heard

from harness import secret
from harness.cli import faults, main
from harness.engines.address import Address
from harness.errors import HarnessError
from harness.results import store

KEY = "sk-echoed-Aa0/+'\"\\<&>zz-9876543210"
PASSWORD = "p@ss w0rd/19%"
SEGMENT = "Zx81qTeRty0192837465"
QUERY = "qv-7Hh12LmNop34"
BASIC = base64.b64encode(f"user:{PASSWORD}".encode()).decode()
FORMS = (
    *(KEY, PASSWORD, SEGMENT, QUERY, BASIC, BASIC.rstrip("=")),
    *(urllib.parse.quote(each, safe="") for each in (KEY, PASSWORD)),
    *(json.dumps(each)[1:-1] for each in (KEY, PASSWORD)),
    *(json.dumps(json.dumps(each))[3:-3] for each in (KEY, PASSWORD)),
)


def sent(handler):
    """What the handler was sent as authorization, as it came and unpacked, and where."""
    kind, _, told = str(handler.headers.get("Authorization")).partition(" ")
    return f"{kind} {told} {base64.b64decode(told).decode() if kind == 'Basic' else ''} {handler.path}"


PLACES = {
    "status line": writes(lambda h: f"HTTP/1.1 500 {sent(h)}\r\nContent-Length: 0\r\n\r\n".encode()),
    "no status line": writes(lambda h: f"{sent(h)}\r\n\r\n".encode()),
    "header": lambda h: status(503, Retry_After=sent(h), Set_Cookie=sent(h), X_Key=sent(h))(h),
    "bad header": writes(lambda h: f"HTTP/1.1 200 OK\r\n{sent(h).replace(':', ' ')}\r\n\r\n".encode()),
    "bad chunk": writes(lambda h: f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{sent(h)}\r\n".encode()),
    "bad length": writes(lambda h: f"HTTP/1.1 200 OK\r\nContent-Length: {sent(h)}\r\n\r\n".encode()),
    "packing": lambda h: says(b"{}", Content_Encoding=sent(h))(h),
    "error body": lambda h: status(500, f"was sent {sent(h)}")(h),
    "error page": lambda h: says(f"<p>{sent(h)}</p>".encode(), 502)(h),
    "refusal": lambda h: status(400, sent(h))(h),
    "error of a success": lambda h: says({"error": {"message": sent(h)}})(h),
    "escaped": lambda h: says(
        ('{"error": {"message": "' + "".join(f"\\u{ord(c):04x}" for c in sent(h)) + '"}}').encode()
    )(h),
    "text": lambda h: says({"choices": [{"text": f"it is {sent(h)}", "finish_reason": "stop"}]})(h),
    "finish": lambda h: says({"choices": [{"text": "x", "finish_reason": sent(h)}]})(h),
    "reason for nothing": lambda h: says({"choices": [{"text": None, "finish_reason": sent(h)}]})(h),
    "usage": lambda h: says({"choices": [{"text": "x"}], "usage": {sent(h): sent(h)}})(h),
    "names": lambda h: says({sent(h): sent(h)})(h),
}


@contextmanager
def forgetting():
    """What is kept in the block is not kept after it."""
    kept = (set(secret._known), set(secret._telling))
    secret._known.clear()
    secret._telling.clear()
    yield
    for now, then in zip((secret._known, secret._telling), kept, strict=True):
        now.clear()
        now.update(then)


def listing(handler):
    return handler.say(
        200, {"data": [{"id": "parrot", "root": sent(handler), "owned_by": sent(handler)}, {"id": sent(handler)}]}
    )


def everything(folder):
    return b"".join(path.read_bytes() for path in sorted(Path(folder).rglob("*")) if path.is_file())


def clean(said):
    """No form of a secret stands in ``said``, whose line breaks may be a table's."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    for form in FORMS:
        assert form not in text, form
        assert form not in re.sub(r"\s*\n\s*", "", text), form


@pytest.fixture
def command(project, server, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    login = "user:" + urllib.parse.quote(PASSWORD, safe="")
    address = server.url.replace("//", f"//{login}@").replace("/v1", f"/{SEGMENT}/v1?x={QUERY}&key={QUERY}")
    monkeypatch.setenv("OPENAI_BASE_URL", address)
    server.listing = listing
    made = ["--task", "pets", "--engine", "openai", "--model", "parrot", "--mode", "generate"]
    return [*made, "--engine-with", "structured=none", "--engine-with", "retries=1", "--engine-with", "backoff=0.001"]


@pytest.mark.slow
@pytest.mark.parametrize("auth", ["Basic", "Bearer"])
def test_a_server_that_echoes_them_everywhere_is_not_repeated(command, project, server, monkeypatch, caplog, auth):
    if auth == "Bearer":
        monkeypatch.setenv("OPENAI_BASE_URL", re.sub("//.*@", "//", os.environ["OPENAI_BASE_URL"]))
    rows = [{"id": name, "text": f"{name} end {i}", "label": "dog"} for i, name in enumerate((*PLACES, "good"))]
    (project / "tasks" / "pets" / "test.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    server.poison = lambda body: next((PLACES[name] for name in PLACES if f"{name} end" in heard(body)), None)
    outputs = []
    for words in (
        *(["run", *command, "--format", form] for form in ("terminal", "json", "csv", "markdown", "html", "latex")),
        ["report", "--format", "markdown"],
        ["show", *command[:2]],
        ["run", *command, "--on-failure", "error", "--shots", "1"],
        ["run", *command, "--dry-run"],
        ["check", "--template", "plain", *command, "--save"],
        ["check", "--template", "plain", *command, "--junit", "junit.xml"],
    ):
        done = CliRunner().invoke(main, words)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        outputs += [done.stdout, done.stderr]
    assert set(server.authorizations) == {f"Basic {BASIC}" if auth == "Basic" else f"Bearer {KEY}"}
    clean("\n".join(outputs))
    clean(everything(project))
    assert (project / "junit.xml").stat().st_size > 0
    clean(caplog.text)
    assert "httpcore" in caplog.text
    (folder,) = [each for each in store.find(project / "results") if "-0shot" in each.name]
    failed = {p.example_id: p.trace.raw for p in store.load(folder).predictions if p.trace.raw}
    assert set(failed) >= set(PLACES) - {"usage"}
    assert all("…" in failed[name] for name in ("no status line", "error body", "error page", "text", "escaped"))


@pytest.mark.parametrize("code", [302, 401, 404, 407])
def test_what_ends_a_study_does_not_repeat_them_either(command, project, server, caplog, code):
    server.always = lambda handler: status(code, sent(handler), Location=f"/{sent(handler)}")(handler)
    done = CliRunner().invoke(main, ["run", *command])
    assert done.exit_code == 2
    assert "…" in done.stderr
    clean(done.output + done.stderr + caplog.text)
    clean(everything(project))


@pytest.mark.parametrize("asked_for", ["", "1"])
def test_a_fault_of_our_own_does_not_show_them(command, monkeypatch, capsys, asked_for):
    def broken(self, *_):
        raise RuntimeError(f"{KEY} {PASSWORD} {BASIC} {SEGMENT}")

    monkeypatch.setenv(faults.TRACEBACK, asked_for)
    monkeypatch.setattr("harness.engines.openai.OpenAI.generate", broken)
    with pytest.raises(SystemExit) as ended:
        main(["run", *command])
    said = capsys.readouterr()
    assert ended.value.code == 1
    assert "RuntimeError: …" in said.err
    assert ("Traceback" in said.err) == bool(asked_for)
    clean(said.out + said.err)


def test_an_engine_shows_none_when_it_is_looked_at(command, server):
    made = engine(server, base_url=os.environ["OPENAI_BASE_URL"], api_key_env="OPENAI_API_KEY")
    list(made.generate(asked("yes")))
    clean(repr(made) + str(made) + repr(vars(made)) + repr(made.identity) + repr(vars(made._server)))


class TestAddress:
    @pytest.mark.parametrize(
        "path",
        ["/v1", "/openai/deployments/gpt-4o-mini-2024-07-18", "/Meta-Llama-3.1-8B-Instruct-Turbo/v1", "/api/v1beta1"],
    )
    def test_what_is_no_secret_is_shown(self, path):
        made = Address(f"https://host:8443{path}", "K")
        assert made.name == made.identity == f"https://host:8443{path}"

    @pytest.mark.parametrize(
        "private",
        ["sk-abc", "key-hunter2", "AIzaSyA", "eyJhbGciOi", "0123456789abcdef0123456789abcdef", "Zx81qTeRty0192837465"],
    )
    def test_a_key_in_the_path_is_not_shown_and_tells_two_apart(self, private):
        one, two = (Address(f"https://host/v1/{each}/x", "K") for each in (private, private + "Q"))
        assert one.name == two.name == "https://host/v1/…/x"
        assert one.identity != two.identity
        assert re.fullmatch(r"https://host/v1/…/x#[0-9a-f]{8}", one.identity)
        assert str(one.to("models")) == f"https://host/v1/{private}/x/models"

    def test_a_query_is_never_shown_and_goes_with_every_request(self):
        names = {Address(f"https://host/v1{query}", "K").identity for query in ("", "?a=1", "?a=2", "?key=hush")}
        assert len(names) == 4
        assert not any("hush" in name or "?" in name for name in names)
        made = Address("https://user:pw@host/v1/?a=1#part", "K")
        assert str(made.to("chat/completions")) == "https://host/v1/chat/completions?a=1"
        assert made.login == ("user", "pw")
        assert made.name == "https://host/v1"
        assert Address("https://host/key/short", "K").name == "https://host/key/…"

    def test_a_login_is_no_part_of_the_identity(self):
        assert Address("https://a:b@host/v1", "K").identity == Address("https://host/v1", "K").identity

    def test_a_short_password_is_not_repeated_by_errors(self, server):
        server.always = lambda h: status(400, f"no {sent(h)}")(h)
        with pytest.raises(HarnessError) as error:
            list(engine(server, base_url=server.url.replace("//", "//user:hush@")).generate(asked("yes")))
        assert "hush" not in str(error.value)
        assert base64.b64encode(b"user:hush").decode() not in str(error.value)


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=60), st.text())
def test_what_is_kept_is_hidden_in_every_form_and_the_rest_is_as_it_was(word, around):
    key = f"q7{word}Z"
    with forgetting():
        secret.keep(key)
        for form in (key, urllib.parse.quote(key, safe=""), json.dumps(key)[1:-1], repr(key)[1:-1]):
            assert secret.hidden(f"a {form} b") == secret.silent(f"a {form} b") == "a … b"
        for packed in (base64.b64encode(key.encode()).decode(), base64.urlsafe_b64encode(key.encode()).decode()):
            assert re.fullmatch("a …=* b", secret.hidden(f"a {packed} b"))
        if key not in around:
            assert secret.hidden(around) == around


def test_a_word_or_a_number_is_hidden_in_errors_only():
    with forgetting():
        for each in ("positive", "x", "12345678", "EMPTY", ""):
            secret.keep(each)
        said = "positive x 0.12345678 EMPTY max next"
        assert secret.hidden(said) == said
        assert secret.silent(said) == "… … 0.… … max next"
