"""The files of one durable run: what was seen, how each stands, and its line of the results, each exactly once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, bindparam, func, insert, select, update
from sqlalchemy.orm import Session, aliased

from forensics.store.run_results import RunResults, as_file, packed, unpacked
from forensics.store.run_words import CHUNK_ROWS, ENDED, EXAMINED, Ending, Entered, FileState, RunFile, Seen
from forensics.store.store import Store, storable
from forensics.store.tables import RunFileRow

MAX_MESSAGE = 500

_FINISHED = update(RunFileRow).where(RunFileRow.id == bindparam("number"))
"""Followed for every file; what is set is given then."""


class RunFiles(RunResults):
    """Those of one run, to enter them and to keep what became of them.

    Args:
        store: an open one; all methods raise its StoreError.
        run: number of the run.
    """

    def __init__(self, store: Store, run: int) -> None:
        super().__init__(store, run)
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
            known = {row.key: as_file(row, **before.get(row.key, {})) for row in session.scalars(chosen)}
        files = [known[key] for key in met]
        waiting = tuple(file for file in files if file.state is FileState.WAITING)
        return Entered(waiting, tuple(file.id for file in files if file.state is not FileState.WAITING))

    def keep(self, n_pass: int, is_hidden: Callable[[str], bool]) -> set[bytes]:
        """Files that a walk could not meet stay as they are, as if it had met them.

        Args:
            n_pass: of the walk.
            is_hidden: tells them by their paths.

        Returns:
            Their keys.
        """
        kept: set[bytes] = set()
        after = 0
        while True:
            there = self._mine(RunFileRow.state != str(FileState.GONE), RunFileRow.id > after)
            asked = select(RunFileRow.id, RunFileRow.key, RunFileRow.path).where(*there).order_by(RunFileRow.id)
            with self._store.session() as session:
                rows = session.execute(asked.limit(CHUNK_ROWS)).all()
            if hidden := [row for row in rows if is_hidden(row.path)]:
                self._change(self._mine(RunFileRow.id.in_([row.id for row in hidden])), n_pass=n_pass)
                kept |= {row.key for row in hidden}
            if len(rows) < CHUNK_ROWS:
                return kept
            after = rows[-1].id

    def leave_out(self, n_pass: int) -> int:
        """After a whole walk: files that it did not meet are gone. Returns how many went just now."""
        missed = self._mine(RunFileRow.n_pass < n_pass, RunFileRow.state != str(FileState.GONE))
        return self._change(missed, state=str(FileState.GONE))

    def leave(self, keys: Iterable[bytes]) -> int:
        """Files of these keys are gone, and what was found in them. Returns how many went just now."""
        waiting, n_gone = iter(keys), 0
        while chunk := list(islice(waiting, CHUNK_ROWS)):
            asked = select(RunFileRow.id).where(*self._mine(RunFileRow.key.in_(chunk)))
            with self._store.session() as session:
                numbers = list(session.scalars(asked))
            if numbers:
                mine = self._mine(RunFileRow.id.in_(numbers) | RunFileRow.container.in_(numbers))
                n_gone += self._change(mine, state=str(FileState.GONE))
        return n_gone

    def leave_missing(self, file: RunFile, n_pass: int, is_missing: Callable[[str], bool]) -> int:
        """A file is gone, if the walk has not met it so far and nothing lies where it, or what holds it, lay.

        Args:
            file: of this run.
            n_pass: of the walk under way.
            is_missing: tells it by a path.

        Returns:
            How many files went by that: with a container all that was found in it.
        """
        with self._store.session() as session:
            row = session.get_one(RunFileRow, file.id)
            place = row if row.container is None else session.get_one(RunFileRow, row.container)
            if place.n_pass >= n_pass or not is_missing(place.path):
                return 0
            number = place.id
        mine = self._mine((RunFileRow.id == number) | (RunFileRow.container == number), RunFileRow.n_pass < n_pass)
        return self._change(mine, state=str(FileState.GONE))

    def promote_copies(self, state: FileState) -> int:
        """Of copies whose original is gone, or holds something else by now, the first becomes the original.

        Args:
            state: of a *duplicate* that is none any more.

        Returns:
            How many lines of the results are others by that.
        """
        original = aliased(RunFileRow)
        is_lost = (original.state == str(FileState.GONE)) | (original.sha256 != RunFileRow.sha256)
        ended = RunFileRow.state.in_([str(one) for one in ENDED])
        asked = select(RunFileRow.id, RunFileRow.duplicate_of).join(original, original.id == RunFileRow.duplicate_of)
        asked = asked.where(*self._mine(ended, is_lost)).order_by(RunFileRow.duplicate_of, RunFileRow.id)
        with self._store.session() as session:
            copies = [(int(number), int(of or 0)) for number, of in session.execute(asked)]
        # Later copies first, so that the earliest of each original stays.
        firsts = {of: number for number, of in reversed(copies)}
        for start in range(0, len(copies), CHUNK_ROWS):
            chunk = dict(copies[start : start + CHUNK_ROWS])
            with self._store.session(writes=True, durable=True) as session, session.begin():
                wanted = {*chunk, *(firsts[of] for of in chunk.values())}
                rows = {row.id: row for row in session.scalars(select(RunFileRow).where(RunFileRow.id.in_(wanted)))}
                for number, of in chunk.items():
                    row, first = rows[number], rows[firsts[of]]
                    is_first = row is first
                    if is_first and row.state == FileState.DUPLICATE:
                        row.state = str(state)
                    row.duplicate_of = None if is_first else first.id
                    assert row.line is not None
                    told = {"state": row.state, "duplicate_of": None if is_first else first.path}
                    row.line = packed(unpacked(row.line) | told)
        return len(copies)

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
            "line": packed(ending.line),
        }
        with self._store.session(writes=True, durable=True) as session, session.begin():
            session.connection().execute(_FINISHED, {"number": number, **values})

    def _change(self, chosen: tuple[ColumnElement[bool], ...], **values: Any) -> int:
        changed = update(RunFileRow).where(*chosen).values(values)
        with self._store.session(writes=True) as session, session.begin():
            return int(session.connection().execute(changed).rowcount)

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
