"""The files of one durable run: what was seen, how each stands, and its line of the results, each exactly once."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, func, insert, select, update
from sqlalchemy.orm import Session

from forensics.store.store import Store, storable
from forensics.store.tables import RunFileRow

CHUNK_ROWS = 500

MAX_MESSAGE = 500

NO_NOTES = ""


class FileState(StrEnum):
    """How a file of a run stands."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    UNCHANGED = "unchanged"
    DUPLICATE = "duplicate"
    CONTAINER = "container"
    GONE = "gone"


EXAMINED = (FileState.DONE, FileState.UNCHANGED, FileState.DUPLICATE)
"""Those that have an opinion."""

ENDED = (*EXAMINED, FileState.FAILED, FileState.CONTAINER)
"""Those that have a result; a container is opened, and the files in it have results of their own."""


@dataclass(frozen=True)
class Seen:
    """A file as the walk meets it, before it is opened.

    Attributes:
        key: 16 bytes that stand for where it lies.
        path: to show; hostile text.
        size_bytes, mtime_ns: of the file; None where they tell nothing, so that its hash must.
        modified_at: when it was last changed, UTC, ISO 8601; None where nothing tells.
    """

    key: bytes
    path: str
    size_bytes: int | None
    mtime_ns: int | None
    modified_at: str | None = None


@dataclass(frozen=True)
class RunFile:
    """What the store knows of a file of a run.

    Attributes:
        id, key: its number, and what stands for its place.
        path: hostile text.
        state: how it stands.
        n_tries: how often examining it has failed.
        sha256, versions_digest: of its result, if it has one; "" else.
        code, message: of its error; "" for none.
        notes: what went wrong without costing the result, parted by commas.
        duplicate_of: number of the file with the same content that was examined in its place.
        had_result: whether it had a result that stood when it was met, perhaps of an earlier content.
        was_met: whether it was met in this pass before.
    """

    id: int
    key: bytes
    path: str
    state: FileState
    n_tries: int
    sha256: str
    versions_digest: str
    code: str = ""
    message: str = ""
    notes: str = ""
    duplicate_of: int | None = None
    had_result: bool = False
    was_met: bool = False


@dataclass(frozen=True)
class Entered:
    """What became of files that the walk met.

    Attributes:
        waiting: to examine, in the order in which they were met.
        kept: numbers of those whose result stands.
    """

    waiting: tuple[RunFile, ...]
    kept: tuple[int, ...]


@dataclass(frozen=True)
class Ending:
    """How the examination of a file ended.

    Attributes:
        state: one of ENDED.
        seen: as the file was met, so that the next walk can tell a change.
        sha256, versions_digest: of its content, and of what examined it.
        line: of the results.
        duplicate_of: as in RunFile.
        notes: as in RunFile.
    """

    state: FileState
    seen: Seen
    sha256: str
    versions_digest: str
    line: Mapping[str, Any]
    duplicate_of: int | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ErrorClass:
    """Files that failed alike.

    Attributes:
        code: of a MediaError; "analyzer NAME" and the like for what cost no result.
        n_files: how many.
        path, message: of the first of them; hostile text.
    """

    code: str
    n_files: int
    path: str
    message: str


