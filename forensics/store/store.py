"""Keeps reports and finds them again. Only one process of a scan writes: the parent."""

from __future__ import annotations

import json
import os
import zlib
from array import array
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

import numpy as np
from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from detectors.hash_index import HashIndex
from detectors.perceptual_hash import MAX_DISTANCE_BITS
from forensics.report import ScanReport
from forensics.settings import ScanSettings
from forensics.store.filters import ScanFilter
from forensics.store.opening import lock, open_engine, store_error
from forensics.store.tables import Body, Flag, Hash, Scan
from forensics.versions import digest

_SAME = tuple(getattr(Scan, name) == bindparam(name) for name in ("sha256", "settings_digest", "versions_digest"))
_KNOWN = select(Scan).where(*_SAME)
_REPLACED = delete(Scan).where(*_SAME).execution_options(synchronize_session=False)
_ADDED = insert(Scan).returning(Scan.id)
_PARTS = {kind: insert(kind) for kind in (Body, Flag, Hash)}
_NEW_HASHES = select(Hash.id, Hash.pdq).where(Hash.id > bindparam("newest")).order_by(Hash.id)
"""Statements of every single file: to make one takes longer than to follow it."""

MAX_REPORT_BYTES = 256 << 20
"""A stored report is unpacked no further: a damaged or planted store must not fill the memory."""


@dataclass(frozen=True)
class ScanRow:
    """One line of history.

    Attributes:
        id: number of the scan in this store.
        sha256, path, filename, kind, format, size_bytes: of the file; path and filename are hostile text.
        opinion, probability, llr: of the verdict.
        scanned_at: UTC, ISO 8601.
        elapsed_s: how long it took.
        folder: where the file lay, absolute if the scan knew; "" for standard input and uploads. Hostile text.
    """

    id: int
    sha256: str
    path: str
    filename: str
    kind: str
    format: str
    size_bytes: int
    opinion: str
    probability: float
    llr: float
    scanned_at: str
    elapsed_s: float
    folder: str = ""

    @property
    def location(self) -> Path | None:
        """Where the file lay; whether it still does, and unchanged, its hash must tell."""
        return Path(self.folder) / Path(self.path).name if self.folder else None


@dataclass(frozen=True)
class NearMatch:
    """A picture that looks like another one.

    Attributes:
        scan: where it was seen.
        frame: which of the sampled frames, 0 for images.
        distance_bits: 0..256.
    """

    scan: ScanRow
    frame: int
    distance_bits: int


def default_url() -> str:
    """A SQLite file in the user's data folder ($XDG_DATA_HOME, else ~/.local/share)."""
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return f"sqlite:///{Path(base).absolute() / 'unforged' / 'scans.db'}"


