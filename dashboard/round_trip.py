"""The round trip to an identity provider: it ends where one wanted to go, or at words on why it failed.

Streamlit itself ends it at the first page, or on a page that says `Authentication error` and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote, unquote, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

FAILED = "sign_in"
"""In the query of the address: why a sign-in failed, one of the two below."""

UNREACHABLE, REFUSED = "unreachable", "refused"

WANTED = "unforged_wanted"
"""Cookie with the address that was asked for."""

WANTED_S = 600
"""Time to sign in at the provider."""

IDENTITY = "_streamlit_user="
"""How Streamlit's own cookie begins: it is set where the provider vouched for somebody."""


class RoundTrip:
    """ASGI middleware around the addresses that Streamlit signs in by.

    Args:
        app: what answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; those of other addresses pass as they are."""
        changed = _CHANGES.get(scope["path"]) if scope["type"] == "http" else None
        if changed is None:
            await self._app(scope, receive, send)
            return

        async def seen(message: Message) -> None:
            if message["type"] == "http.response.start":
                changed(Request(scope), message)
            await send(message)

        await self._app(scope, receive, seen)


def _leaving(request: Request, start: Message) -> None:
    """Note where one wanted to go; a provider that cannot be reached leads back."""
    headers = MutableHeaders(raw=start["headers"])
    if start["status"] >= 400:
        start["status"] = 303
        headers["location"] = f"/?{FAILED}={UNREACHABLE}"
    else:
        wanted = _address(request.headers.get("referer", ""))
        headers.append("set-cookie", _cookie(quote(wanted, safe=""), WANTED_S))


def _returning(request: Request, start: Message) -> None:
    """Lead on to where one wanted to go, or to words."""
    if not request.query_params.keys() & {"state", "error"}:
        return  # back from signing out
    headers = MutableHeaders(raw=start["headers"])
    set_now = (text for text in headers.getlist("set-cookie") if text.startswith(IDENTITY))
    if not any("max-age=0" not in text.casefold() for text in set_now):
        headers["location"] = f"/?{FAILED}={REFUSED}"
    else:
        headers["location"] = _address(unquote(request.cookies.get(WANTED, "")))
        headers.append("set-cookie", _cookie("", 0))


def _address(text: str) -> str:
    """Path and query, on this server whatever host the text names; the first page where it makes no sense."""
    try:
        parts = urlsplit(text if text.isascii() else "")
    except ValueError:
        return "/"
    query = f"?{parts.query}" if parts.query and FAILED not in parts.query else ""
    return "/" + parts.path.lstrip("/\\") + query


def _cookie(value: str, age_s: int) -> str:
    return f"{WANTED}={value}; Max-Age={age_s}; Path=/; HttpOnly; SameSite=Lax"


_CHANGES: dict[str, Callable[[Request, Message], None]] = {"/auth/login": _leaving, "/oauth2callback": _returning}
