"""English sentences as patterns with holes, each beside the same sentence in another language.

A rule is a pair of templates: "The detector {name:word} does not judge this: {why:refusal}" beside "Der Detektor {name}
beurteilt das nicht: {why}". The word behind the colon is the kind of the hole: a number, which is written anew, text
that stays as it is, a whole sentence, or one of the catalogue's own parts, which are lists of rules again. What fits no
rule as a whole is not translated at all: half a sentence in another language misleads more than a whole English one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

_HOLE = re.compile(r"\{(\w+)(?::(\w+))?\}")

_NUMBER = r"[+-]?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?"

KINDS: Mapping[str, str] = {
    "number": _NUMBER,
    "share": _NUMBER + "%",
    "word": r"\S+",
    "phrase": r"[^,;:]+",
    "text": r"(?s:.*?)",
    "sentence": r"(?s:.+)",
}
"""Built-in kinds of holes and what may stand in them. Words, phrases and texts stay as they are."""


@dataclass(frozen=True)
class Rule:
    """One English template and its counterpart.

    Attributes:
        english: with typed holes.
        pieces: the counterpart in turns of literal text and names of holes, literal text first.
        kinds: name of each hole -> its kind.
    """

    english: str
    pieces: tuple[str, ...]
    kinds: Mapping[str, str]

    @classmethod
    def of(cls, english: str, other: str) -> Rule:
        """Read a pair of templates.

        Raises:
            ValueError: a hole has no kind, occurs twice in English, or is on one side only.
        """
        holes = [(str(name), str(kind)) for name, kind in _HOLE.findall(english)]
        pieces = tuple(piece for i, piece in enumerate(_HOLE.split(other)) if i % 3 != 2)
        kinds = dict(holes)
        if "" in kinds.values() or len(kinds) != len(holes):
            raise ValueError(f"each hole of {english!r} needs a name of its own and a kind")
        if set(pieces[1::2]) != set(kinds):
            raise ValueError(f"{english!r} and its counterpart {other!r} have different holes")
        return cls(english, pieces, kinds)

    @property
    def start(self) -> str:
        """The literal text before the first hole."""
        return self.english.partition("{")[0]


class Rules:
    """The rules of a catalogue.

    Args:
        sections: name of a list -> its rules, in the order in which they are tried.
        written: writes a number of the English text anew.

    Raises:
        ValueError: a hole is of a kind that is neither built in nor a section.
    """

    def __init__(self, sections: Mapping[str, Sequence[Rule]], written: Callable[[str], str]) -> None:
        self._sections = sections
        self._written = written
        for rule in (rule for rules in sections.values() for rule in rules):
            for kind in rule.kinds.values():
                if kind not in KINDS and kind not in sections:
                    raise ValueError(f"{rule.english!r} has a hole of the unknown kind {kind!r}")
        self._patterns: dict[str, re.Pattern[str]] = {}

    def counterparts(self) -> Iterator[str]:
        """Everything that can be said, hole by hole: for checks of a catalogue."""
        for rule in (rule for rules in self._sections.values() for rule in rules):
            yield "".join(rule.pieces)

    def find(self, section: str, text: str) -> str | None:
        """The counterpart of a text by the rules of a section; None if none of them fits it as a whole."""
        fixed = self._fixed[section].get(text)
        if fixed is not None:
            return fixed
        for rule in self._open[section]:
            if text.startswith(rule.start) and (match := self._pattern(rule).fullmatch(text)):
                filled = {name: self._filled(kind, match[name]) for name, kind in rule.kinds.items()}
                if None not in filled.values():
                    return "".join(p if i % 2 == 0 else filled[p] or "" for i, p in enumerate(rule.pieces))
        return None

    def find_sentence(self, text: str) -> str | None:
        """The same for a sentence, whether or not it ends in a full stop or begins with a capital letter."""
        for shape, restored in _shapes(text):
            found = self.find("sentences", shape)
            if found is not None:
                return restored(found)
        return None

    def _filled(self, kind: str, text: str) -> str | None:
        if kind in ("word", "phrase", "text"):
            return text
        if kind == "number":
            return self._written(text)
        if kind == "share":
            return self._written(text[:-1]) + "\u00a0%"
        return self.find_sentence(text) if kind == "sentence" else self.find(kind, text)

    @cached_property
    def _fixed(self) -> dict[str, dict[str, str]]:
        return {name: {r.english: r.pieces[0] for r in rules if not r.kinds} for name, rules in self._sections.items()}

    @cached_property
    def _open(self) -> dict[str, list[Rule]]:
        return {name: [rule for rule in rules if rule.kinds] for name, rules in self._sections.items()}

    def _pattern(self, rule: Rule) -> re.Pattern[str]:
        if rule.english not in self._patterns:
            self._patterns[rule.english] = re.compile(self._source(rule, frozenset(), named=True))
        return self._patterns[rule.english]

    def _source(self, rule: Rule, within: frozenset[str], *, named: bool = False) -> str:
        """A rule as a regular expression; parts are written out in it, so that one hole may follow another."""
        turns = _HOLE.split(rule.english)
        source = re.escape(turns[0])
        for name, kind, literal in zip(turns[1::3], turns[2::3], turns[3::3], strict=True):
            inner = self._kind_source(kind, within)
            source += (f"(?P<{name}>{inner})" if named else f"(?:{inner})") + re.escape(literal)
        return source

    def _kind_source(self, kind: str, within: frozenset[str]) -> str:
        if kind in KINDS:
            return KINDS[kind]
        if kind in within:
            return KINDS["sentence"]  # a list within a list: read when its turn comes
        return "|".join(f"(?:{self._source(rule, within | {kind})})" for rule in self._sections[kind])


def _shapes(text: str) -> Iterator[tuple[str, Callable[[str], str]]]:
    """A sentence without its full stop, as it is, and both with a small first letter; and how to undo that."""
    small = text[:1].lower() + text[1:]
    if text.endswith("."):
        yield text[:-1], lambda found: f"{found}."
        yield small[:-1], lambda found: f"{_capitalised(found)}."
    yield text, str
    yield small, _capitalised


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
