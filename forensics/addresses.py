"""What of an address may be shown and kept: neither who signs in nor, on the web, any value of its query or fragment.

Such values may be signatures, tokens or keys, which open the place to whoever reads a report, a log or a store. No list
of names tells which of them are.
"""

from __future__ import annotations

import re

MASK = "***"

_PASSWORD = re.compile(r"(?<=://)[^/:?#]*:[^/]*@")

_WEB = re.compile(r"((?:^|::)https?://)([^/?#@]*@)?([^?#]*)(?:\?([^#]*))?(?:#(.*))?", re.IGNORECASE | re.DOTALL)
"""How it begins, who signs in, the place, the query and the fragment. Elsewhere `?` and `#` belong to names."""

_PARTS = re.compile(r"[^&;]+")

_NAME = re.compile(r"[\w.\[\]-]{1,40}")


def shown_url(url: str) -> str:
    """An address without its secrets: the place and the names of parameters stay."""
    return _WEB.sub(_masked, _PASSWORD.sub("", url))


def signs_in(url: str) -> bool:
    """Whether a password is part of an address, or on the web whoever signs in."""
    found = _WEB.match(url)
    return _PASSWORD.search(url) is not None or (found is not None and found[2] is not None)


def is_masked(url: str) -> bool:
    """Whether `shown_url` left out values, without which nothing can be fetched from there."""
    found = _WEB.match(url)
    return found is not None and any(part and MASK in part for part in found.group(4, 5)) and shown_url(url) == url


def secrets_of(url: str) -> list[str]:
    """What `shown_url` leaves out of the query and the fragment of an address, the longest first."""
    found = _WEB.match(url)
    parts = [part for part in found.group(4, 5) if part] if found is not None else []
    values = [piece.partition("=")[2] for part in parts for piece in _PARTS.findall(part)]
    return sorted({value for value in (*parts, *values) if value}, key=len, reverse=True)


def _masked(found: re.Match[str]) -> str:
    start, _, place, query, fragment = found.groups()
    shown = start + place
    if query is not None:
        shown += "?" + _PARTS.sub(_masked_part, query)
    return f"{shown}#{MASK}" if fragment else shown


def _masked_part(found: re.Match[str]) -> str:
    name, _, value = found[0].partition("=")
    # Without a value, or where the sign ends a number in base 64, the name is the secret.
    return f"{name}={MASK}" if value.strip("=") and _NAME.fullmatch(name) else MASK
