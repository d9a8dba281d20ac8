"""Our own HTML with text in it: whatever comes from outside is escaped here, and only here."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

from dashboard.backend.words import clipped

FOLD_AT = 400
"""Characters of a table cell that are shown; the whole text is in the downloads."""

MAX_ROWS = 60


_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
"""Where a name such as trainedAlgorithmicMedia may go on in the next line."""


def text(words: str) -> str:
    """Text for HTML, isolated so that its direction cannot turn what stands around it."""
    return f"<bdi>{_HUMP.sub('<wbr>', html.escape(words))}</bdi>"


def table(rows: Iterable[tuple[str, str]], *, max_rows: int = MAX_ROWS) -> str:
    """Label and text, line by line; long ones are cut and counted."""
    listed = list(rows)
    lines = [
        f"<div><dt>{text(label)}</dt><dd>{text(clipped(words, FOLD_AT))}</dd></div>"
        for label, words in listed[:max_rows]
    ]
    if (left := len(listed) - max_rows) > 0:
        are = "row is" if left == 1 else "rows are"
        lines.append(f"<div><dt></dt><dd>{left:,} more {are} in the downloads.</dd></div>")
    return f'<dl class="u-rows">{"".join(lines)}</dl>'


def bullets(lines: Iterable[str]) -> str:
    """A list."""
    return f'<ul class="u-list">{"".join(f"<li>{text(line)}</li>" for line in lines)}</ul>'
