"""Runs can be asked to stop, and are counted from indexes; scans of folders are runs now, without a table of their own.

The old ones are told by the audit log, and their results are scans like all others.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

INDEXES = {
    "run_files_state": (["run_id", "state", "id"], ["run_id", "state", "opinion"]),
    "run_files_sha256": (["run_id", "sha256"], ["run_id", "sha256", "versions_digest", "state"]),
}
"""Name -> columns before and after."""


def upgrade() -> None:
    """Step forward."""
    op.add_column("runs", sa.Column("stop_wanted_by", sa.String, nullable=False, server_default=""))
    for name, (_, columns) in INDEXES.items():
        op.drop_index(name, "run_files")
        op.create_index(name, "run_files", columns)
    op.drop_table("folder_scans")


def downgrade() -> None:
    """Step back."""
    op.create_table(
        "folder_scans",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("folder", sa.String, nullable=False),
        sa.Column("started_by", sa.String, nullable=False),
        sa.Column("started_at", sa.String(32), nullable=False),
        sa.Column("ended_at", sa.String(32)),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("is_stop_wanted", sa.Boolean, nullable=False),
        sa.Column("beat_s", sa.Double, nullable=False),
        sa.Column("n_files", sa.Integer),
        sa.Column("n_done", sa.Integer, nullable=False),
        sa.Column("n_failed", sa.Integer, nullable=False),
        sa.Column("n_likely", sa.Integer, nullable=False),
        sa.Column("message", sa.String, nullable=False),
    )
    for name, (columns, _) in INDEXES.items():
        op.drop_index(name, "run_files")
        op.create_index(name, "run_files", columns)
    op.drop_column("runs", "stop_wanted_by")
