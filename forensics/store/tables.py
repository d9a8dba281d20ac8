"""The tables of the store. A change here comes with a migration in `forensics/migrations`."""

from __future__ import annotations

from typing import ClassVar

from sqlalchemy import BigInteger, Double, ForeignKey, Index, LargeBinary, String, UniqueConstraint
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
