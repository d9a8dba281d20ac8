"""Unpacks a container and what is nested in it into numbered scratch files. It runs in a worker: nothing here is safe.

No name out of a container ever becomes a path. A member is looked at by its first bytes: only media and containers are
unpacked further, anything else costs a few kilobytes however large it claims to be.
"""

from __future__ import annotations

import lzma
import zlib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Protocol

from forensics.containers.account import HIDDEN, Account, Tally
from forensics.containers.budget import Budget, Exhausted
from forensics.containers.limits import InsideLimits
from forensics.containers.member import INTO, Member
from forensics.containers.share import WHOLE, Share
from forensics.containers.writer import Writer
from forensics.errors import MediaError

READERS = {
    "zip": "forensics.containers.zips:read_zip",
    "tar": "forensics.containers.tars:read_tar",
    "gzip": "forensics.containers.tars:read_gzip",
    "bzip2": "forensics.containers.tars:read_bzip2",
    "xz": "forensics.containers.tars:read_xz",
    "zstd": "forensics.containers.tars:read_zstd",
    "lz4": "forensics.containers.tars:read_lz4",
    "7z": "forensics.containers.seven_zips:read_7z",
    "tnef": "forensics.containers.tnefs:read_tnef",
    "ole": "forensics.containers.oles:read_ole",
    "eml": "forensics.containers.mails:read_eml",
    "mbox": "forensics.containers.mails:read_mbox",
    "pdf": "forensics.containers.pdfs:read_pdf",
    "tiff": "forensics.containers.tiffs:read_tiff",
}
"""Kind of container -> what reads it; loaded when the first one comes along."""

CHUNK_BYTES = 1 << 16

MAX_NAME_CHARS = 4096
"""Longer names are no names; tables and logs hold them all the same."""


class Readable(Protocol):
    """All that is needed of a member that can be read."""

    def read(self, size: int, /) -> bytes:
        """At most size bytes; none at its end."""
        ...


class Unpacker:
    """One outermost container.

    Args:
        path: where it lies.
        sha256: of the container, "" if unknown: a quine, which holds itself, is then opened once.
        scratch: folder that takes the scratch files; made if need be.
        limits: what the whole may cost.
        max_file_bytes: size of one file in it.
        tell: hears of each file inside.
        share: of the files directly in it that are taken.
    """

    def __init__(
        self,
        path: Path,
        sha256: str,
        scratch: Path,
        *,
        limits: InsideLimits,
        max_file_bytes: int,
        tell: Callable[[Member], None],
        share: Share = WHOLE,
    ) -> None:
        self.limits = limits
        self.max_file_bytes = max_file_bytes
        self.tell = tell
        self.share = share
        self.budget = Budget(limits, path.stat().st_size)
        self.seen = {sha256}
        self.exhausted: Exhausted | None = None
        self._path = path
        self._scratch = scratch
        self._n_scratch = 0
        scratch.mkdir(mode=0o700, exist_ok=True)

    def run(self, kind: str, name: str) -> tuple[Account, MediaError | None]:
        """Unpack all of it.

        Args:
            kind: of `kinds.container_kind_of`.
            name: of the outermost container, for display.

        Returns:
            What became of it, and why not all of it could be looked at; None if it could.
        """
        return self.unpack(self._path, kind, Level(self, name, "", 1, self.share))

    def unpack(self, path: Path, kind: str, level: Level) -> tuple[Account, MediaError | None]:
        """Unpack one container of the tree."""
        error: MediaError | None = None
        try:
            module, _, name = READERS[kind].partition(":")
            with path.open("rb") as file:
                getattr(import_module(module), name)(file, level)
        except Exhausted as reached:
            error = self.exhausted = reached
        except MediaError as refused:
            error = refused
        except (EOFError, lzma.LZMAError, zlib.error):
            error = MediaError("truncated", f"the {kind} data is cut off or broken; the rest was left out")
        except MemoryError:
            error = MediaError("out-of-memory", "unpacking it takes more memory than there is")
        except ImportError as missing:
            error = MediaError("unsupported", str(missing))
        except Exception as broken:  # noqa: BLE001 - readers of foreign formats raise anything at hostile bytes
            why = " ".join(str(broken).split())[:200] or "it makes no sense"
            error = MediaError("broken", f"the {kind} data is broken ({why}); the rest was left out")
        finally:
            level.abandon()
        return level.tally.account(kind), error

    def scratch_file(self) -> tuple[int, Path]:
        """Number and path of the next scratch file."""
        self._n_scratch += 1
        return self._n_scratch, scratch_path(self._scratch, self._n_scratch)


