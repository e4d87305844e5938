"""A server of OpenAI's protocol on a real socket, that repeats what it hears and misbehaves on cue."""

import json
import threading
import time
from collections import deque
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from harness.engines.openai import OpenAI
from harness.types import Message, Request, Sampling

KEY = "sk-never-to-be-seen-0123456789"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.server.authorizations.append(self.headers.get("Authorization"))
        if self.server.listing is None or not self.server.listing(self):
            self.say(200, {"data": [{"id": "parrot"}, {"id": "parakeet"}]})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server = self.server
        server.authorizations.append(self.headers.get("Authorization"))
        with server.lock:
            server.bodies.append(body)
            server.now += 1
            server.most = max(server.most, server.now)
            cue = server.cues.popleft() if server.cues else server.poison(body) or server.always
        try:
            time.sleep(server.delay)
            if cue is None or not cue(self):
                self.say(*server.model(body))
        except OSError:
            server.dropped += 1
        finally:
            with server.lock:
                server.now -= 1

    def say(self, status, said, **headers):
        """Send ``said``, which are bytes or become JSON."""
        raw = said if isinstance(said, bytes) else json.dumps(said).encode()
        self.send_response(status)
        for name, value in {"Content-Length": len(raw), **headers}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(raw)
        return True


def parrot(takes=()):
    """A model that repeats the last line it hears, and obeys the kinds of constraint in ``takes``; others it refuses,
    or overhears where ``takes`` is None."""

    def model(body):
        line = heard(body).splitlines()[-1]
        for name in ("structured_outputs", "response_format"):
            if name in body and takes is not None and name not in takes:
                return 400, {"error": {"message": f"Unknown parameter: {name}", "code": "unknown_parameter"}}
            if name in body and takes:
                held = body[name]
                if name == "structured_outputs":
                    line = held["choice"][0]
                else:
                    schema = held["json_schema"]["schema"]["properties"]["answer"]
                    line = json.dumps({"answer": schema["enum"][0]}, indent=1)
        made = {"message": {"content": line}} if "messages" in body else {"text": line}
        usage = {"prompt_tokens": 10, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 4}}
        return 200, {"choices": [{**made, "finish_reason": "stop"}], "usage": usage}

    return model


@contextmanager
def serving():
    """A server that repeats, until the end of the block. ``cues`` are what it does to its next requests, ``poison``
    to those it gives a cue for, ``always`` to the others, ``listing`` to those that ask for its models."""
    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.daemon_threads = True
    made.block_on_close = False
    made.handle_error = lambda *_: None  # whoever went away in the middle of it
    made.lock, made.cues, made.always, made.model = threading.Lock(), deque(), None, parrot()
    made.listing = None
    made.poison = lambda body: None
    made.bodies, made.authorizations, made.delay, made.now, made.most, made.dropped = [], [], 0.0, 0, 0, 0
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    made.url = f"http://127.0.0.1:{made.server_port}/v1"
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def engine(server, **params):
    params = {"base_url": server.url, "structured": "none", "backoff": 0.01, "timeout": 5, **params}
    return OpenAI("parrot", **params)


def asked(*texts, **how):
    return [Request(str(i), (), None, Sampling(**how), text) for i, text in enumerate(texts)]


def heard(body):
    """The text of a request."""
    return body["messages"][-1]["content"] if "messages" in body else str(body["prompt"])


def chat(text):
    return (Message("system", "Repeat."), Message("user", text))
