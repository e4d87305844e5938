"""How servers are talked to: retries, rates, keys, errors, a reader that leaves."""

import asyncio
import logging
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from faults import reset, status
from hypothesis import given
from hypothesis import strategies as st
from parrot import KEY, asked, engine

from harness.cli import main
from harness.engines.openai import OpenAI
from harness.engines.pace import Manners, Pace, pause
from harness.errors import HarnessError, InputError


@pytest.mark.parametrize(
    "cue",
    [
        status(429, "slow down", Retry_After="0.01"),
        status(429, "slow down"),
        status(503, "loading"),
        status(408),
        reset,
        lambda handler: handler.say(200, b"{not json"),
        lambda handler: handler.say(502, b"<html>Bad Gateway</html>"),
        lambda _: time.sleep(0.6),
    ],
    ids=["429-after", "429", "503", "408", "reset", "malformed", "html", "silence"],
)
def test_what_passes_is_tried_again(server, cue):
    server.cues.extend([cue, cue])
    found = {a.key: a.text for a in engine(server, timeout=0.3, concurrency=2).generate(asked("yes", "no", "so"))}
    assert found == {"0": "yes", "1": "no", "2": "so"}
    assert len(server.bodies) == 5


def test_the_whole_engine_waits_as_long_as_the_server_asks(server):
    server.cues.append(status(429, Retry_After="0.3"))
    begun = time.monotonic()
    assert len(list(engine(server, concurrency=1).generate(asked(*"abcd")))) == 4
    assert 0.3 <= time.monotonic() - begun < 5


def test_pauses_in_every_form():
    then = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert 28 < pause({"retry-after": then}) <= 30
    assert pause({"retry-after": format_datetime(datetime.now(UTC) - timedelta(seconds=30), usegmt=True)}) == 0
    assert pause({"retry-after": "7"}) == 7
    assert pause({"retry-after": "7", "retry-after-ms": "250"}) == 0.25
    assert pause({"x-ratelimit-reset-requests": "20ms", "x-ratelimit-reset-tokens": "1m2.5s"}) == 0.02
    assert pause({"x-ratelimit-reset-tokens": "1m2.5s"}) == 62.5
    assert pause({"x-ratelimit-reset-requests": "soon"}) == pause({}) == 0


@pytest.mark.parametrize("zone", ["", " -0000"])
def test_a_date_without_a_zone_is_one_of_greenwich(zone):
    then = (datetime.now(UTC) + timedelta(seconds=30)).strftime("%a, %d %b %Y %H:%M:%S") + zone
    assert 25 < pause({"retry-after": then}) <= 30


@given(
    st.sampled_from(["retry-after", "retry-after-ms", "x-ratelimit-reset-tokens"]),
    st.text(st.characters(max_codepoint=255), max_size=20)
    | st.sampled_from(["nan", "inf", "-inf", "-5", "1e999", "9" * 5000, "9" * 400 + "h", "Mon, 01 Jan 99999 00:00:00"])
    | st.floats().map(str)
    | st.dates().map(str),
)
def test_no_header_asks_for_a_pause_that_cannot_be(name, value):
    assert 0 <= pause({name: value}) < float("inf")


def test_rates_space_requests_evenly():
    pace = Pace(Manners(requests_per_minute=60, tokens_per_minute=600))
    assert [round(pace.turn(tokens), 2) for tokens in (1, 1, 50, 1)] == [0, 1, 2, 7]
    pace.hold(100)
    assert round(pace.turn(1)) == 100
    assert [Pace(Manners()).turn(10_000) for _ in range(3)] == [0, 0, 0]


def test_it_gives_up_with_what_the_server_says(server):
    server.always = status(503, "the model is overloaded")
    with pytest.raises(HarnessError, match=r"v1/completions: given up after 3 attempts: status 503, the model is over"):
        list(engine(server, retries=2).generate(asked("yes")))
    assert len(server.bodies) == 3
    server.always = status(429, Retry_After="86400")
    with pytest.raises(HarnessError, match=r"given up after 1 attempts.* left alone for 86400 s"):
        list(engine(server).generate(asked("yes")))


