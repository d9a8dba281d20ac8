"""One member of a container on its way into a scratch file: its first bytes decide whether the rest is wanted."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

from forensics.containers.account import DUPLICATE, PART
from forensics.containers.budget import Exhausted
from forensics.containers.kinds import container_kind, container_kind_of
from forensics.containers.member import Member
from forensics.errors import MediaError
from forensics.media.sniff import HEAD_BYTES, sniff

if TYPE_CHECKING:
    from forensics.containers.unpacking import Level


class Writer:
    """Takes the bytes of one member: the first decide whether the rest is wanted."""

    def __init__(self, level: Level, name: str, is_part: bool) -> None:
        self._level = level
        self._tree = level.unpacker
        self._name = name
        self._is_part = is_part
        self._head = bytearray()
        self._hash = hashlib.sha256()
        self._size = self._number = 0
        self._kind: str | None = None
        self._path: Path | None = None
        self._file: BinaryIO | None = None
        self._refused: MediaError | None = None
        self._is_over = self._is_passed_by = self._is_tiff = False

    def write(self, chunk: bytes | bytearray) -> bool:
        """Take bytes; whether more are wanted.

        Raises:
            Exhausted: a limit on the whole is reached.
        """
        self._tree.budget.unpack(len(chunk))
        if self._refused is not None or self._is_passed_by:
            return False
        if self._file is not None:
            self._store(chunk)
        else:
            self._head += chunk
            if len(self._head) >= HEAD_BYTES:
                self._decide()
        return self._refused is None and not self._is_passed_by

    def end(self) -> None:
        """There is no more.

        Raises:
            Exhausted: a limit on the whole is reached.
        """
        if self._file is None and self._refused is None and not self._is_passed_by:
            self._decide()
        if self._is_passed_by:
            return
        if self._is_tiff and self._path is not None and container_kind_of(self._path) == "tiff":
            # Its pages may lie anywhere in it: its first bytes do not tell.
            self._kind = "tiff"
            self._check_depth()
        if self._refused is not None:
            self.drop()
            if self._is_part and self._refused.code in ("not-media", "empty"):
                self._level.tally.leave_out(self._name, PART)
            else:
                self._tell(Member("", code=self._refused.code, message=str(self._refused)))
            return
        assert self._file is not None and self._path is not None
        self._file.close()
        self._is_over = True
        sha256 = self._hash.hexdigest()
        if sha256 in self._tree.seen:
            self._path.unlink()
            self._level.tally.leave_out(self._name, DUPLICATE)
            return
        self._tree.seen.add(sha256)
        if self._kind is None:
            self._tell(Member("", self._number, self._size, sha256))
        else:
            self._open(self._path, self._kind, sha256)

    def drop(self) -> None:
        """Remove its scratch file, if it was not handed on."""
        if self._file is not None and self._path is not None and not self._is_over:
            self._is_over = True
            with suppress(OSError):
                self._file.close()
            self._path.unlink(missing_ok=True)

    def _open(self, path: Path, kind: str, sha256: str) -> None:
        """A container in the container."""
        level = self._level.below(base_name(self._name), self._level.inside(self._name))
        account, error = self._tree.unpack(path, kind, level)
        path.unlink()
        code, message = ("", "") if error is None else (error.code, str(error))
        self._tell(Member("", 0, self._size, sha256, code, message, account))
        if self._tree.exhausted is not None:
            raise self._tree.exhausted

    def _decide(self) -> None:
        head = bytes(self._head[:HEAD_BYTES])
        if not self._level.share.holds(head):
            self._is_passed_by = True
            return
        try:
            self._is_tiff = sniff(head) == "tiff"
        except MediaError as error:
            self._kind = container_kind(head)
            if self._kind is None:
                self._refused = error
            else:
                self._check_depth()
        if self._refused is None:
            self._number, self._path = self._tree.scratch_file()
            self._file = self._path.open("xb")
            self._store(self._head)

    def _check_depth(self) -> None:
        if self._refused is None and self._level.depth >= self._tree.limits.max_depth:
            words = f"it lies {self._level.depth} containers deep, the limit for opening one more"
            self._refused = MediaError("too-deep", words)

    def _store(self, chunk: bytes | bytearray) -> None:
        assert self._file is not None
        self._size += len(chunk)
        if self._size > self._tree.max_file_bytes:
            words = f"the file holds more than {self._tree.max_file_bytes:,} bytes, the limit"
            self._refused = MediaError("too-many-bytes", words)
            return
        self._tree.budget.store(len(chunk))
        try:
            self._file.write(chunk)
            # Else a full disk shows when it is closed.
            self._file.flush()
        except OSError as error:
            words = f"no room for scratch files ({error.strerror}; TMPDIR says where); the rest was left out"
            raise Exhausted("unreadable", words) from error
        self._hash.update(chunk)

    def _tell(self, member: Member) -> None:
        self._level.told(replace(member, name=self._level.inside(self._name)))


def base_name(name: str) -> str:
    """Last part of a name in a container, whichever slash it uses."""
    return PurePosixPath(name.replace("\\", "/")).name or name
