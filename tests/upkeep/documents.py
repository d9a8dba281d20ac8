"""The pages of the project, taken apart: what is told to a reader, for tests to check."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_FENCE = re.compile(r"^```(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Command:
    """One line of a console block.

    Attributes:
        line: without the prompt.
        shown: lines of output that the page shows below it.
    """

    line: str
    shown: tuple[str, ...] = ()


def pages() -> tuple[Path, ...]:
    """README.md and everything in docs/."""
    return (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))


def blocks(page: Path, language: str | None = None) -> list[str]:
    """Contents of fenced blocks, of one language or of all."""
    found = _FENCE.findall(page.read_text(encoding="utf-8"))
    return [text for name, text in found if language in (None, name)]


def languages(page: Path) -> set[str]:
    """Languages of fenced blocks; "" for none."""
    return {name for name, _ in _FENCE.findall(page.read_text(encoding="utf-8"))}


def commands(page: Path) -> list[Command]:
    """Everything that a reader is told to type, with the output shown."""
    found: list[Command] = []
    for line in "".join(blocks(page, "console")).splitlines():
        if line.startswith("$ "):
            found.append(Command(line[2:].partition("  #")[0].strip()))
        elif line.strip():
            assert found, f"{page.name}: output {line!r} comes before any command"
            found[-1] = Command(found[-1].line, (*found[-1].shown, line))
    return found


def prose(page: Path) -> str:
    """Everything outside of fenced blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def links(page: Path) -> list[str]:
    """Targets of links and pictures in the prose."""
    return re.findall(r"\]\(([^)\s]+)\)", prose(page))


def headings(page: Path) -> list[str]:
    """Text of all headings, as written."""
    return re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)


def anchor(heading: str) -> str:
    """What a link to a heading ends in."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def table(page: Path, heading: str) -> list[tuple[str, ...]]:
    """Rows of the table whose first column has that heading, without its first two lines."""
    rows: list[tuple[str, ...]] = []
    for line in prose(page).splitlines():
        cells = tuple(cell.strip() for cell in line.strip().strip("|").split("|")) if line.startswith("|") else ()
        if rows and not cells:
            break
        if rows or (cells and cells[0] == heading):
            rows.append(cells)
    assert rows, f"{page.name} has no table {heading!r}"
    return rows[2:]
