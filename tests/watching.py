"""Clients of a watched run, and the runs that they watch."""

import contextlib
import http.client
import json
import subprocess
import time
from urllib.parse import urlsplit

from tiny import environment

PATIENCE = 60  # seconds: what has not come then never will


def ask(address, method="GET", path="", **headers):
    """Return status, headers and text of an answer."""
    with contextlib.closing(connection(address)) as server:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        server.request(method, urlsplit(address).path + path, headers=names)
        answer = server.getresponse()
        endless = answer.headers.get_content_type() == "text/event-stream"
        text = "" if endless else answer.read().decode()
        return answer.status, answer.headers, text


def connection(address):
    place = urlsplit(address)
    return http.client.HTTPConnection(place.hostname, place.port, timeout=PATIENCE)


class Listener:
    """The events of a watched run, one at a time."""

    def __init__(self, address, **headers):
        self._server = connection(address)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        path = urlsplit(address).path + "events"
        self._server.request("GET", path, headers=names)
        self._answer = self._server.getresponse()
        self.status, self.headers = self._answer.status, self._answer.headers
        self.version = None

    def line(self):
        return self._answer.readline().decode().rstrip("\n")

    def next(self):
        """Return the next changes, or "over"."""
        kind, end = "change", time.monotonic() + PATIENCE
        while time.monotonic() < end:
            line = self.line()
            name, _, value = line.partition(": ")
            if name == "id":
                self.version = value
            elif name == "event":
                kind = value
            elif name == "data":
                return json.loads(value) if kind == "change" else kind
            elif self._answer.isclosed():
                raise EOFError
        raise TimeoutError

    def until(self, state):
        """Return all changes up to the one with a state, put together."""
        changes = {}
        while changes.get("live", {}).get("state") != state:
            changes |= self.next()
        return changes

    def close(self):
        self._answer.close()
        self._server.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


@contextlib.contextmanager
def process(words):
    """Start a command, with its errors readable, and kill it at last."""
    with subprocess.Popen(
        [*map(str, words)],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as started:
        try:
            yield started
        finally:
            started.kill()


def address_of(started):
    """Return the address that a command prints on standard error."""
    line = started.stderr.readline()
    assert line.startswith("page: http://127.0.0.1:"), line + started.stderr.read()
    return line.split()[1]


def rest_of(started):
    """Return what a command still prints on standard error, until its end."""
    text = started.stderr.read()
    started.wait(PATIENCE)
    return text


def wait_until(ready):
    """Wait for what another process does."""
    end = time.monotonic() + PATIENCE
    while not ready():
        assert time.monotonic() < end
        time.sleep(0.02)


def refused(address):
    """Say whether nobody answers at an address any more."""
    try:
        ask(address)
    except OSError:
        return True
    return False
