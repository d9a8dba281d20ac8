"""Languages of reports: English is what analyzers write and what is stored; a catalogue beside it has the others.

A language costs one file here, `<code>.toml`: how numbers are written, and English templates with their counterparts.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from forensics.languages.patterns import Rule, Rules

ENGLISH = "en"

ROW_MARK = " = "
"""Stands between label and text of a table row in a catalogue."""

_LABEL_END = "\n"
"""Stands there when rows are matched: no label holds a line break, whatever a file says."""

MAX_SENTENCE = 3000
"""Characters; the longest explanation has a fifth of it. A longer text is somebody else's."""


class Language:
    """A language that reports can be written in.

    Args:
        code: as in BCP 47, for `lang` attributes.
        catalogue: content of its file; None for English, which needs none.

    Raises:
        ValueError: a template of the catalogue is none.
    """

    def __init__(self, code: str, catalogue: dict[str, Any] | None = None) -> None:
        self.code = code
        self.name = "English" if catalogue is None else str(catalogue["name"])
        self._signs = {} if catalogue is None else {",": catalogue["thousands"], ".": catalogue["decimal"]}
        self.rules = None if catalogue is None else Rules(_sections(catalogue), self.number)

    def number(self, text: str) -> str:
        """A number as this language writes it, from one with a decimal point and commas between thousands."""
        return "".join(self._signs.get(c, c) for c in text)

    def find(self, text: str) -> str | None:
        """The counterpart of an English sentence or word; None without one."""
        return None if self.rules is None or len(text) > MAX_SENTENCE else self.rules.find_sentence(text)

    def say(self, text: str) -> str:
        """A sentence or word in this language; as it is where the catalogue has none for all of it."""
        found = self.find(text)
        return text if found is None else found

    def find_row(self, label: str, text: str) -> tuple[str, str] | None:
        """The counterpart of a row of a table; None without one for both label and text."""
        found = None if self.rules is None else self.rules.find("rows", label + _LABEL_END + text)
        if found is None:
            return None
        own, _, rest = found.partition(_LABEL_END)
        return own, rest

    def row(self, label: str, text: str) -> tuple[str, str]:
        """A row in this language; as it is where the catalogue has none for all of it."""
        return self.find_row(label, text) or (label, text)


def codes() -> tuple[str, ...]:
    """All languages, English first."""
    found = (Path(entry.name) for entry in files(__name__).iterdir())
    return (ENGLISH, *sorted(path.stem for path in found if path.suffix == ".toml"))


@cache
def language(code: str = ENGLISH) -> Language:
    """The language of a code.

    Raises:
        LookupError: there is none.
    """
    if code not in codes():
        raise LookupError(f"there is no language {code!r} for reports; there is {', '.join(codes())}")
    if code == ENGLISH:
        return Language(code)
    text = (files(__name__) / f"{code}.toml").read_text(encoding="utf-8")
    return Language(code, tomllib.loads(text))


def _sections(catalogue: dict[str, Any]) -> dict[str, list[Rule]]:
    rows = [Rule.of(_as_row(english), _as_row(other)) for english, other in catalogue["rows"].items()]
    lists = {"sentences": catalogue["sentences"], **catalogue["parts"]}
    return {"rows": rows} | {name: [Rule.of(*pair) for pair in pairs.items()] for name, pairs in lists.items()}


def _as_row(template: str) -> str:
    label, mark, text = template.partition(ROW_MARK)
    if not mark:
        raise ValueError(f"the row {template!r} has no {ROW_MARK!r} between its label and its text")
    return label + _LABEL_END + text
