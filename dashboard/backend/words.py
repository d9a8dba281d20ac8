"""Text for people: what comes from a file is made visible and loses every power over the page."""

from __future__ import annotations

import re

from forensics.hostile_text import clipped, one_line
from forensics.report_words import name_of, percent

__all__ = ["as_markdown", "clipped", "moment", "name_of", "one_line", "percent", "plain_sentence", "sentence"]

_MARK_UP = str.maketrans({c: f"\\{c}" for c in "\\`*_{}[]()<>#+-.!|~$:&^="})

_LINKED = re.compile(r"www(?=\.)|https?:(?=//)|(?=@)", re.IGNORECASE)
"""Where text becomes a link on its own, even of characters that were escaped one by one."""

_JOINER = "\u2060"
"""Unseen, breaks no line, and no part of an address."""


def as_markdown(text: str, limit: int = 300) -> str:
    """One line that Markdown shows as it stands: no emphasis, link, picture, colour, formula or icon in it."""
    return _LINKED.sub(rf"\g<0>{_JOINER}", one_line(text, limit)).translate(_MARK_UP)


def plain_sentence(error: Exception, limit: int = 300) -> str:
    """What an error says, as a line of plain text that begins with a capital; its message may quote a file."""
    said = one_line(str(error).strip(), limit) or type(error).__name__
    return said[0].upper() + said[1:]


def sentence(error: Exception) -> str:
    """The same as Markdown."""
    return as_markdown(plain_sentence(error))


def moment(at: str) -> str:
    """A time of ISO 8601 to the minute, as tables show it; "" stays as it is."""
    return at[:16].replace("T", " ")
