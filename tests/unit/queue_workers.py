"""What processes of a test do to one store at the same time."""

from __future__ import annotations

from forensics.store import AuditLog, Decision, Queue, Store


def take_all(url: str, who: str) -> list[str]:
    """Take and decide until nothing is left; hashes of what this process had in hands."""
    had = []
    with Store(url) as store:
        queue = Queue(store)
        while (item := queue.take(who)) is not None:
            had.append(item.sha256)
            queue.decide(who, item.sha256, Decision.APPROVE, f"seen by {who}")
    return had


def append_many(url: str, who: str, n_entries: int) -> int:
    """Append entries as fast as it goes."""
    with Store(url) as store:
        log = AuditLog(store)
        for number in range(n_entries):
            log.append(who, "note", f"{number}")
    return n_entries
