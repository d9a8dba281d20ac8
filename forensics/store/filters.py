"""What to look for among stored scans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Integer, and_, case, func, literal, or_, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import aliased
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from forensics.containers.member import INTO
from forensics.store.run_words import EXAMINED
from forensics.store.tables import Flag, RunFileRow, Scan


@dataclass(frozen=True)
class RunScans:
    """What the scans of a run have in common.

    Attributes:
        run: number of the run.
        settings_digest: of every scan in it.
    """

    run: int
    settings_digest: str

    def conditions(self) -> list[ColumnElement[bool]]:
        """The same for the database: the very scans, not others of the same files."""
        scan = aliased(Scan)
        same = (scan.sha256 == RunFileRow.sha256, scan.versions_digest == RunFileRow.versions_digest)
        examined = RunFileRow.state.in_([str(state) for state in EXAMINED])
        # From the files to their scans: both steps are answered by an index, where a question for each scan is not.
        numbers = select(scan.id).where(
            RunFileRow.run_id == self.run, examined, *same, scan.settings_digest == self.settings_digest
        )
        return [Scan.id.in_(numbers)]


@dataclass(frozen=True)
class ScanFilter:
    """Conditions that a scan has to fit, each of them; None asks for nothing.

    Attributes:
        sha256: how the hash begins.
        name: part of the file name, upper and lower case alike; of a file inside containers part of the way to it
            from the outermost container's name on, as in "case.zip!/scan.pdf".
        opinion: one of the ladder, or how it begins: "likely".
        analyzer: one that spoke for manipulation or synthesis.
        folder: where the file lay, or a folder above.
        kind: image or video.
        since, until: ISO 8601 date or time in UTC; until is not included.
        least_llr: log10 likelihood ratio of the verdict, or more.
        run: the files of a durable run.
    """

    sha256: str | None = None
    name: str | None = None
    opinion: str | None = None
    analyzer: str | None = None
    folder: str | None = None
    kind: str | None = None
    since: str | None = None
    until: str | None = None
    least_llr: float | None = None
    run: RunScans | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """The same for the database."""
        found: list[ColumnElement[bool]] = []
        if self.sha256:
            prefix = self.sha256.lower()
            # A range instead of LIKE: both databases answer it from the index. "g" follows the hex digits.
            found += [Scan.sha256 >= prefix, Scan.sha256 < prefix + "g"]
        if self.name:
            inside = and_(_PLACE > 0, _way().icontains(self.name, autoescape=True))
            found.append(or_(Scan.filename.icontains(self.name, autoescape=True), inside))
        if self.opinion:
            found.append(Scan.opinion.startswith(self.opinion.lower(), autoescape=True))
        if self.analyzer:
            found.append(Scan.id.in_(select(Flag.scan_id).where(Flag.analyzer == self.analyzer)))
        if self.folder:
            folder = self.folder.rstrip("/")
            found.append(or_(Scan.folder == folder, Scan.folder.startswith(folder + "/", autoescape=True)))
        if self.kind:
            found.append(Scan.kind == self.kind)
        if self.since:
            found.append(Scan.scanned_at >= self.since)
        if self.until:
            found.append(Scan.scanned_at < self.until)
        if self.least_llr is not None:
            found.append(Scan.llr >= self.least_llr)
        if self.run is not None:
            found += self.run.conditions()
        return found


class _Position(FunctionElement[int]):
    """Where a text begins in another, from 1; 0 where it does not occur."""

    type = Integer()
    inherit_cache = True


@compiles(_Position)
def _instr(element: _Position, compiler: SQLCompiler, **given: Any) -> str:
    return f"instr({compiler.process(element.clauses, **given)})"


@compiles(_Position, "postgresql")
def _strpos(element: _Position, compiler: SQLCompiler, **given: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **given)})"


_PLACE = _Position(Scan.path, literal(INTO))


def _way() -> ColumnElement[str]:
    """The way to a file inside containers, from the name of the outermost on, without its folder; else ""."""
    container = func.substr(Scan.path, 1, _PLACE - 1)
    # All characters but slashes are taken off the end, until one is met: what is left is the folder.
    folder = func.rtrim(container, func.replace(container, "/", ""))
    # Nobody promises that what is not inside a container is not computed, and a length below 0 is an error.
    return case((_PLACE > 0, func.substr(Scan.path, func.length(folder) + 1)), else_="")
