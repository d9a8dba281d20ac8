"""Text for people: what comes from a file is made visible and loses every power over the page."""

from __future__ import annotations

from forensics.hostile_text import one_line

_MARK_UP = str.maketrans({c: f"\\{c}" for c in "\\`*_{}[]()<>#+-.!|~$:&^="})


def as_markdown(text: str, limit: int = 300) -> str:
    """One line that Markdown shows as it stands: no emphasis, link, picture, colour, formula or icon in it."""
    return one_line(text, limit).translate(_MARK_UP)


def sentence(error: Exception) -> str:
    """What an error says, as a line of Markdown that begins with a capital; its message may quote a file."""
    said = str(error).strip() or type(error).__name__
    return as_markdown(said[0].upper() + said[1:])
