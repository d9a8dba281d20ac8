"""Durable runs: one row a run, one row a file of it with its state and its line of the results."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Step forward."""
    op.create_table(
        "runs",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("plan", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("n_pass", sa.Integer, nullable=False),
        sa.Column("started_at", sa.String(32), nullable=False),
        sa.Column("ended_at", sa.String(32)),
        sa.Column("host", sa.String, nullable=False),
        sa.Column("process", sa.String, nullable=False),
        sa.Column("beat_s", sa.Double, nullable=False),
        sa.Column("message", sa.String, nullable=False),
        sa.UniqueConstraint("name", name="runs_name"),
    )
    op.create_table(
        "run_files",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("run_id", sa.Integer, sa.ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
        sa.Column("key", sa.LargeBinary(16), nullable=False),
        sa.Column("path", sa.String, nullable=False),
        sa.Column("container", sa.Integer),
        sa.Column("size_bytes", sa.BigInteger),
        sa.Column("mtime_ns", sa.BigInteger),
        sa.Column("n_pass", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("n_tries", sa.Integer, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("versions_digest", sa.String(16), nullable=False),
        sa.Column("duplicate_of", sa.Integer),
        sa.Column("opinion", sa.String(24), nullable=False),
        sa.Column("code", sa.String(32), nullable=False),
        sa.Column("message", sa.String, nullable=False),
        sa.Column("notes", sa.String, nullable=False),
        sa.Column("place", sa.Integer),
        sa.Column("line", sa.LargeBinary),
        sa.UniqueConstraint("run_id", "key", name="run_files_once"),
    )
    op.create_index("run_files_state", "run_files", ["run_id", "state", "id"])
    op.create_index("run_files_container", "run_files", ["run_id", "container"])
    op.create_index("run_files_sha256", "run_files", ["run_id", "sha256"])
    op.create_index("run_files_place", "run_files", ["run_id", "place"])


def downgrade() -> None:
    """Step back."""
    for table in ("run_files", "runs"):
        op.drop_table(table)
