"""What a server may do instead of answering, each once: cues for the parrot."""

import gzip
import json
import socket
import struct
import time

USAGE = {"prompt_tokens": 10, "completion_tokens": 3}


def reset(handler):
    """Close so that the other side gets a reset instead of an end."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True
    return True


def status(code, message="", **headers):
    return lambda handler: handler.say(code, {"error": {"message": message}}, **headers)


def says(body, code=200, **headers):
    """``body`` are bytes, or what becomes JSON."""
    return lambda handler: handler.say(code, body, **headers)


def writes(raw):
    """Bytes where a response should be, and the end; ``raw`` may be a function of the handler."""

    def cue(handler):
        handler.wfile.write(raw(handler) if callable(raw) else raw)
        handler.wfile.flush()
        handler.close_connection = True
        return True

    return cue


def drips(handler):
    """A byte every so often, for ever."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000000")
    handler.end_headers()
    while True:
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.05)


def choice(**made):
    """An answer whose only choice is ``made``, in both of the protocol's forms unless it says which."""
    return says({"choices": [{"finish_reason": "stop", **made}], "usage": USAGE})


def packed(size, depth=1):
    """``size`` blanks, packed so often."""
    raw = b" " * size
    for _ in range(depth):
        raw = gzip.compress(raw)
    return raw


BOMB = packed(64_000_000)

ODD = {  # successes that are none; another attempt may mend them
    "no json": says(b"{not json"),
    "html": says(b"<html><body>It works!</body></html>", Content_Type="text/html"),
    "empty": says(b""),
    "a list": says([1, 2]),
    "null": says(b"null"),
    "another form": says({"hello": "world"}),
    "no choices": says({"choices": [], "usage": None}),
    "choices null": says({"choices": None}),
    "choices a text": says({"choices": "positive"}),
    "a choice is null": says({"choices": [None]}),
    "another index": says({"choices": [{"index": 1, "text": "x", "message": {"content": "x"}}]}),
    "error body": says({"error": {"message": "an upstream error", "code": 502}}),
    "error text": says({"error": "an upstream error"}),
    "null text": choice(text=None, message={"content": None}),
    "a number": choice(text=5, message={"content": 5}),
    "true": choice(text=True, message={"content": True}),
    "parts without text": choice(text=[{"type": "image"}], message={"content": [{"type": "image"}]}),
    "parts of numbers": choice(text=[1], message={"content": [{"type": "text", "text": 1}]}),
    "an odd end": choice(text="x", message={"content": "x"}, finish_reason={"why": "stop"}),
    "far too long": choice(text="no " * 50_000, message={"content": "no " * 50_000}),
    "deep": says(b'{"choices":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "deep objects": says(b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "a long number": says(b'{"choices": [], "usage": ' + b"9" * 10_000 + b"}"),
    "bomb": says(BOMB, Content_Encoding="gzip"),
    "no gzip": says(b"plain", Content_Encoding="gzip"),
    "half a gzip": says(gzip.compress(json.dumps({"choices": []}).encode())[:-12], Content_Encoding="gzip"),
    "packed twice": says(packed(10_000_000, 2), Content_Encoding="gzip, gzip"),
    "packed otherwise": says(b"??", Content_Encoding="br"),
}

PASSING = {  # what a server or a wire does that is past its best
    "429": status(429, "slow down"),
    "429 in a moment": status(429, Retry_After="0.01"),
    "503": status(503, "loading"),
    "500": status(500, "internal error"),
    "502 in html": says(b"<html>Bad Gateway</html>", 502),
    "408": status(408),
    "a date without a zone": status(429, Retry_After="Wed, 21 Oct 2015 07:28:00"),
    "a date of no zone": status(429, Retry_After="Wed, 21 Oct 2015 07:28:00 -0000"),
    "a negative pause": status(503, Retry_After="-5"),
    "no number": status(429, Retry_After="nan"),
    "for ever": status(429, Retry_After="inf"),
    "rubbish": status(429, Retry_After="soon, I think"),
    "reset": reset,
    "no status": writes(b"what?\r\n\r\n"),
    "a bad header": writes(b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n{}"),
    "a bad chunk": writes(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"),
    "cut": writes(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"choices": ['),
    "hangs up": writes(b""),
}

FAULTS = {**ODD, **PASSING}