class Level:
    """One container of the tree, as its reader sees it.

    Args:
        unpacker: of the tree.
        name: its own name, for display.
        way: names of the containers that it lies in and its own, "" for the outermost.
        depth: 1 for the outermost.
        share: of the files directly in it that are taken; others are passed by, however they are handed over.
    """

    def __init__(self, unpacker: Unpacker, name: str, way: str, depth: int, share: Share = WHOLE) -> None:
        self.unpacker = unpacker
        self.name = name
        self.way = way
        self.depth = depth
        self.share = share
        self.tally = Tally()
        self._hides = True
        self._writer: Writer | None = None

    def add(self, name: str, stream: Readable, *, is_part: bool = False) -> None:
        """Take a file by reading it, as far as it is wanted. For the arguments, see `begin`."""
        writer = self.begin(name, is_part=is_part)
        try:
            while writer is not None and (chunk := stream.read(CHUNK_BYTES)):
                if not writer.write(chunk):
                    break
        except BaseException:
            self.abandon()
            raise
        if writer is not None:
            writer.end()

    def begin(self, name: str, *, is_part: bool = False) -> Writer | None:
        """Take a file by writing it.

        Args:
            name: in the container; hostile text.
            is_part: part of a document, which is left out where it is no picture, instead of being refused.

        Returns:
            None for a hidden file, which is left out as in folders.
        """
        if self._hides and is_hidden(name):
            self.leave_out(name, HIDDEN)
            return None
        self.unpacker.budget.member()
        self._writer = Writer(self, _clean(name), is_part)
        return self._writer

    def abandon(self) -> None:
        """Remove the scratch file of what could not be read to its end."""
        if self._writer is not None:
            self._writer.drop()

    def refuse(self, name: str, code: str, message: str) -> None:
        """A file that cannot be examined: it gets a result that says why."""
        self.unpacker.budget.member()
        if self.share.is_first:
            self.told(Member(self.inside(_clean(name)), code=code, message=message))

    def leave_out(self, name: str, reason: str) -> None:
        """What is no file of its own: it is counted."""
        self.unpacker.budget.member()
        if self.share.is_first:
            self.tally.leave_out(_clean(name), reason)

    def pass_by(self) -> None:
        """A folder, or what is in another share: it counts for the number of members alone."""
        self.unpacker.budget.member()

    def show_hidden(self) -> None:
        """For a reader of mail or documents: no folder was packed, and names with a dot before them hide nothing."""
        self._hides = False

    def parted(self) -> Share:
        """The share, for a reader that itself finds what is in it and hands over nothing else from now on."""
        share, self.share = self.share, WHOLE
        return share

    def told(self, member: Member) -> None:
        """Tell of a file in this container."""
        self.tally.n_files += 1
        self.unpacker.tell(member)

    def below(self, name: str, way: str) -> Level:
        """A container in this one."""
        return Level(self.unpacker, name, way, self.depth + 1)

    def inside(self, name: str) -> str:
        """The way to a file in this container."""
        return f"{self.way}{INTO}{name}" if self.way else name


def scratch_path(folder: Path, number: int) -> Path:
    """Where the scratch file of a number lies."""
    return folder / f"{number}.bin"


def is_hidden(name: str) -> bool:
    """Whether a folder walk would leave the file out: it or a folder that it lies in begins with a single dot."""
    parts = name.replace("\\", "/").split("/")
    return any(part.startswith(".") and not part.startswith("..") and part != "." for part in parts)


def _clean(name: str) -> str:
    """A name that can be written anywhere: what is no character becomes an escape."""
    shown = name[:MAX_NAME_CHARS].encode("utf-8", "backslashreplace").decode("utf-8")
    return shown.removeprefix("./") or "unnamed"
