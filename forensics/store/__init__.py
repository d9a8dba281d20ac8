"""Results that were kept: what was examined, with what result, which pictures look alike, what was decided."""

from forensics.store.audit import AuditLog, Entry
from forensics.store.audit_check import Checked, check
from forensics.store.opening import StoreError
from forensics.store.queue import Queue
from forensics.store.queue_rows import QueueItem
from forensics.store.queue_words import Decision, State
from forensics.store.store import NearMatch, ScanRow, Store, default_url

__all__ = [
    "AuditLog",
    "Checked",
    "Decision",
    "Entry",
    "NearMatch",
    "Queue",
    "QueueItem",
    "ScanRow",
    "State",
    "Store",
    "StoreError",
    "check",
    "default_url",
]
