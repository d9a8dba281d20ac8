"""Compound files (MS-CFB) made at test time, and Outlook's messages (MS-OXMSG), which are such."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, Union

Folder: TypeAlias = Mapping[str, Union[bytes, "Folder"]]
"""Names of streams and folders; those are folders again."""

SECTOR, MINI, CUTOFF = 512, 64, 4096
END, FREE, FAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
NOBODY = 0xFFFFFFFF


@dataclass
class _Entry:
    name: str
    kind: int
    data: bytes = b""
    start: int = END
    child: int = NOBODY
    right: int = NOBODY
    size: int = field(default=0)

    def packed(self) -> bytes:
        name = self.name.encode("utf-16-le") + b"\0\0"
        head = struct.pack("<64sHBBIII", name, len(name), self.kind, 1, NOBODY, self.right, self.child)
        return head + bytes(16 + 4 + 16) + struct.pack("<IQ", self.start, self.size)


def compound(root: Folder, sizes: Mapping[str, int] | None = None) -> bytes:
    """A compound file.

    Args:
        root: what lies in it.
        sizes: name of a stream -> what the file says that it holds, if that is a lie.
    """
    entries = [_Entry("Root Entry", 5)]
    _enter(root, entries, entries[0])
    streams = [entry for entry in entries if entry.kind == 2]
    sectors, fat, mini, mini_fat = list[bytes](), list[int](), b"", list[int]()
    for entry in streams:
        entry.size = len(entry.data)
        if len(entry.data) >= CUTOFF:
            entry.start = _lay(entry.data, sectors, fat)
        elif entry.data:
            entry.start = len(mini_fat)
            n_pieces = -(-len(entry.data) // MINI)
            mini_fat += [*range(entry.start + 1, entry.start + n_pieces), END]
            mini += entry.data.ljust(n_pieces * MINI, b"\0")
        entry.size = (sizes or {}).get(entry.name, entry.size)
    if mini:
        entries[0].start, entries[0].size = _lay(mini, sectors, fat), len(mini)
    first_mini_fat = _lay(struct.pack(f"<{len(mini_fat)}I", *mini_fat), sectors, fat) if mini_fat else END
    first_entry = _lay(b"".join(entry.packed() for entry in entries), sectors, fat)
    n_fat = 1
    while n_fat * (SECTOR // 4) < len(fat) + n_fat:
        n_fat += 1
    places = [*range(len(fat), len(fat) + n_fat)]
    fat += [FAT] * n_fat
    fat += [FREE] * (n_fat * (SECTOR // 4) - len(fat))
    sectors.append(struct.pack(f"<{len(fat)}I", *fat))
    head = struct.pack("<8s16xHHHHH6xI", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 3, 0xFFFE, 9, 6, 0)
    head += struct.pack("<IIIIIIII", n_fat, first_entry, 0, CUTOFF, first_mini_fat, -(-len(mini_fat) // 128), END, 0)
    return head + struct.pack("<109I", *places, *[FREE] * (109 - n_fat)) + b"".join(sectors)


def outlook(attachments: Mapping[str, bytes | Folder], *, lies: Mapping[str, int] | None = None) -> bytes:
    """A message of Outlook; an attachment that is a folder is a message in it, or another object."""
    return compound(message(attachments), lies)


def message(attachments: Mapping[str, bytes | Folder]) -> Folder:
    """What lies in the folder of a message."""
    found: dict[str, bytes | Folder] = {"__properties_version1.0": bytes(32)}
    for number, (name, content) in enumerate(attachments.items()):
        key = "__substg1.0_37010102" if isinstance(content, bytes) else "__substg1.0_3701000D"
        found[f"__attach_version1.0_#{number:08X}"] = {
            "__properties_version1.0": bytes(8),
            "__substg1.0_3707001F": name.encode("utf-16-le"),
            key: content,
        }
    return found


def _enter(folder: Folder, entries: list[_Entry], above: _Entry) -> None:
    """Siblings hang one from the other by their right hand, which is a tree of a kind."""
    before: _Entry | None = None
    for name, content in folder.items():
        entry = _Entry(name, 2, content) if isinstance(content, bytes) else _Entry(name, 1)
        entries.append(entry)
        if before is None:
            above.child = len(entries) - 1
        else:
            before.right = len(entries) - 1
        before = entry
        if not isinstance(content, bytes):
            _enter(content, entries, entry)


def _lay(data: bytes, sectors: list[bytes], fat: list[int]) -> int:
    """Append whole sectors; returns the first."""
    first, n = len(fat), -(-len(data) // SECTOR)
    sectors.append(data.ljust(n * SECTOR, b"\0"))
    fat += [*range(first + 1, first + n), END]
    return first
