"""First tables: scans, their reports, the analyzers that flagged them, perceptual hashes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Step forward."""
    op.create_table(
        "scans",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("settings_digest", sa.String(16), nullable=False),
        sa.Column("versions_digest", sa.String(16), nullable=False),
        sa.Column("path", sa.String, nullable=False),
        sa.Column("filename", sa.String, nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("format", sa.String(8), nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("opinion", sa.String(24), nullable=False),
        sa.Column("probability", sa.Double, nullable=False),
        sa.Column("llr", sa.Double, nullable=False),
        sa.Column("scanned_at", sa.String(32), nullable=False),
        sa.Column("elapsed_s", sa.Double, nullable=False),
        sa.UniqueConstraint("sha256", "settings_digest", "versions_digest", name="scans_once"),
    )
    op.create_index("scans_opinion", "scans", ["opinion", "id"])
    op.create_index("scans_time", "scans", ["scanned_at"])
    op.create_index("scans_filename", "scans", ["filename"])
    op.create_table(
        "bodies",
        _scan_id(primary_key=True),
        sa.Column("report", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "flags",
        _scan_id(primary_key=True),
        sa.Column("analyzer", sa.String(64), primary_key=True),
        sa.Column("llr", sa.Double, nullable=False),
    )
    op.create_index("flags_analyzer", "flags", ["analyzer", "scan_id"])
    op.create_table(
        "hashes",
        sa.Column("id", sa.Integer, primary_key=True),
        _scan_id(primary_key=False),
        sa.Column("frame", sa.Integer, nullable=False),
        sa.Column("pdq", sa.LargeBinary(32), nullable=False),
    )
    op.create_index("hashes_scan", "hashes", ["scan_id"])


def downgrade() -> None:
    """Step back."""
    for table in ("hashes", "flags", "bodies", "scans"):
        op.drop_table(table)


def _scan_id(*, primary_key: bool) -> sa.Column[int]:
    owner = sa.ForeignKey("scans.id", ondelete="CASCADE")
    return sa.Column("scan_id", sa.Integer, owner, primary_key=primary_key, nullable=False)
