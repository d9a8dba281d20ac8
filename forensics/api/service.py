"""What a server does, without HTTP: takes files in for a tenant, tells how they stand, hands out reports."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO, TypeVar

from filelock import FileLock, Timeout

from forensics import __version__, installed
from forensics.api.configuration import Configuration
from forensics.api.examining import Examining
from forensics.api.intake import Upload, Uploads, files_below
from forensics.api.keys import Key
from forensics.api.problems import Refusal, busy
from forensics.api.shapes import Batch, Readiness, Scan, scan_shape
from forensics.api.telling import Figures, tell
from forensics.hostile_text import one_line
from forensics.inputs import displayable
from forensics.store import Store
from forensics.store.opening import HEAD
from forensics.store.submission_words import Submission, SubmissionState
from forensics.store.submissions import Submissions
from forensics.versions import decisive
from generators.whole_files import write_whole

T = TypeVar("T")

FULL_S, ASK_AGAIN_S = 60, 2
"""Seconds to wait when too much waits already, and before asking again for a report that is not done."""

MAX_NAME = 300


class Service:
    """One server, from start to stop.

    Args:
        configuration: of the server.
        store: an open one.

    Raises:
        RuntimeError: another server works in the folder.
        OSError: the folder cannot be written.
    """

    def __init__(self, configuration: Configuration, store: Store) -> None:
        self.configuration = configuration
        self.figures = Figures()
        self._store = store
        configuration.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = FileLock(configuration.folder / "lock")
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise RuntimeError(
                f"another server works in {configuration.folder}: give this one another --folder"
            ) from None
        limits = configuration.settings.limits
        self._uploads = Uploads(configuration.folder / "uploads", max_bytes=limits.max_bytes)
        self._submissions = Submissions(
            store, _server(configuration.folder), keep_s=configuration.keep_s, clock=configuration.now
        )
        self._examining = Examining(
            self._submissions,
            self._uploads,
            configuration.allowed,
            configuration.settings,
            n_lanes=configuration.n_lanes,
            towers=configuration.towers,
            language_code=configuration.language_code,
            tell=self._hear,
            build=configuration.build,
        )
        self._versions: dict[str, str] | None = None
        self._versions_lock = threading.Lock()

    def start(self) -> None:
        """Go on with what waits."""
        self._examining.start()

    def stop(self) -> None:
        """Take up nothing more; what is not done by then waits for the next start."""
        self._examining.stop(self.configuration.stop_s)
        self._lock.release()

    def submit(self, key: Key, files: Sequence[tuple[str, BinaryIO]], *, together: bool) -> tuple[str, list[str]]:
        """Take in what was sent; all of it, or nothing.

        Args:
            key: of whoever sent it.
            files: name, which is hostile, and bytes of each.
            together: as a batch.

        Returns:
            The key of the batch, "" without one, and those of the files.

        Raises:
            Refusal: there is too much of it, or the disk is full.
        """
        self._check_room(key, len(files))
        uploads: list[Upload] = []
        is_kept = False
        try:
            for _, source in files:
                uploads.append(self._uploads.add(source))
            batch = _new_id() if together else ""
            accepted = [
                Submission(
                    key=_new_id(),
                    tenant=key.tenant,
                    submitted_by=key.name,
                    name=one_line(name, MAX_NAME) or "unnamed file",
                    batch=batch,
                    upload=upload.name,
                    sha256=upload.sha256,
                    size_bytes=upload.size_bytes,
                )
                for (name, _), upload in zip(files, uploads, strict=True)
            ]
            self._accept(accepted)
            is_kept = True
        except OSError:
            raise busy("the server cannot keep files now: its disk or its store does not work", FULL_S) from None
        finally:
            for upload in () if is_kept else uploads:
                self._uploads.remove(upload.name)
        return batch, [one.key for one in accepted]

    def submit_paths(self, key: Key, paths: Sequence[str]) -> tuple[str, list[str]]:
        """Take in files that lie here, as a batch.

        Returns:
            As `submit`.

        Raises:
            Refusal: a path may not be named or names nothing, or there is too much.
        """
        found = files_below(paths, key.tenant, self.configuration.allowed, n_most=self.configuration.max_files)
        self._check_room(key, len(found))
        batch = _new_id()
        accepted = [_at_path(key, path, batch) for path in found]
        self._accept(accepted)
        return batch, [one.key for one in accepted]

    def scan(self, key: Key, number: str) -> Scan:
        """How a file stands.

        Raises:
            Refusal: the tenant has none.
        """
        return self._shape(_found(lambda: self._submissions.get(key.tenant, number)))

    def batch(self, key: Key, number: str) -> Batch:
        """How a batch stands.

        Raises:
            Refusal: the tenant has none.
        """
        found = _found(lambda: self._submissions.batch(key.tenant, number))
        return Batch(id=number, is_over=all(one.state.is_over for one in found), scans=[self._shape(o) for o in found])

    def history(self, key: Key, sha256: str, before: str, limit: int) -> list[Scan]:
        """What the tenant has submitted, newest first.

        Raises:
            Refusal: `before` is none of the tenant.
        """
        found = _found(lambda: self._submissions.newest(key.tenant, sha256=sha256, before=before, limit=limit))
        return [self._shape(one) for one in found]

    def report(self, key: Key, number: str, form: str) -> tuple[str, bytes]:
        """A report, and the name of a file for it.

        Raises:
            Refusal: the tenant has none, it is not done, or it failed.
        """
        one = _found(lambda: self._submissions.get(key.tenant, number))
        if not one.state.is_over:
            raise Refusal(409, "not-done", "the examination is not over yet", {"Retry-After": str(ASK_AGAIN_S)})
        if one.state is SubmissionState.FAILED:
            raise Refusal(404, "no-report", f"the file could not be examined: {one.message}")
        one, page = _found(lambda: self._submissions.page(key.tenant, number, form, actor=key.name))
        return f"{one.sha256[:16]}.{form}", page

    def readiness(self, key: Key | None) -> Readiness | None:
        """With what files are examined; None when no worker is ready.

        Raises:
            StoreError: the store cannot be read.
        """
        self._submissions.counts("")
        if not self._examining.is_ready:
            return None
        if key is None:
            return Readiness(status="ready", versions={}, store={})
        kind = "postgresql" if self._store.is_postgresql else "sqlite"
        return Readiness(status="ready", versions=self._all_versions(), store={"kind": kind, "version": HEAD})

    def metrics(self) -> str:
        """Figures in the text format of Prometheus."""
        states = {str(state): float(n) for state, n in self._submissions.counts().items()}
        return self.figures.text({"scans": states, "ready": {"": float(self._examining.is_ready)}})

    def _accept(self, accepted: Sequence[Submission]) -> None:
        self._submissions.add(accepted)
        self.figures.add("submitted", len(accepted))
        self._examining.wake(len(accepted))

    def _check_room(self, key: Key, n_files: int) -> None:
        waiting = self._submissions.counts(key.tenant)[SubmissionState.WAITING]
        if waiting + n_files > self.configuration.max_waiting:
            raise busy(f"{waiting:,} files wait already", FULL_S)

    def _shape(self, one: Submission) -> Scan:
        return scan_shape(one, self._examining.stage(one.key))

    def _hear(self, event: str, told: dict[str, object]) -> None:
        self.figures.add("examined", outcome=str(told.get("opinion", told.get("code", event))))
        tell(event, told)

    def _all_versions(self) -> dict[str, str]:
        with self._versions_lock:
            if self._versions is None:
                models = installed.models(self.configuration.settings.models)
                found = {f"{m.kind} {m.name}": m.card.version for m in models if m.card is not None}
                self._versions = {"unforged": __version__, **found}
        return decisive(self.configuration.settings) | self._versions


def _at_path(key: Key, path: Path, batch: str) -> Submission:
    shown = displayable(str(path))
    if shown != str(path):
        raise Refusal(422, "invalid", f"the name of {one_line(shown, MAX_NAME)!r} is no UTF-8: send the file instead")
    return Submission(_new_id(), key.tenant, key.name, one_line(path.name, MAX_NAME), batch, str(path))


def _found(ask: Callable[[], T]) -> T:
    try:
        return ask()
    except LookupError as error:
        raise Refusal(404, "not-found", str(error)) from None


def _new_id() -> str:
    return secrets.token_urlsafe(16)


def _server(folder: Path) -> str:
    """The name by which the store knows this folder."""
    path = folder / "server"
    if not path.exists():
        write_whole(path, secrets.token_hex(8).encode())
    return path.read_text(encoding="ascii").strip()
