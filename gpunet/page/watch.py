"""The page of a run folder, served while the run goes on.

The server only reads the folder: training opens no port and waits for nobody, and a
run that was started elsewhere, or has ended, is shown alike. Who asks must be on this
machine, know the token in the address, and come from the page itself.
"""

import asyncio
import contextlib
import hmac
import os
import secrets
import socket
import threading
from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from ..io.messages import message
from .following import Follower
from .html import page_html

MOST_CLIENTS = 8
_LOOK, _PING = 0.5, 2.0  # seconds between looks, and between signs of life
_GRACE = 1.0  # seconds that a client has at the end to read the last state
_HOSTS = ["127.0.0.1", "localhost"]
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def check_installed() -> None:
    """Raise ConfigError if a package of the extra `page` is missing."""
    missing = [name for name in ("starlette", "uvicorn") if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"watch: needs {' and '.join(missing)}; install with: "
            'python -m pip install "gpunet[page]"'
        )


class Watch:
    """A server of one run folder, in a thread of its own.

    Parameters
    ----------
    folder : path
        A run folder, which need not exist yet.
    port : int
        0 for one that is free.

    Attributes
    ----------
    address : str
        Where the page is; the token in it is new each time.

    Raises
    ------
    ConfigError
        The extra `page` is not installed, the port is in use, or the path is that of
        a file.
    """

    def __init__(self, folder: Any, port: int = 0):
        check_installed()
        self._follower = Follower(Path(os.fsdecode(folder)))
        self._socket = _listening(port)
        port, self._token = self._socket.getsockname()[1], secrets.token_urlsafe(16)
        self.address = f"http://127.0.0.1:{port}/{self._token}/"
        self._origins = {f"http://{host}:{port}" for host in _HOSTS}
        self._clients, self._changed = 0, asyncio.Event()
        self._stopping, self._over = threading.Event(), False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def join(self) -> None:
        """Wait for the end of the server; Ctrl-C interrupts it on every system."""
        # Not Thread.join: before Python 3.13, a thread whose join Ctrl-C interrupts
        # counts as ended, and `stop` would not wait for it.
        while not self._ended.wait(0.2):
            pass

    def stop(self) -> None:
        """Show the last state to all who watch, and end the server."""
        self._stopping.set()
        self._thread.join(10)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        finally:
            self._ended.set()

    async def _serve(self) -> None:
        import uvicorn
        from starlette.middleware.trustedhost import TrustedHostMiddleware

        config = uvicorn.Config(
            TrustedHostMiddleware(self._answer, _HOSTS),
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            limit_concurrency=8 * MOST_CLIENTS,
        )
        server = uvicorn.Server(config)
        await asyncio.to_thread(self._follower.look)  # before anybody is answered
        await asyncio.gather(server.serve([self._socket]), self._follow(server))

    async def _follow(self, server: Any) -> None:
        """Look at the folder until the end, and wake who waits for news."""
        while not self._over:
            self._over = self._stopping.is_set()
            if await asyncio.to_thread(self._follower.look, self._over) or self._over:
                self._changed.set()
                self._changed = asyncio.Event()
            if not self._over:
                await asyncio.to_thread(self._stopping.wait, _LOOK)
        server.should_exit = True
        asyncio.get_running_loop().call_later(_GRACE, _hang_up, server)

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request (an ASGI application)."""
        from starlette.requests import Request
        from starlette.responses import HTMLResponse, PlainTextResponse

        request = Request(scope)
        status, name = self._check(request)
        if status == 200 and name == "events":
            await self._stream(request, receive, send)
        elif status == 200:
            text = page_html(self._follower.document(), live=True)
            await HTMLResponse(text, headers=_HEADERS)(scope, receive, send)
        else:
            answer = PlainTextResponse(name, status, _HEADERS)
            await answer(scope, receive, send)

    def _check(self, request: Any) -> tuple[int, str]:
        """Return status 200 and what is asked for, or why it is refused."""
        origin = request.headers.get("origin")
        if origin is not None and origin not in self._origins:
            return 403, "another origin"
        if request.method != "GET":
            return 405, "GET only"
        token, slash, name = request.url.path[1:].partition("/")
        known = hmac.compare_digest(token.encode(), self._token.encode())
        if not (known and slash and name in ("", "events")):
            return 404, "no such page"
        return 200, name

    async def _stream(self, request: Any, receive: Any, send: Any) -> None:
        """Send what changes, as Server-Sent Events, for as long as somebody listens."""
        from starlette.responses import PlainTextResponse, StreamingResponse

        if self._clients >= MOST_CLIENTS:
            text = f"{MOST_CLIENTS} pages watch already; close one"
            refusal = PlainTextResponse(text, 503, _HEADERS)
            return await refusal(request.scope, receive, send)
        seen = request.headers.get("last-event-id") or request.query_params.get("seen")
        version = int(seen) if seen and seen.isdecimal() else 0
        self._clients += 1
        try:
            kind = "text/event-stream"
            events = self._events(version)
            answer = StreamingResponse(events, headers=_HEADERS, media_type=kind)
            await answer(request.scope, receive, send)
        finally:
            self._clients -= 1

    async def _events(self, version: int) -> AsyncIterator[str]:
        """Yield events; who is slow gets the newest state and nothing in between."""
        yield "retry: 1000\n\n"
        while True:
            changed, over = self._changed, self._over
            if version != self._follower.version:
                version, parts = self._follower.since(version)
                yield f"id: {version}\ndata: {parts}\n\n"
            elif over:
                yield "event: over\ndata: {}\n\n"
                return
            else:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), _PING)
                yield ":\n\n"


def _hang_up(server: Any) -> None:
    """Close what is still open: uvicorn would cancel, and log that as an error."""
    for connection in list(server.server_state.connections):
        connection.transport.abort()


def _listening(port: int) -> socket.socket:
    """Return a socket that listens on this machine alone."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if os.name == "posix":  # elsewhere it would share a port that is in use
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen()
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or str(error)
        remedy = "name another port, or none for one that is free"
        raise ConfigError(message("port", str(port), reason, remedy)) from error
    return listener
