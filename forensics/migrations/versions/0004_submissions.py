"""Files that were submitted over HTTP, and their reports."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Step forward."""
    op.create_table(
        "submissions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key", sa.String(32), nullable=False),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("batch", sa.String(32), nullable=False),
        sa.Column("server", sa.String(32), nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("path", sa.String, nullable=False),
        sa.Column("upload", sa.String(32), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("n_tries", sa.Integer, nullable=False),
        sa.Column("code", sa.String(32), nullable=False),
        sa.Column("message", sa.String, nullable=False),
        sa.Column("digest", sa.String(32), nullable=False),
        sa.Column("opinion", sa.String(24), nullable=False),
        sa.Column("probability", sa.Double),
        sa.Column("llr", sa.Double),
        sa.Column("submitted_by", sa.String(64), nullable=False),
        sa.Column("submitted_at", sa.String(32), nullable=False),
        sa.Column("ended_at", sa.String(32), nullable=False),
        sa.Column("elapsed_s", sa.Double, nullable=False),
        sa.Column("expires_s", sa.Double),
        sa.UniqueConstraint("key", name="submissions_key"),
    )
    op.create_index("submissions_tenant", "submissions", ["tenant", "id"])
    op.create_index("submissions_batch", "submissions", ["batch"])
    op.create_index("submissions_state", "submissions", ["server", "state", "tenant", "id"])
    op.create_index("submissions_sha256", "submissions", ["sha256"])
    op.create_index("submissions_expires", "submissions", ["expires_s"])
    op.create_table(
        "submission_pages",
        sa.Column("submission_id", sa.Integer, sa.ForeignKey("submissions.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("form", sa.String(8), primary_key=True),
        sa.Column("page", sa.LargeBinary, nullable=False),
    )


def downgrade() -> None:
    """Step back."""
    for table in ("submission_pages", "submissions"):
        op.drop_table(table)
