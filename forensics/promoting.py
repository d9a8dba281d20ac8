"""Promotes versions of detectors and takes that back, and lets the audit log of a store know in the same step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from detectors.lineage import Version
from detectors.registry import Registry

if TYPE_CHECKING:
    from forensics.store import Store

PROMOTE, ROLL_BACK = "promote", "roll back"
"""Actions in the audit log; the subject is the detector and what stands afterwards, such as "synthetic 1+2"."""


def promote(models: Path, name: str, version: str, *, by: str, reason: str, store: Store | None = None) -> Version:
    """Let scans use a version from now on.

    Args:
        models: folder of models.
        name: of a detector.
        version: of it; also the shipped one.
        by: who does it.
        reason: why, in words.
        store: whose audit log is told; None tells none.

    Raises:
        LookupError, ValueError, OSError: see `Registry.promote`; nothing has changed then.
        StoreError: the store cannot be written; nothing has changed then.
    """
    with _logged(models, name, PROMOTE, store) as registry:
        return registry.promote(name, version, by=by, reason=reason)


def roll_back(models: Path, name: str, *, by: str, reason: str, store: Store | None = None) -> Version:
    """Go back to what was promoted before the version that stands.

    Args:
        models, name, by, reason, store: see `promote`.

    Raises:
        LookupError, ValueError, OSError: see `Registry.rollback`; nothing has changed then.
        StoreError: the store cannot be written; nothing has changed then.
    """
    with _logged(models, name, ROLL_BACK, store) as registry:
        return registry.rollback(name, by=by, reason=reason)


@contextmanager
def _logged(models: Path, name: str, action: str, store: Store | None) -> Iterator[Registry]:
    registry = Registry(models)
    if store is None:
        yield registry
        return
    from forensics.store.audit import Chain

    with store.session(writes=True) as session, session.begin():
        # The log is held before the change and told after it: a change that fails leaves no entry, and a log that
        # cannot be written stops the change.
        chain = Chain(session)
        yield registry
        done = registry.history(name)[-1]
        told = {"detector": name, "was": done.before, "reason": done.reason, "weights": done.sha256}
        chain.append(done.by, action, f"{name} {done.version}", told)
