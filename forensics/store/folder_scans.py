"""Scans of folders that run on their own: who started them, how far they are, and whether they shall stop.

The running process writes here and reads here, so that any number of browsers, or none, may follow it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import select, update

from forensics.store.audit import Chain
from forensics.store.store import Store, storable
from forensics.store.tables import FolderScanRow

LOST_S = 60.0
"""A running scan gives a sign every other second; one that was silent for so long is gone."""

MAX_MESSAGE = 500


class Progress(StrEnum):
    """Where a scan of a folder stands."""

    STARTING = "starting"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"
    LOST = "lost"

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self not in (Progress.STARTING, Progress.RUNNING)


@dataclass(frozen=True)
class FolderScan:
    """One scan of a folder.

    Attributes:
        id: its number.
        folder: hostile text, as paths are.
        started_by, started_at, ended_at: by whom and when, UTC; not ended None.
        state: where it stands; lost when its process gave no sign for LOST_S.
        is_stop_wanted: somebody asked it to stop.
        beat_s: its last sign, seconds since 1970.
        n_files: to examine; None while they are counted.
        n_done, n_failed, n_likely: examined, among them not readable, and at least *likely*.
        message: why it failed; "" else.
    """

    id: int
    folder: str
    started_by: str
    started_at: str
    ended_at: str | None
    state: Progress
    is_stop_wanted: bool
    beat_s: float
    n_files: int | None
    n_done: int
    n_failed: int
    n_likely: int
    message: str


class FolderScans:
    """Those of a store.

    Args:
        store: an open one; all methods raise its StoreError.
        clock: seconds since 1970.
    """

    def __init__(self, store: Store, *, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock

    def begin(self, folder: str, *, actor: str) -> FolderScan:
        """Enter a new one, and the start in the audit log."""
        with self._store.session(writes=True) as session, session.begin():
            Chain(session).append(actor, "scan folder", folder)
            row = FolderScanRow(
                folder=storable(folder),
                started_by=storable(actor),
                started_at=_now(),
                ended_at=None,
                state=str(Progress.STARTING),
                is_stop_wanted=False,
                beat_s=self._clock(),
                n_files=None,
                n_done=0,
                n_failed=0,
                n_likely=0,
                message="",
            )
            session.add(row)
            session.flush()
            return self._scan(row)

    def get(self, number: int) -> FolderScan:
        """One of them.

        Raises:
            LookupError: there is none of this number.
        """
        with self._store.session() as session:
            row = session.get(FolderScanRow, number)
            if row is None:
                raise LookupError(f"there is no scan of a folder {number}")
            return self._scan(row)

    def newest(self, limit: int = 10) -> list[FolderScan]:
        """The last ones, newest first."""
        wanted = select(FolderScanRow).order_by(FolderScanRow.id.desc()).limit(limit)
        with self._store.session() as session:
            return [self._scan(row) for row in session.scalars(wanted)]

    def report(
        self,
        number: int,
        counts: Mapping[str, int] | None = None,
        *,
        state: Progress = Progress.RUNNING,
        message: str = "",
    ) -> bool:
        """Write how far it is; each report is a sign of life.

        Args:
            number: of the scan.
            counts: n_files, n_done, n_failed, n_likely; those not named stay as they are.
            state: where it stands.
            message: why it failed.

        Returns:
            Whether it shall stop.
        """
        values: dict[str, object] = {**(counts or {}), "state": str(state), "beat_s": self._clock()}
        values["message"] = storable(message)[:MAX_MESSAGE]
        if state.is_over:
            values["ended_at"] = _now()
        changed = update(FolderScanRow).where(FolderScanRow.id == number).values(values)
        with self._store.session(writes=True) as session, session.begin():
            return bool(session.scalar(changed.returning(FolderScanRow.is_stop_wanted)))

    def stop(self, number: int, *, actor: str) -> None:
        """Ask it to stop, which takes some seconds; what was examined stays."""
        with self._store.session(writes=True) as session, session.begin():
            chain = Chain(session)
            row = session.get(FolderScanRow, number)
            if row is not None and not self._scan(row).state.is_over and not row.is_stop_wanted:
                row.is_stop_wanted = True
                chain.append(actor, "stop scan of folder", row.folder)

    def _scan(self, row: FolderScanRow) -> FolderScan:
        given = {item.name: getattr(row, item.name) for item in fields(FolderScan)}
        found = FolderScan(**{**given, "state": Progress(row.state)})
        is_silent = self._clock() - found.beat_s > LOST_S
        return replace(found, state=Progress.LOST) if is_silent and not found.state.is_over else found


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
