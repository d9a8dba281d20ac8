"""Folders as those see them who need not know how the server is laid out: from the folder that was scanned on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import PurePosixPath, PureWindowsPath

from dashboard.roles import Role, User
from forensics.report import ScanReport
from forensics.store import Store
from forensics.store.folder_scans import FolderScans

MAX_ROOTS = 200
"""Folders that were scanned last; of older ones only the last part of a path is shown."""


@dataclass(frozen=True)
class Places:
    """Folders that were scanned as a whole.

    Attributes:
        roots: whole paths, the longest first: the innermost one that holds a file names it.
    """

    roots: tuple[str, ...] = ()

    def short(self, folder: str) -> str:
        """A folder from the scanned one on; only its last part where it lies in none. Hostile text stays hostile."""
        for root in self.roots:
            if folder == root or folder.startswith(f"{root}/"):
                return _last(root) + folder[len(root) :]
        return f"…/{_last(folder)}" if folder else ""

    def whole(self, shown: str) -> str:
        """The opposite for a filter: what nothing fits stays as it is."""
        for root in self.roots:
            name = _last(root)
            if shown == name or shown.startswith(f"{name}/"):
                return root + shown[len(name) :]
        return shown


def places(store: Store) -> Places:
    """Those of a store.

    Raises:
        StoreError: the database cannot be read.
    """
    roots = {scan.folder.rstrip("/") for scan in FolderScans(store).newest(MAX_ROOTS)} - {""}
    return Places(tuple(sorted(roots, key=lambda root: (-len(root), root))))


def for_eyes_of(user: User, report: ScanReport) -> ScanReport:
    """A report as somebody may read it: where the file lay on the server is for admins."""
    return report if user.role >= Role.ADMIN or not report.path else replace(report, path=_last(report.path))


def _last(path: str) -> str:
    return PureWindowsPath(path).name if "\\" in path and "/" not in path else PurePosixPath(path).name or path
