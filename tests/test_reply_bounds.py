"""What a reply may cost: memory, whatever it unpacks to, and time, whatever it takes to come."""

import time
import tracemalloc
import zlib

import pytest
from faults import choice, drips, says
from parrot import asked, engine, heard

from harness.engines import content

MEBI = 2**20


def unpacks_to(mebibytes):
    """A gzip of so much, most of which is the same piece again."""
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    head = packer.compress(b'{"choices": [{"text": "') + packer.flush(zlib.Z_FULL_FLUSH)
    piece = packer.compress(b"a" * MEBI) + packer.flush(zlib.Z_FULL_FLUSH)
    return head + piece * mebibytes + packer.flush()


@pytest.mark.parametrize("headers", [{"Content_Encoding": "gzip"}, {}], ids=["packed", "as it is"])
def test_a_reply_that_is_too_large_is_not_held(server, headers):
    raw = unpacks_to(1500) if headers else b"a" * (40 * MEBI)
    server.poison = lambda body: says(raw, **headers) if heard(body) == "bad" else None
    asking = asked("a", "bad", "c")
    tracemalloc.start()
    try:
        answers = {a.key: a for a in engine(server, concurrency=1, retries=1, backoff=0.001).generate(asking)}
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 60 * MEBI
    assert [answers[key].text for key in "02"] == ["a", "c"]
    assert "what came is longer than 16,777,216 bytes" in answers["1"].failure


def test_more_is_taken_where_more_was_asked_for():
    assert content.limit(16) == content.LEAST == 16 * MEBI
    assert content.limit(100_000) == 100_000 * content.EACH > content.LEAST


@pytest.mark.parametrize("packing", ["identity", "gzip", "x-gzip", "GZIP"])
def test_a_sound_reply_is_read_packed_or_not(server, packing):
    raw = b'{"choices": [{"text": "yes", "finish_reason": "stop"}]}'
    packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    sent = raw if packing == "identity" else packer.compress(raw) + packer.flush()
    server.cues.append(says(sent, Content_Encoding=packing))
    (answer,) = engine(server).generate(asked("no"))
    assert (answer.text, answer.usage.retries) == ("yes", 0)


def test_text_that_its_tokens_may_just_make_is_taken(server):
    for size, taken in ((16 * 1024, True), (16 * 1024 + 1, False)):
        server.cues.extend([None, choice(text="a" * size)])
        (_, answer) = engine(server, concurrency=1, retries=0).generate(asked("1", "2", max_tokens=16))
        assert bool(answer.failure) != taken
    assert "16,385 characters came, more than the 16 tokens that were asked for can make" in answer.failure


def test_an_attempt_has_so_much_time_and_no_more(server):
    """A byte comes every 50 ms, so that silence never lasts as long as an attempt may."""
    server.poison = lambda body: drips if heard(body) in "bcd" else None
    begun = time.monotonic()
    answers = list(engine(server, concurrency=4, retries=0, timeout=0.5).generate(asked("a", "b", "c", "d")))
    assert time.monotonic() - begun < 20
    assert sorted(answer.failure.partition(": ")[2] for answer in answers) == [
        "",
        *["given up after 1 attempts: no whole answer within 0.5 s."] * 3,
    ]
