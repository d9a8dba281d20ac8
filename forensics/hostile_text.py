"""Makes text from suspect files visible: metadata may hide characters that reorder lines or steer terminals."""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections.abc import Callable

MAX_TEXT = 20_000
"""Characters of one piece of text shown in a report; the JSON form keeps all of it."""

_JOINERS = "\u200c\u200d"
"""Invisible, but Persian words and emoji are misspelt without them."""


_COUNT = re.compile(r"(?<=… \()[0-9,]+ more characters(?=\)\W{0,2}\Z)")

_CUT = re.compile(r"… \(([0-9][0-9.,]{0,19}) [^0-9()]{1,40}\)\Z")
"""The same in any language."""


def clipped(text: str, limit: int, say: Callable[[str], str] = str) -> str:
    """Text that is cut, and what is left out counted, where that makes it shorter.

    Args:
        text: on any number of lines.
        limit: characters kept of a text that is cut.
        say: puts the count into another language.
    """
    # What was cut once, and is to be cut further, lacks more than its own characters.
    before = _CUT.search(text)
    n_whole = len(text) if before is None else before.start() + int(re.sub(r"[.,]", "", before[1]))
    count = f"… ({say(f'{n_whole - limit:,} more characters')})"
    return text[:limit] + count if len(text) > limit + len(count) else text


def counted_in(text: str, say: Callable[[str], str]) -> str:
    """Text that may have been cut already, with the count of `clipped` in another language."""
    return _COUNT.sub(lambda count: say(count[0]), text)


def visible(text: str, limit: int = MAX_TEXT) -> str:
    """Replace what cannot be seen or printed by escapes such as \\u202e; line breaks and tabs stay.

    Controls, bidirectional overrides, zero-width characters and lone surrogates can forge lines, reverse a file
    name, hide text, or stop an encoder. HTML still has to be escaped: this keeps <, > and quotes.

    Args:
        text: as found in the file.
        limit: characters kept of a text that is cut, see `clipped`.
    """
    kept = clipped(text, limit).replace("\r\n", "\n")
    return "".join(_escape(c) if _is_hidden(c) else c for c in kept)


def one_line(text: str, limit: int = MAX_TEXT) -> str:
    """`visible` on a single line, for names and headings."""
    return " ".join(visible(text, limit).split())


def shell_word(text: str) -> str:
    """Quote a word for a POSIX shell; hidden characters come as $'...' so that a copied command is the one seen."""
    if not any(_is_hidden(c) or c in "\n\t" for c in text):
        return shlex.quote(text)
    data = text.encode("utf-8", "surrogateescape" if _is_bytes(text) else "surrogatepass")
    return "$'" + "".join(chr(b) if 32 <= b < 127 and chr(b) not in "\\'" else f"\\x{b:02x}" for b in data) + "'"


def _is_hidden(c: str) -> bool:
    if c in "\n\t" or c in _JOINERS:
        return False
    return unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")


def _escape(c: str) -> str:
    code = ord(c)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _is_bytes(text: str) -> bool:
    # How Python spells a file name that is not UTF-8 (PEP 383).
    return all(0xDC80 <= ord(c) <= 0xDCFF for c in text if unicodedata.category(c) == "Cs")
