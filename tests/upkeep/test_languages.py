"""No sentence is forgotten: every literal that can reach a report stands in the catalogue of every language.

The sources are read, not run: a literal of two words and more counts, each part of an f-string by itself. Docstrings,
comparisons and patterns are not said, and what a ValueError says reaches a caller, not a reader of reports.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from forensics.languages import codes
from tests.upkeep.documents import ROOT

CATALOGUES = {code: ROOT / "forensics" / "languages" / f"{code}.toml" for code in codes()[1:]}

OF_FILES = ("fields.py", "signatures.py")
"""Names of places in files and patterns on what stands there; both stay as they are."""

PROGRAMS = ("capture one", "lowest pixel bits")
"""Likewise: the name of a program, and of a place in a file."""

SPEAKERS = [
    *(path for path in sorted((ROOT / "forensics" / "analyzers").rglob("*.py")) if path.name not in OF_FILES),
    *(ROOT / "forensics" / f"{name}.py" for name in ("verdict", "report", "scanner", "seen_before")),
    *(ROOT / "forensics" / f"report_{name}.py" for name in ("words", "page", "html", "pdf", "sheet")),
    *(ROOT / "detectors" / f"{name}.py" for name in ("degradation", "synthetic", "face", "temporal", "adversarial")),
    *(ROOT / "detectors" / f"{name}.py" for name in ("conformal", "lineage", "outside/detector")),
]

_HOLE = re.compile(r"\{[\w:]*\}")
_TWO_WORDS = re.compile(r"[A-Za-z]{2,}[,;:]? [A-Za-z]")


class Literals(ast.NodeVisitor):
    """Every string that a module may say."""

    def __init__(self, source: str) -> None:
        self.found: list[str] = []
        self.visit(ast.parse(source))

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            self.found += _HOLE.split(node.value)

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):
            self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> None:
        if isinstance(node.exc, ast.Call) and getattr(node.exc.func, "id", "") == "MediaError":
            self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        return

    def visit_Call(self, node: ast.Call) -> None:
        if ast.unparse(node.func) != "re.compile":
            self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        # What an analyzer is about is said by the command line alone.
        if node.value is not None and ast.unparse(node.target) != "about":
            self.visit(node.value)


def wanting(literals: Iterator[str] | list[str], catalogue: Path) -> list[str]:
    """Literals of two words and more that no English template of a catalogue holds."""
    plain = tomllib.loads(catalogue.read_text(encoding="utf-8"))
    known = [template for part in plain["parts"].values() for template in part]
    known += [half for row in plain["rows"] for half in row.split(" = ", 1)] + list(plain["sentences"])
    text = "\n".join(_HOLE.sub("\n", template) for template in known).casefold()
    said = (literal for literal in literals if _TWO_WORDS.search(literal) and literal not in PROGRAMS)
    return [literal for literal in said if literal.strip(" .,;:()").casefold() not in text]


@pytest.mark.parametrize("catalogue", CATALOGUES.values(), ids=CATALOGUES)
@pytest.mark.parametrize("path", SPEAKERS, ids=lambda path: path.stem)
def test_every_sentence_has_its_counterpart(path: Path, catalogue: Path) -> None:
    assert wanting(Literals(path.read_text(encoding="utf-8")).found, catalogue) == []


@pytest.mark.parametrize("catalogue", CATALOGUES.values(), ids=CATALOGUES)
def test_every_word_of_the_page_has_its_counterpart(catalogue: Path) -> None:
    template = (ROOT / "forensics" / "templates" / "report.html").read_text(encoding="utf-8")
    body = template[template.index("<body>") :]
    calls = re.findall(r"\bt\((.*?)\) (?:\}|if|else)", body)
    assert len(calls) > 20
    assert wanting((literal for call in calls for literal in re.findall(r'"([^"]*)"', call)), catalogue) == []
    bare = re.sub(r"<[^>]*>", "\n", re.sub(r"\{%.*?%\}|\{\{.*?\}\}", "", body, flags=re.DOTALL))
    assert re.findall(r"[A-Za-z]{2,}", bare) == ["Unforged"], "words outside of t()"


NEW = '''
def f(n):
    """Say it."""
    if n == "two words":
        raise ValueError("not said")
    return f"A new trace of {n}"
'''


def test_a_new_sentence_is_noticed() -> None:
    for catalogue in CATALOGUES.values():
        assert wanting(Literals(NEW).found, catalogue) == ["A new trace of "]
