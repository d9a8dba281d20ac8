"""What comes out of a container, with some archives to look into."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from forensics.containers import InsideLimits
from forensics.containers.account import Account
from forensics.containers.kinds import container_kind_of
from forensics.containers.member import Member
from forensics.containers.unpacking import Unpacker, scratch_path
from forensics.errors import MediaError
from tests.make_compound import outlook
from tests.make_containers import PACKERS, seven_zipped, tarred, winmail, zipped
from tests.make_media import jpeg, photo

WIDTH, HEIGHT = 64, 48
A, B, C = (jpeg(photo(seed, width=WIDTH, height=HEIGHT)) + bytes(5000) for seed in (1, 2, 3))
"""Longer than what is looked at first."""
FILES = {"a.jpg": A, "deep/er/b.jpg": B}


def seven(files: Mapping[str, bytes]) -> bytes:
    pytest.importorskip("py7zr", reason="the extra `archives` is not installed")
    return seven_zipped(files)


ARCHIVES = {
    "zip": zipped,
    "tar": tarred,
    **{f"tar.{ending}": lambda files, pack=pack: pack(tarred(files)) for ending, pack in PACKERS.items()},
    "7z": seven,
    "winmail.dat": winmail,
    "msg": outlook,
}


@dataclass(frozen=True)
class Looked:
    """What came out of a container, and the bytes of its scratch files by the way to them."""

    account: Account
    error: MediaError | None
    members: tuple[Member, ...]
    files: Mapping[str, bytes]

    @property
    def refused(self) -> dict[str, str]:
        return {member.name: member.code for member in self.members if member.code}


def look(data: bytes, folder: Path, name: str = "c", **limits: float) -> Looked:
    path, scratch, found = folder / "container", folder / "scratch", list[Member]()
    path.write_bytes(data)
    kind = container_kind_of(path)
    assert kind is not None
    max_file_bytes = int(limits.pop("max_file_bytes", 1 << 30))
    sha256 = hashlib.sha256(data).hexdigest()
    unpacker = Unpacker(
        path,
        sha256,
        scratch,
        limits=InsideLimits(**limits),  # type: ignore[arg-type]
        max_file_bytes=max_file_bytes,
        tell=found.append,
    )
    account, error = unpacker.run(kind, name)
    held = {scratch_path(scratch, member.number): member.name for member in found if member.number}
    assert {*scratch.iterdir()} == {*held}, "scratch files that nobody was told of"
    return Looked(account, error, tuple(found), {name: path.read_bytes() for path, name in held.items()})