def test_what_does_not_pass_is_told_at_once(server, monkeypatch):
    monkeypatch.setenv("SOME_KEY", KEY)
    cases = [
        (status(401, f"Incorrect key {KEY}"), "environment variable SOME_KEY, which is set"),
        (status(400, "max_tokens is too large"), r"max_tokens is too large"),
        (lambda handler: handler.say(422, {"detail": "no such field"}), "no such field"),
    ]
    for cue, message in cases:
        server.bodies.clear()
        server.always = cue
        with pytest.raises(InputError, match=message) as error:
            list(engine(server, api_key_env="SOME_KEY").generate(asked("yes")))
        assert KEY not in str(error.value)
        assert len(server.bodies) == 1
    server.always = lambda handler: handler.say(429, {"error": {"message": "paid up?", "code": "insufficient_quota"}})
    with pytest.raises(HarnessError, match="paid up"):
        list(engine(server).generate(asked("yes")))


def test_a_model_that_is_not_there_names_the_nearest(server):
    server.always = status(404, "no such model")
    made = OpenAI("parot", base_url=server.url, structured="none")
    with pytest.raises(InputError, match=r"unknown model 'parot'\. Did you mean 'parrot'"):
        list(made.generate(asked("yes")))


def test_no_server_is_told_at_once():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
        with pytest.raises(InputError, match=f"no server answers at {url}.*base_url"):
            OpenAI("parrot", base_url=url).identity  # noqa: B018


def test_so_many_requests_at_once_and_no_more(server):
    server.delay = 0.03
    assert len(list(engine(server, concurrency=5).generate(asked(*map(str, range(40)))))) == 40
    assert server.most == 5


def test_a_reader_that_stops_drops_what_is_out(server):
    server.always = lambda handler: time.sleep(0.5) or (handler.say(200, b" " * 5_000_000) and False)
    server.cues.append(None)
    before = set(threading.enumerate())
    answers = engine(server, concurrency=4, timeout=60).generate(asked(*map(str, range(100))))
    next(answers)
    begun = time.monotonic()
    answers.close()
    assert time.monotonic() - begun < 0.4
    assert len(server.bodies) <= 6
    assert not [t for t in set(threading.enumerate()) - before if t.name == "harness-server"]
    deadline = time.monotonic() + 5
    while server.dropped < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert server.dropped >= 3


def test_it_works_inside_an_event_loop(server):
    async def notebook():
        return [answer.text for answer in engine(server).generate(asked("yes"))]

    assert asyncio.run(notebook()) == ["yes"]


def everything(folder):
    return b"".join(path.read_bytes() for path in sorted(Path(folder).rglob("*")) if path.is_file())


def test_the_key_is_sent_and_written_nowhere(server, home, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", server.url + "?secret=hush")
    command = ["run", "--task", "finsentiment", "--engine", "openai", "--model", "parrot", "--mode", "generate"]
    command += ["--limit", "6", "--format", "json"]
    first = CliRunner().invoke(main, command)
    assert first.exit_code == 0, first.output
    assert set(server.authorizations) == {f"Bearer {KEY}"}
    server.always = status(401, f"{KEY} is wrong")
    refused = CliRunner().invoke(main, [*command, "--shots", "1"])
    assert refused.exit_code == 2
    assert "OPENAI_API_KEY" in refused.stderr
    said = first.output + refused.output + caplog.text + repr(vars(engine(server))) + first.stderr
    assert KEY not in said
    for secret in (KEY, "hush"):
        assert secret.encode() not in everything(home)
        assert secret not in first.output + refused.output


def test_a_login_in_the_address_is_used_and_not_shown(server):
    made = engine(server, base_url=server.url.replace("//", "//user:hush@"))
    assert "hush" not in str(made.identity)
    list(made.generate(asked("yes")))
    assert all(sent.startswith("Basic ") for sent in server.authorizations)


def test_a_run_that_was_given_up_goes_on_where_it_was(server, home, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    command = ["run", "--task", "finsentiment", "--engine", "openai", "--model", "parrot", "--mode", "generate"]
    command += ["--limit", "30", "--format", "json"]
    probe = 4  # requests that find out how text is held
    server.cues.extend([None] * (probe + 12))
    server.always = status(429, "enough for today", Retry_After="86400")
    failed = CliRunner().invoke(main, command)
    assert failed.exit_code == 1
    assert "enough for today" in failed.stderr
    assert "goes on from there" in failed.stderr
    server.always = None
    server.bodies.clear()
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    assert len(server.bodies) == probe + 30 - 12
