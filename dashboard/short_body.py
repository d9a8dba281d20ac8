"""What a browser sends to our own addresses: a secret, a line long."""

from __future__ import annotations

from starlette.requests import Request

MAX_BYTES = 200


async def short_body(request: Request) -> str:
    """What was sent; "" where it is longer than any secret."""
    read = b""
    async for part in request.stream():
        read += part
        if len(read) > MAX_BYTES:
            return ""
    return read.decode("ascii", "replace")