class Store:
    """An open store. A context manager; tables are made or migrated when it opens.

    Args:
        url: SQLAlchemy URL; the user's own SQLite file if None.

    Raises:
        ValueError: no usable URL, or a store of a newer version.
        ImportError: the database driver is not installed.
        StoreError: the database cannot be reached, read or written; so do all methods.
    """

    def __init__(self, url: str | None = None) -> None:
        self._engine = open_engine(url or default_url())
        self._writer = self._engine.execution_options(writes=True)
        self._durable = self._engine.execution_options(writes=True, durable=True)
        # Hashes of all scans, for `near`, with their numbers in the same order; extended by what was added since.
        self._hashes = HashIndex()
        self._hash_ids = array("q")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def is_postgresql(self) -> bool:
        """Whether a server keeps it, not a file."""
        return self._engine.dialect.name == "postgresql"

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def save(self, report: ScanReport, *, elapsed_s: float, folder: str | None = None) -> int:
        """Keep a report; one of the same file, settings and versions is replaced.

        Args:
            report: of a scan.
            elapsed_s: how long it took.
            folder: where the file lies; None takes it from the path of the report.

        Returns:
            Its number.
        """
        body = zlib.compress(json.dumps(report.to_dict(), allow_nan=False).encode(), 6)
        flags: dict[str, float] = {}
        for finding in report.findings:
            if finding.llr is not None and finding.llr > 0:
                flags[finding.analyzer] = max(finding.llr, flags.get(finding.analyzer, 0.0))
        same = _identity(report.sha256, report.settings, report.versions)
        scan = same | {
            "path": storable(report.path),
            "folder": storable(folder_of(report.path) if folder is None else folder),
            "filename": storable(report.filename),
            "kind": str(report.kind),
            "format": report.format,
            "size_bytes": report.size_bytes,
            "opinion": str(report.verdict.opinion),
            "probability": report.verdict.probability,
            "llr": report.verdict.llr,
            "scanned_at": report.scanned_at,
            "elapsed_s": elapsed_s,
        }
        with self.session(writes=True) as session, session.begin():
            connection = session.connection()
            # Two scans of one file at the same time: the later one replaces the earlier, neither fails.
            lock(connection, " ".join(same.values()))
            session.execute(_REPLACED, same)
            number = int(connection.execute(_ADDED, scan).scalar_one())
            parts: dict[Any, list[dict[str, Any]]] = {
                Body: [{"report": body}],
                Flag: [{"analyzer": name, "llr": llr} for name, llr in flags.items()],
                Hash: [{"frame": frame, "pdq": bytes.fromhex(text)} for frame, text in enumerate(report.pdq)],
            }
            for kind, rows in parts.items():
                if rows:
                    connection.execute(_PARTS[kind], [{"scan_id": number, **row} for row in rows])
            return number

    def known(self, sha256: str, settings: ScanSettings, versions: Mapping[str, str]) -> ScanRow | None:
        """The scan of this very file with these settings and versions, if there was one."""
        with self.session() as session:
            found = session.scalar(_KNOWN, _identity(sha256, settings, versions))
            return None if found is None else as_row(found)

    def row(self, number: int) -> ScanRow:
        """The line of a scan.

        Raises:
            LookupError: no scan has this number.
        """
        with self.session() as session:
            found = session.get(Scan, number)
            if found is None:
                raise LookupError(f"the store holds no scan {number}")
            return as_row(found)

    def report(self, number: int) -> ScanReport:
        """The whole report of a scan.

        Raises:
            LookupError: no scan has this number.
            ValueError: it cannot be read.
        """
        with self.session() as session:
            packed = session.scalar(select(Body.report).where(Body.scan_id == number))
        if packed is None:
            raise LookupError(f"the store holds no scan {number}")
        unpacking = zlib.decompressobj()
        try:
            plain = unpacking.decompress(packed, MAX_REPORT_BYTES)
        except zlib.error as error:
            raise ValueError(f"the stored report {number} is damaged: {error}") from None
        if not unpacking.eof:
            raise ValueError(f"the stored report {number} is cut off or larger than {MAX_REPORT_BYTES >> 20} MiB")
        return ScanReport.from_dict(json.loads(plain))

    def find(
        self,
        *,
        sha256: str | None = None,
        name: str | None = None,
        opinion: str | None = None,
        analyzer: str | None = None,
        since: str | None = None,
        until: str | None = None,
        limit: int = 20,
    ) -> list[ScanRow]:
        """Scans that fit every condition given, newest first.

        Args:
            sha256: how the hash begins.
            name: part of the file name, upper and lower case alike.
            opinion: one of the ladder, or how it begins: "likely".
            analyzer: one that spoke for manipulation or synthesis.
            since, until: ISO 8601 date or time in UTC; until is not included.
            limit: how many at most.
        """
        looked_for = ScanFilter(sha256=sha256, name=name, opinion=opinion, analyzer=analyzer, since=since, until=until)
        wanted = select(Scan).where(*looked_for.conditions()).order_by(Scan.id.desc()).limit(limit)
        with self.session() as session:
            return [as_row(scan) for scan in session.scalars(wanted)]

    def near(self, pdq: str, *, max_distance_bits: int = MAX_DISTANCE_BITS, limit: int = 50) -> list[NearMatch]:
        """Pictures that look like this one, closest first, every one there is within the distance.

        Args:
            pdq: 64 hex digits.
            max_distance_bits: 0..256.
            limit: how many at most.
        """
        self._read_new_hashes()
        places, bits = self._hashes.close(pdq, max_distance_bits)
        nearest = np.argsort(bits, kind="stable")[:limit]
        by_id = {self._hash_ids[places[i]]: int(bits[i]) for i in nearest}
        if not by_id:
            return []
        wanted = select(Scan, Hash.id, Hash.frame).join(Hash).where(Hash.id.in_(by_id))
        with self.session() as session:
            found = [NearMatch(as_row(scan), frame, by_id[number]) for scan, number, frame in session.execute(wanted)]
        return sorted(found, key=lambda match: (match.distance_bits, match.scan.id, match.frame))

    @contextmanager
    def session(self, *, writes: bool = False, durable: bool = False) -> Iterator[Session]:
        """A session of the database, for what builds on the store.

        Args:
            writes: whether it will write: a transaction that says so too late may lose against another.
            durable: it writes what must outlive a power cut; a server sees to that itself.
        """
        engine = self._durable if durable else self._writer if writes else self._engine
        try:
            with Session(engine) as session:
                yield session
        except SQLAlchemyError as error:
            raise store_error(error) from None

    def _read_new_hashes(self) -> None:
        newest = self._hash_ids[-1] if self._hash_ids else 0
        with self.session() as session:
            rows = session.execute(_NEW_HASHES, {"newest": newest}).all()
        if rows:
            self._hashes.add(np.frombuffer(b"".join(row.pdq for row in rows), np.uint8).reshape(-1, 32))
            self._hash_ids.extend(row.id for row in rows)


def storable(text: str) -> str:
    """Text any database takes: bytes of a file name that are no UTF-8, and NUL, become escapes."""
    escaped = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return escaped.replace("\0", "\\x00")


def folder_of(path: str) -> str:
    """What stands before the last slash; "" where there is none."""
    return path.rpartition("/")[0].rstrip("/")


def _identity(sha256: str, settings: ScanSettings, versions: Mapping[str, str]) -> dict[str, str]:
    """What no two scans have in common; for the statements above."""
    return {"sha256": sha256, "settings_digest": settings.digest, "versions_digest": digest(versions)}


def as_row(scan: Scan) -> ScanRow:
    """A row of the table as what is handed out."""
    return ScanRow(**{item.name: getattr(scan, item.name) for item in fields(ScanRow)})
