"""Reads what a run has come to: the line of each file, counts, classes of error, copies."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, bindparam, func, select

from forensics.store.run_words import CHUNK_ROWS, ENDED, EXAMINED, ErrorClass, FileState, RunFile
from forensics.store.store import Store
from forensics.store.tables import RunFileRow

NO_NOTES = ""

_TOLD = RunFileRow.state.in_([str(state) for state in (*EXAMINED, FileState.FAILED, FileState.GONE)])
_TWIN = (
    select(RunFileRow)
    .where(
        RunFileRow.run_id == bindparam("run"),
        RunFileRow.sha256 == bindparam("sha256"),
        RunFileRow.versions_digest == bindparam("versions_digest"),
        RunFileRow.id != bindparam("but"),
        _TOLD,
    )
    # What was examined itself comes before what was found to be its copy, and what is gone last.
    .order_by(RunFileRow.state == str(FileState.GONE), RunFileRow.duplicate_of.is_not(None), RunFileRow.id)
    .limit(1)
)
"""Asked for every file: to make a statement takes longer than to follow it."""


class RunResults:
    """What is known of the files of one run.

    Args:
        store: an open one; all methods raise its StoreError.
        run: number of the run.
    """

    def __init__(self, store: Store, run: int) -> None:
        self._store = store
        self._run = run

    def twin(self, sha256: str, versions_digest: str, *, but: int) -> RunFile | None:
        """Another file of the same content that has a result; one that is gone, if there is no other."""
        same = {"run": self._run, "sha256": sha256, "versions_digest": versions_digest, "but": but}
        with self._store.session() as session:
            row = session.scalar(_TWIN, same)
            return None if row is None else as_file(row)

    def line(self, number: int) -> dict[str, Any]:
        """The line of the results of a file.

        Raises:
            LookupError: it has none.
        """
        with self._store.session() as session:
            kept = session.scalar(select(RunFileRow.line).where(RunFileRow.id == number))
        if kept is None:
            raise LookupError(f"the file {number} of the run has no result")
        return unpacked(kept)

    def lines(self, numbers: Sequence[int] | None = None) -> Iterator[dict[str, Any]]:
        """The line of every file that has a result, in the order in which they ended.

        Args:
            numbers: at most CHUNK_ROWS files, and all that was found in them; None for all there are.
        """
        return (line for _, line in self.placed_lines(numbers))

    def placed_lines(self, numbers: Sequence[int] | None = None) -> Iterator[tuple[int, dict[str, Any]]]:
        """The same, each with its place in this order, which stands for the file in `paths`."""
        after = -1
        ended: ColumnElement[bool] = RunFileRow.state.in_([str(state) for state in ENDED])
        if numbers is not None:
            ended &= RunFileRow.id.in_(numbers) | RunFileRow.container.in_(numbers)
        while True:
            asked = select(RunFileRow.place, RunFileRow.state, RunFileRow.line)
            asked = asked.where(*self._mine(ended, RunFileRow.place > after)).order_by(RunFileRow.place)
            with self._store.session() as session:
                rows = session.execute(asked.limit(CHUNK_ROWS)).all()
            for row in rows:
                if row.line is not None:
                    yield row.place, unpacked(row.line) | {"state": row.state}
            if len(rows) < CHUNK_ROWS:
                return
            after = rows[-1].place

    def paths(self, places: Sequence[int]) -> Iterator[str]:
        """Where the files of these places lie, in the order given."""
        for start in range(0, len(places), CHUNK_ROWS):
            chunk = list(places[start : start + CHUNK_ROWS])
            asked = select(RunFileRow.place, RunFileRow.path).where(*self._mine(RunFileRow.place.in_(chunk)))
            with self._store.session() as session:
                found = {row.place: row.path for row in session.execute(asked)}
            yield from (found[place] for place in chunk)

    def counts(self) -> dict[FileState, int]:
        """How many files stand how; all states, also those of none."""
        asked = select(RunFileRow.state, func.count()).where(*self._mine()).group_by(RunFileRow.state)
        with self._store.session() as session:
            found = {FileState(state): int(number) for state, number in session.execute(asked)}
        return {state: found.get(state, 0) for state in FileState}

    def opinions(self) -> dict[str, int]:
        """Opinion -> how many of the files that were examined."""
        ended = RunFileRow.state.in_([str(state) for state in EXAMINED])
        asked = select(RunFileRow.opinion, func.count()).where(*self._mine(ended)).group_by(RunFileRow.opinion)
        with self._store.session() as session:
            return {str(opinion): int(number) for opinion, number in session.execute(asked)}

    def errors(self) -> list[ErrorClass]:
        """Each class of error with its first file, the most frequent first; at last what cost no result."""
        failed = self._mine(RunFileRow.state == str(FileState.FAILED))
        firsts = select(RunFileRow.code, func.count(), func.min(RunFileRow.id)).where(*failed).group_by(RunFileRow.code)
        with self._store.session() as session:
            groups = [(str(code), int(number), int(first)) for code, number, first in session.execute(firsts)]
            wanted = select(RunFileRow).where(RunFileRow.id.in_([first for _, _, first in groups]))
            rows = {row.id: row for row in session.scalars(wanted)}
            fatal = [ErrorClass(code, n, rows[first].path, rows[first].message) for code, n, first in groups]
        return sorted(fatal, key=lambda one: (-one.n_files, one.code)) + self._noted()

    def failed(self, code: str) -> Iterator[RunFile]:
        """Every file of a class of error, in the order in which the walk met them."""
        after = 0
        noted = RunFileRow.state.in_([str(state) for state in EXAMINED]) & (RunFileRow.notes != NO_NOTES)
        fatal = (RunFileRow.state == str(FileState.FAILED)) & (RunFileRow.code == code)
        while True:
            asked = select(RunFileRow).where(*self._mine(fatal | noted, RunFileRow.id > after))
            with self._store.session() as session:
                found = [as_file(row) for row in session.scalars(asked.order_by(RunFileRow.id).limit(CHUNK_ROWS))]
            yield from (one for one in found if code in one.error_classes)
            if len(found) < CHUNK_ROWS:
                return
            after = found[-1].id

    def _noted(self) -> list[ErrorClass]:
        ended = RunFileRow.state.in_([str(state) for state in EXAMINED])
        asked = select(RunFileRow.notes, func.count(), func.min(RunFileRow.path))
        asked = asked.where(*self._mine(ended, RunFileRow.notes != NO_NOTES)).group_by(RunFileRow.notes)
        counted: dict[str, ErrorClass] = {}
        with self._store.session() as session:
            for notes, number, path in session.execute(asked):
                for note in notes.split(","):
                    before = counted.get(note, ErrorClass(note, 0, path, "the file has a result without it"))
                    counted[note] = ErrorClass(note, before.n_files + number, before.path, before.message)
        return sorted(counted.values(), key=lambda one: (-one.n_files, one.code))

    def _mine(self, *conditions: ColumnElement[bool]) -> tuple[ColumnElement[bool], ...]:
        return (RunFileRow.run_id == self._run, *conditions)


def as_file(row: RunFileRow, *, had_result: bool = False, was_met: bool = False) -> RunFile:
    """A row of the table as what is handed out."""
    return RunFile(
        id=row.id,
        key=row.key,
        path=row.path,
        state=FileState(row.state),
        n_tries=row.n_tries,
        sha256=row.sha256,
        versions_digest=row.versions_digest,
        code=row.code,
        message=row.message,
        notes=row.notes,
        duplicate_of=row.duplicate_of,
        had_result=had_result,
        was_met=was_met,
    )


def packed(line: Mapping[str, Any]) -> bytes:
    """A line of the results as the store keeps it."""
    return zlib.compress(json.dumps(line, allow_nan=False).encode(), 1)


def unpacked(kept: bytes) -> dict[str, Any]:
    """The opposite of `packed`."""
    line: dict[str, Any] = json.loads(zlib.decompress(kept))
    return line