class RunFiles:
    """Those of one run.

    Args:
        store: an open one; all methods raise its StoreError.
        run: number of the run.
    """

    def __init__(self, store: Store, run: int) -> None:
        self._store = store
        self._run = run
        with store.session() as session:
            self._place = int(session.scalar(select(func.max(RunFileRow.place)).where(*self._mine())) or 0)

    def enter(
        self,
        found: Sequence[Seen],
        *,
        n_pass: int,
        versions_digest: str,
        is_new_pass: bool,
        retry_failed: bool = False,
        container: int | None = None,
    ) -> Entered:
        """Enter files that the walk has met.

        Args:
            found: at most CHUNK_ROWS, no key twice.
            n_pass: of the walk.
            versions_digest: what would examine them now; a result of other versions is no result.
            is_new_pass: results of an earlier pass become *unchanged*; those of a pass that goes on stay as they are.
            retry_failed: files that failed wait again.
            container: number of the outermost container in which they were found. A container whose result stands
                keeps the results of all files in it.
        """
        met = {one.key: one for one in found}
        with self._store.session(writes=True) as session, session.begin():
            chosen = select(RunFileRow).where(*self._mine(RunFileRow.key.in_(met)))
            rows = {row.key: row for row in session.scalars(chosen)}
            new = [one for key, one in met.items() if key not in rows]
            if new:
                session.execute(insert(RunFileRow), [self._new(one, n_pass, container) for one in new])
            before = {
                key: {"had_result": row.state in ENDED and row.line is not None, "was_met": row.n_pass == n_pass}
                for key, row in rows.items()
            }
            reopened = self._reopened(session, rows.values()) if retry_failed else set()
            after: dict[tuple[str, bool], list[int]] = {}
            for key, row in rows.items():
                change = _after(row, met[key], versions_digest, is_new_pass, retry_failed)
                if row.id in reopened:
                    change = (str(FileState.WAITING), False)
                after.setdefault(change, []).append(row.id)
            for (state, forget), numbers in after.items():
                values: dict[str, Any] = {"state": state, "n_pass": n_pass}
                values |= {"n_tries": 0} if state == FileState.WAITING and is_new_pass else {}
                values |= {"sha256": "", "line": None} if forget else {}
                session.execute(update(RunFileRow).where(RunFileRow.id.in_(numbers)).values(values))
                if state == FileState.CONTAINER:
                    self._keep_inside(session, numbers, n_pass, is_new_pass=is_new_pass)
            session.expire_all()
            known = {row.key: _file(row, **before.get(row.key, {})) for row in session.scalars(chosen)}
        files = [known[key] for key in met]
        waiting = tuple(file for file in files if file.state is FileState.WAITING)
        return Entered(waiting, tuple(file.id for file in files if file.state is not FileState.WAITING))

    def leave_out(self, n_pass: int) -> int:
        """After a whole walk: files that it did not meet are gone. Returns how many went just now."""
        missed = self._mine(RunFileRow.n_pass < n_pass, RunFileRow.state != str(FileState.GONE))
        return self._change(missed, state=str(FileState.GONE))

    def leave(self, keys: Iterable[bytes]) -> int:
        """Files of these keys are gone, and what was found in them. Returns how many went just now."""
        asked = select(RunFileRow.id).where(*self._mine(RunFileRow.key.in_(list(keys))))
        with self._store.session() as session:
            numbers = list(session.scalars(asked))
        mine = self._mine(RunFileRow.id.in_(numbers) | RunFileRow.container.in_(numbers))
        return self._change(mine, state=str(FileState.GONE))

    def failed_once(self, number: int) -> None:
        """Examining a file has failed, and is to be tried again."""
        with self._store.session(writes=True) as session, session.begin():
            more = update(RunFileRow).where(RunFileRow.id == number).values(n_tries=RunFileRow.n_tries + 1)
            session.execute(more)

    def finish(self, number: int, ending: Ending) -> None:
        """Keep the result of a file, in place of any earlier one; it is on the disk when this returns."""
        self._place += 1
        values = {
            "state": str(ending.state),
            "size_bytes": ending.seen.size_bytes,
            "mtime_ns": ending.seen.mtime_ns,
            "sha256": ending.sha256,
            "versions_digest": ending.versions_digest,
            "duplicate_of": ending.duplicate_of,
            "opinion": ending.line.get("verdict") or "",
            "code": ending.line.get("error_code") or "",
            "message": storable(ending.line.get("error") or "")[:MAX_MESSAGE],
            "notes": storable(",".join(ending.notes)),
            "place": self._place,
            "line": zlib.compress(json.dumps(ending.line, allow_nan=False).encode(), 1),
        }
        with self._store.session(writes=True, durable=True) as session, session.begin():
            session.execute(update(RunFileRow).where(RunFileRow.id == number).values(values))

    def twin(self, sha256: str, versions_digest: str, *, but: int) -> RunFile | None:
        """Another file of the same content that has a result."""
        same = self._mine(RunFileRow.sha256 == sha256, RunFileRow.versions_digest == versions_digest)
        told = RunFileRow.state.in_([str(state) for state in (*EXAMINED, FileState.FAILED)])
        asked = select(RunFileRow).where(*same, told, RunFileRow.id != but)
        # What was examined itself comes before what was found to be its copy.
        asked = asked.order_by(RunFileRow.duplicate_of.is_not(None), RunFileRow.id).limit(1)
        with self._store.session() as session:
            row = session.scalar(asked)
            return None if row is None else _file(row)

    def line(self, number: int) -> dict[str, Any]:
        """The line of the results of a file.

        Raises:
            LookupError: it has none.
        """
        with self._store.session() as session:
            packed = session.scalar(select(RunFileRow.line).where(RunFileRow.id == number))
        if packed is None:
            raise LookupError(f"the file {number} of the run has no result")
        return _unpacked(packed)

    def lines(self, numbers: Sequence[int] | None = None) -> Iterator[dict[str, Any]]:
        """The line of every file that has a result, in the order in which they ended.

        Args:
            numbers: at most CHUNK_ROWS files, and all that was found in them; None for all there are.
        """
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
                    yield _unpacked(row.line) | {"state": row.state}
            if len(rows) < CHUNK_ROWS:
                return
            after = rows[-1].place

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
                found = [_file(row) for row in session.scalars(asked.order_by(RunFileRow.id).limit(CHUNK_ROWS))]
            yield from (one for one in found if one.code == code or code in one.notes.split(","))
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

    def _change(self, chosen: tuple[ColumnElement[bool], ...], **values: Any) -> int:
        changed = update(RunFileRow).where(*chosen).values(values).returning(RunFileRow.id)
        with self._store.session(writes=True) as session, session.begin():
            return len(session.scalars(changed).all())

    def _reopened(self, session: Session, rows: Iterable[RunFileRow]) -> set[int]:
        """Containers that hold files which failed."""
        containers = [row.id for row in rows if row.state == FileState.CONTAINER]
        failed = self._mine(RunFileRow.container.in_(containers), RunFileRow.state == str(FileState.FAILED))
        return set(session.scalars(select(RunFileRow.container).where(*failed))) - {None}  # type: ignore[return-value]

    def _keep_inside(self, session: Session, containers: list[int], n_pass: int, *, is_new_pass: bool) -> None:
        inside = self._mine(RunFileRow.container.in_(containers))
        session.execute(update(RunFileRow).where(*inside).values(n_pass=n_pass))
        if is_new_pass:
            examined = RunFileRow.state.in_([str(state) for state in EXAMINED])
            session.execute(update(RunFileRow).where(*inside, examined).values(state=str(FileState.UNCHANGED)))

    def _new(self, one: Seen, n_pass: int, container: int | None) -> dict[str, Any]:
        empty = dict.fromkeys(("sha256", "versions_digest", "opinion", "code", "message", "notes"), "")
        return empty | {
            "run_id": self._run,
            "key": one.key,
            "path": storable(one.path),
            "container": container,
            "n_pass": n_pass,
            "state": str(FileState.WAITING),
            "n_tries": 0,
        }


def _after(row: RunFileRow, met: Seen, versions: str, is_new_pass: bool, retry_failed: bool) -> tuple[str, bool]:
    """The state of a file that was met again, and whether what is known of it is forgotten."""
    is_same = met.mtime_ns is not None and (row.size_bytes, row.mtime_ns) == (met.size_bytes, met.mtime_ns)
    is_failed = row.state == FileState.FAILED
    if row.state in ENDED and is_same and row.versions_digest == versions and not (is_failed and retry_failed):
        return str(FileState.UNCHANGED if is_new_pass and row.state in EXAMINED else row.state), False
    return str(FileState.WAITING), is_failed


def _file(row: RunFileRow, *, had_result: bool = False, was_met: bool = False) -> RunFile:
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


def _unpacked(packed: bytes) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(zlib.decompress(packed))
    return line
