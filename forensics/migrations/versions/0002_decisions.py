"""Decisions: the queue, the audit log, scans of folders; a folder and indexes for paging through many scans."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

INDEXES = {
    "scans_llr": ["llr", "id"],
    "scans_opinion_llr": ["opinion", "llr", "id"],
    "scans_folder": ["folder", "opinion"],
    "scans_size": ["size_bytes", "id"],
}

FOLDER_OF_PATH = "rtrim(rtrim(path, replace(path, '/', '')), '/')"
"""What stands before the last slash: all that is no slash is cut from the right, in words both databases know."""

REFUSAL = "the audit log is append-only"


def upgrade() -> None:
    """Step forward."""
    op.add_column("scans", sa.Column("folder", sa.String, nullable=False, server_default=""))
    op.execute(sa.text(f"UPDATE scans SET folder = {FOLDER_OF_PATH}"))
    for name, columns in INDEXES.items():
        op.create_index(name, "scans", columns)
    _make_queue()
    _make_audit()
    _make_folder_scans()


def downgrade() -> None:
    """Step back."""
    for table in ("folder_scans", "audit", "queue"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_audit_change")
    for name in INDEXES:
        op.drop_index(name, "scans")
    op.drop_column("scans", "folder")


def _make_queue() -> None:
    op.create_table(
        "queue",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("path", sa.String, nullable=False),
        sa.Column("filename", sa.String, nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("opinion", sa.String(24), nullable=False),
        sa.Column("weight", sa.Double, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("holder", sa.String),
        sa.Column("held_until_s", sa.Double),
        sa.Column("acted_at", sa.String(32), nullable=False),
        sa.Column("acted_by", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("claim", sa.String(16), nullable=False),
        sa.Column("entry", sa.Integer, nullable=False),
        sa.UniqueConstraint("sha256", name="queue_once"),
    )
    op.create_index("queue_order", "queue", ["state", "weight", "id"])
    op.create_index("queue_holder", "queue", ["holder"])
    op.create_index("queue_acted", "queue", ["acted_at"])


def _make_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("details", sa.Text, nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.UniqueConstraint("previous", name="audit_no_fork"),
    )
    op.create_index("audit_subject", "audit", ["subject", "number"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()"
        )
        return
    for act in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_no_{act.lower()} BEFORE {act} ON audit BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
        )


def _make_folder_scans() -> None:
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
