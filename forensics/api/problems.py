"""What the service refuses, each with a status of HTTP, a code for machines and words for people."""

from __future__ import annotations

from collections.abc import Mapping


class Refusal(Exception):
    """A request that is answered with an error.

    Attributes:
        status: of HTTP.
        code: a stable word for machines.
        headers: that go with it.
    """

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = dict(headers or {})


CODES = {
    400: "bad-request",
    401: "no-key",
    403: "not-allowed",
    404: "not-found",
    405: "wrong-method",
    408: "too-slow",
    409: "not-done",
    413: "too-large",
    415: "wrong-type",
    421: "wrong-host",
    422: "invalid",
    429: "too-many",
    500: "broken",
    503: "unavailable",
}
"""The code of each status, where nothing more precise is known."""

ABOUT = {
    400: "The body is no form that can be read.",
    401: "No API key was given, or one that is not (any more) valid.",
    403: "The key lacks the scope that this needs, or the path lies below no allowed folder.",
    404: "The tenant of the key has nothing of this name; what others have looks the same.",
    405: "The address knows no such method; Allow names those it knows.",
    408: "The body came too slowly.",
    409: "The examination is not over yet; Retry-After says when to ask again.",
    413: "The body, or a file in it, is larger than the server takes.",
    415: "The body is not of the type that is wanted.",
    421: "The server is not meant by this name; without keys it answers to this computer only.",
    422: "A value is not what is wanted, or names nothing.",
    429: "The key has used up its requests or bytes; Retry-After says for how long.",
    500: "The server is broken; its log has more under the id of the request.",
    503: "The server cannot take this now; Retry-After says when to try again.",
}
"""The same in words, for the OpenAPI document."""


def too_large(limit_bytes: int) -> Refusal:
    """For a body that is over the limit, or says that it will be; the rest of it is not read."""
    return Refusal(
        413, "too-large", f"the body is larger than {limit_bytes:,} bytes, the limit", {"Connection": "close"}
    )


def busy(message: str, retry_s: int) -> Refusal:
    """For what may work later."""
    return Refusal(503, "unavailable", message, {"Retry-After": str(retry_s)})
