"""The tables of the store. A change here comes with a migration in `forensics/migrations`."""

from __future__ import annotations

from typing import ClassVar

from sqlalchemy import BigInteger, Double, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    """Root of the tables."""

    type_annotation_map: ClassVar = {float: Double}


class Scan(Base):
    """One examined file under one state of settings and versions; small columns only, so that history stays fast."""

    __tablename__ = "scans"

    id: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64))
    settings_digest: Mapped[str] = mapped_column(String(16))
    versions_digest: Mapped[str] = mapped_column(String(16))
    path: Mapped[str]
    folder: Mapped[str] = mapped_column(server_default="")
    filename: Mapped[str]
    kind: Mapped[str] = mapped_column(String(8))
    format: Mapped[str] = mapped_column(String(8))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    opinion: Mapped[str] = mapped_column(String(24))
    probability: Mapped[float]
    llr: Mapped[float]
    scanned_at: Mapped[str] = mapped_column(String(32))
    elapsed_s: Mapped[float]

    body: Mapped[Body] = relationship(cascade="all, delete-orphan", passive_deletes=True)
    flags: Mapped[list[Flag]] = relationship(cascade="all, delete-orphan", passive_deletes=True)
    hashes: Mapped[list[Hash]] = relationship(cascade="all, delete-orphan", passive_deletes=True)

    __table_args__ = (
        UniqueConstraint("sha256", "settings_digest", "versions_digest", name="scans_once"),
        Index("scans_opinion", "opinion", "id"),
        Index("scans_time", "scanned_at"),
        Index("scans_filename", "filename"),
        Index("scans_llr", "llr", "id"),
        Index("scans_opinion_llr", "opinion", "llr", "id"),
        Index("scans_folder", "folder", "opinion"),
        Index("scans_size", "size_bytes", "id"),
    )


class Body(Base):
    """The whole report of a scan, as zlib-compressed JSON."""

    __tablename__ = "bodies"

    scan_id: Mapped[int] = mapped_column(ForeignKey("scans.id", ondelete="CASCADE"), primary_key=True)
    report: Mapped[bytes] = mapped_column(LargeBinary)


class Flag(Base):
    """An analyzer that spoke for manipulation or synthesis in a scan, with its strongest ratio."""

    __tablename__ = "flags"

    scan_id: Mapped[int] = mapped_column(ForeignKey("scans.id", ondelete="CASCADE"), primary_key=True)
    analyzer: Mapped[str] = mapped_column(String(64), primary_key=True)
    llr: Mapped[float]

    __table_args__ = (Index("flags_analyzer", "analyzer", "scan_id"),)


class Hash(Base):
    """A perceptual hash (PDQ) of an image or of one sampled frame."""

    __tablename__ = "hashes"

    id: Mapped[int] = mapped_column(primary_key=True)
    scan_id: Mapped[int] = mapped_column(ForeignKey("scans.id", ondelete="CASCADE"))
    frame: Mapped[int]
    pdq: Mapped[bytes] = mapped_column(LargeBinary(32))

    __table_args__ = (Index("hashes_scan", "scan_id"),)


class QueueRow(Base):
    """One file that awaits, or got, the decision of a person; one row a file, however often it was scanned."""

    __tablename__ = "queue"

    id: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64))
    path: Mapped[str]
    filename: Mapped[str]
    kind: Mapped[str] = mapped_column(String(8))
    opinion: Mapped[str] = mapped_column(String(24))
    weight: Mapped[float]
    state: Mapped[str] = mapped_column(String(16))
    holder: Mapped[str | None]
    held_until_s: Mapped[float | None]
    acted_at: Mapped[str] = mapped_column(String(32))
    acted_by: Mapped[str]
    reason: Mapped[str]
    claim: Mapped[str] = mapped_column(String(16))
    entry: Mapped[int]

    __table_args__ = (
        UniqueConstraint("sha256", name="queue_once"),
        Index("queue_order", "state", "weight", "id"),
        Index("queue_holder", "holder"),
        Index("queue_acted", "acted_at"),
    )


