"""The outermost layer: limits on the body before it is read, an id for each request, headers, a line in the log.

It speaks ASGI itself, as what it refuses must never reach a parser.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
import traceback
import uuid
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from forensics.api.configuration import Configuration
from forensics.api.problems import Refusal, too_large
from forensics.api.telling import Figures, tell

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""What a proxy may have given the request already; anything else could forge a line of its log."""

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Of every answer that does not say otherwise; the OWASP cheat sheet for REST names them."""


class Guard:
    """Wraps the application.

    Args:
        app: that is guarded.
        configuration: of the server.
        figures: count each request.
    """

    def __init__(self, app: ASGIApp, configuration: Configuration, figures: Figures) -> None:
        self.app = app
        self._configuration = configuration
        self._figures = figures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        await _Exchange(scope, receive, send, self._configuration, self._figures).run(self.app)


class _Exchange:
    """One request and its answer."""

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, configuration: Configuration, figures: Figures
    ) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._configuration = configuration
        self._figures = figures
        self._status = 0
        self._n_in = self._n_out = 0
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        self._headers = headers
        given = headers.get("x-request-id", "")
        self._id = given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        self._facts: dict[str, object] = {"request_id": self._id}
        scope["state"] = {**scope.get("state", {}), "facts": self._facts}

    async def run(self, app: ASGIApp) -> None:
        started_s = time.monotonic()
        try:
            self._check()
            await app(self._scope, self._receive_some, self._send_some)
        except Refusal as error:
            await self._refuse(error)
        except Exception:  # noqa: BLE001 - the server goes on, and its log says what happened
            tell("broken", {"request_id": self._id, "trace": traceback.format_exc()}, level=logging.ERROR)
            await self._refuse(Refusal(500, "broken", "the server is broken; its log says more"))
        finally:
            self._log(time.monotonic() - started_s)

    def _check(self) -> None:
        length = self._headers.get("content-length", "0")
        if length.isdigit() and int(length) > self._configuration.max_body_bytes:
            raise too_large(self._configuration.max_body_bytes)
        if self._configuration.key_file is None:
            host = self._headers.get("host", "").rpartition("@")[2]
            name = host.partition("]")[0].lstrip("[") if host.startswith("[") else host.partition(":")[0]
            if name.lower() not in self._configuration.hosts:
                raise Refusal(421, "wrong-host", "without keys this server answers to this computer only")
            if self._headers.get("origin") is not None or self._headers.get("sec-fetch-site", "none") != "none":
                raise Refusal(403, "not-allowed", "without keys no web page may ask this server")

    async def _receive_some(self) -> Message:
        try:
            message = await asyncio.wait_for(self._receive(), None if self._status else self._configuration.receive_s)
        except TimeoutError:
            raise Refusal(408, "too-slow", "the body came too slowly", {"Connection": "close"}) from None
        if message["type"] == "http.request":
            n_bytes = len(message.get("body", b""))
            self._n_in += n_bytes
            if self._n_in > self._configuration.max_body_bytes:
                raise too_large(self._configuration.max_body_bytes)
            charge: Callable[[int], None] | None = self._scope["state"].get("charge")
            if charge is not None:
                charge(n_bytes)
        return message

    async def _send_some(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            present = {name.decode("latin-1").lower() for name, _ in message["headers"]}
            added = {**HEADERS, "X-Request-ID": self._id}
            more = [(n.lower().encode(), text.encode()) for n, text in added.items() if n.lower() not in present]
            message = {**message, "headers": [*message["headers"], *more]}
        elif message["type"] == "http.response.body":
            self._n_out += len(message.get("body", b""))
        await self._send(message)

    async def _refuse(self, error: Refusal) -> None:
        if self._status:
            return
        body = json.dumps({"code": error.code, "message": str(error), "request_id": self._id}).encode()
        headers = {"content-type": "application/json", "content-length": str(len(body)), **error.headers}
        pairs = [(name.lower().encode(), text.encode()) for name, text in headers.items()]
        await self._send_some({"type": "http.response.start", "status": error.status, "headers": pairs})
        await self._send_some({"type": "http.response.body", "body": body})

    def _log(self, took_s: float) -> None:
        route = getattr(self._scope.get("route"), "path", "")
        self._figures.add("requests", method=_method(self._scope), route=route or "other", status=str(self._status))
        self._figures.add("request_seconds", took_s)
        self._figures.add("received_bytes", self._n_in)
        self._figures.add("sent_bytes", self._n_out)
        told = {"method": self._scope["method"], "path": self._scope["path"], "status": self._status}
        sizes = {"ms": round(took_s * 1000, 1), "bytes_in": self._n_in, "bytes_out": self._n_out}
        tell("request", {**self._facts, **told, **sizes})


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in ("GET", "POST", "HEAD", "OPTIONS", "DELETE", "PUT") else "other"
