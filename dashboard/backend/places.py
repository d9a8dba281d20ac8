"""Folders as those see them who need not know how the server is laid out: from the folder that a run examines on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import PurePosixPath, PureWindowsPath

from dashboard.roles import Role, User
from forensics.containers.member import INTO
from forensics.report import ScanReport
from forensics.store import ScanRow, Store
from forensics.store.runs import Runs
from forensics.store.store import folder_of

MAX_RUNS = 200
"""The newest runs; of the folders of older ones only the last part of a path is shown."""


@dataclass(frozen=True)
class Places:
    """Folders that runs examine as a whole.

    Attributes:
        roots: whole paths, the longest first: the innermost one that holds a file names it.
    """

    roots: tuple[str, ...] = ()

    def short(self, folder: str) -> str:
        """A folder from that of the run on; only its last part where it lies in none. Hostile text stays hostile."""
        for root in self.roots:
            if folder == root or folder.startswith(f"{root}/"):
                return _last(root) + folder[len(root) :]
        return f"…/{_last(folder)}" if folder else ""

    def file(self, path: str) -> str:
        """The same for a file, or a source of a run."""
        if path in self.roots:
            return self.short(path)
        outside, into, inside = path.partition(INTO)
        folder, slash, name = outside.rpartition("/")
        return (f"{self.short(folder)}/{name}" if slash and folder else name) + into + inside

    def of(self, row: ScanRow) -> str:
        """The folder of a file that was examined; of one inside a container that of the container."""
        container, into, _ = row.path.partition(INTO)
        return self.short(row.folder or (folder_of(container) if into else ""))

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
    roots = {source.rstrip("/") for source in Runs(store).sources(MAX_RUNS)} - {""}
    return Places(tuple(sorted(roots, key=lambda root: (-len(root), root))))


def for_eyes_of(user: User, report: ScanReport) -> ScanReport:
    """A report as somebody may read it: where the file lay on the server is for admins."""
    return report if user.role >= Role.ADMIN or not report.path else replace(report, path=without_folder(report.path))


def without_folder(path: str) -> str:
    """The last part of a path; of a file inside a container with the way to it from the container on."""
    outside, into, inside = path.partition(INTO)
    return _last(outside) + into + inside


def _last(path: str) -> str:
    return PureWindowsPath(path).name if "\\" in path and "/" not in path else PurePosixPath(path).name or path