class AuditRow(Base):
    """One entry of the audit log. Triggers of the database refuse to change or remove it; `previous` is unique, so that
    the chain cannot fork."""

    __tablename__ = "audit"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[str] = mapped_column(String(32))
    actor: Mapped[str]
    action: Mapped[str] = mapped_column(String(32))
    subject: Mapped[str]
    details: Mapped[str] = mapped_column(Text)
    previous: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))

    __table_args__ = (UniqueConstraint("previous", name="audit_no_fork"), Index("audit_subject", "subject", "number"))


class RunRow(Base):
    """One durable run: what it examines, and which process works on it."""

    __tablename__ = "runs"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    plan: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16))
    n_pass: Mapped[int]
    started_at: Mapped[str] = mapped_column(String(32))
    ended_at: Mapped[str | None] = mapped_column(String(32))
    host: Mapped[str]
    process: Mapped[str]
    beat_s: Mapped[float]
    message: Mapped[str]
    stop_wanted_by: Mapped[str] = mapped_column(server_default="")

    __table_args__ = (UniqueConstraint("name", name="runs_name"),)


class RunFileRow(Base):
    """One file of a run. `line` is its line of the results, zlib-compressed: what lies in the output folder can be
    written again from here. `key` stands for the path, which may be longer than what an index takes; `container` is the
    number of the outermost container of a file that was found in one."""

    __tablename__ = "run_files"

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"))
    key: Mapped[bytes] = mapped_column(LargeBinary(16))
    path: Mapped[str]
    container: Mapped[int | None]
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    mtime_ns: Mapped[int | None] = mapped_column(BigInteger)
    n_pass: Mapped[int]
    state: Mapped[str] = mapped_column(String(16))
    n_tries: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    versions_digest: Mapped[str] = mapped_column(String(16))
    duplicate_of: Mapped[int | None]
    opinion: Mapped[str] = mapped_column(String(24))
    code: Mapped[str] = mapped_column(String(32))
    message: Mapped[str]
    notes: Mapped[str]
    place: Mapped[int | None]
    line: Mapped[bytes | None] = mapped_column(LargeBinary)

    __table_args__ = (
        UniqueConstraint("run_id", "key", name="run_files_once"),
        Index("run_files_state", "run_id", "state", "opinion"),
        Index("run_files_container", "run_id", "container"),
        Index("run_files_sha256", "run_id", "sha256", "versions_digest", "state"),
        Index("run_files_place", "run_id", "place"),
    )


class SubmissionRow(Base):
    """One file that was submitted over HTTP. It belongs to a tenant, and waits at the server that took it in; `upload`
    names its copy there, `path` a file that lies where an operator allowed it."""

    __tablename__ = "submissions"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(32))
    tenant: Mapped[str] = mapped_column(String(64))
    batch: Mapped[str] = mapped_column(String(32))
    server: Mapped[str] = mapped_column(String(32))
    name: Mapped[str]
    path: Mapped[str]
    upload: Mapped[str] = mapped_column(String(32))
    sha256: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(16))
    n_tries: Mapped[int]
    code: Mapped[str] = mapped_column(String(32))
    message: Mapped[str]
    digest: Mapped[str] = mapped_column(String(32))
    opinion: Mapped[str] = mapped_column(String(24))
    probability: Mapped[float | None]
    llr: Mapped[float | None]
    submitted_by: Mapped[str] = mapped_column(String(64))
    submitted_at: Mapped[str] = mapped_column(String(32))
    ended_at: Mapped[str] = mapped_column(String(32))
    elapsed_s: Mapped[float]
    expires_s: Mapped[float | None]

    __table_args__ = (
        UniqueConstraint("key", name="submissions_key"),
        Index("submissions_tenant", "tenant", "id"),
        Index("submissions_batch", "batch"),
        Index("submissions_state", "server", "state", "tenant", "id"),
        Index("submissions_sha256", "sha256"),
        Index("submissions_expires", "expires_s"),
    )


class SubmissionPage(Base):
    """The report of a submission in one form, zlib-compressed."""

    __tablename__ = "submission_pages"

    submission_id: Mapped[int] = mapped_column(ForeignKey("submissions.id", ondelete="CASCADE"), primary_key=True)
    form: Mapped[str] = mapped_column(String(8), primary_key=True)
    page: Mapped[bytes] = mapped_column(LargeBinary)
