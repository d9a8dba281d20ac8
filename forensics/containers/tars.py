"""Tar archives (POSIX.1-1988, pax, GNU), packed or not, and single packed files. Read to the end, also behind damage.

An archive ends with blocks of zeros. What follows them is looked at all the same: archives can be joined end to end. So
is what follows a damaged header, up to where the next sound one begins. Without zeros at its end an archive may be one
that was cut off between two files, and says so.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from typing import BinaryIO

from forensics.containers.account import DEVICE, LINK
from forensics.containers.kinds import container_kind
from forensics.containers.packed import Counted, Frames, Members
from forensics.containers.unpacking import CHUNK_BYTES, Level, Readable, is_hidden
from forensics.errors import MediaError

_ENDINGS = (".gz", ".bz2", ".xz", ".zst", ".lz4")

_N_EMPTY_READS = 3
"""At the end of a sound archive there are fewer."""

# Public in `tarfile`, and missing in its stubs.
_ZEROS: type[tarfile.HeaderError] = tarfile.EOFHeaderError  # type: ignore[attr-defined]
_NO_MORE: tuple[type[tarfile.HeaderError], ...] = (tarfile.EmptyHeaderError, tarfile.TruncatedHeaderError)  # type: ignore[attr-defined]
_INVALID: type[tarfile.HeaderError] = tarfile.InvalidHeaderError  # type: ignore[attr-defined]


def read_tar(file: BinaryIO, level: Level) -> None:
    """Hand over the files of a tar archive.

    Raises:
        MediaError: broken or cut off.
    """

    def again() -> BinaryIO:
        file.seek(0)
        return file

    _read(again, level)


def read_gzip(file: BinaryIO, level: Level) -> None:
    """Hand over what gzip packed (RFC 1952): a tar archive's files, or the one file."""
    _unpacked(lambda: Members(file, "gzip"), file, level)


def read_bzip2(file: BinaryIO, level: Level) -> None:
    """Hand over what bzip2 packed: a tar archive's files, or the one file."""
    _unpacked(lambda: Members(file, "bzip2"), file, level)


def read_xz(file: BinaryIO, level: Level) -> None:
    """Hand over what xz packed: a tar archive's files, or the one file."""
    _unpacked(lambda: Members(file, "xz"), file, level)


def read_zstd(file: BinaryIO, level: Level) -> None:
    """Hand over what Zstandard packed (RFC 8878): a tar archive's files, or the one file."""
    _unpacked(lambda: Frames(file, "zstd"), file, level)


def read_lz4(file: BinaryIO, level: Level) -> None:
    """Hand over what LZ4 packed, in frames: a tar archive's files, or the one file."""
    _unpacked(lambda: Frames(file, "lz4"), file, level)


def _unpacked(opened: Callable[[], Members | Frames], file: BinaryIO, level: Level) -> None:
    stream = opened()
    counted = Counted(stream, level.unpacker.budget)
    if container_kind(counted.peek_head()) == "tar":

        def again() -> Counted:
            file.seek(0)
            return Counted(opened(), level.unpacker.budget)

        _read(again, level, counted)
    else:
        name = next((level.name[: -len(e)] for e in _ENDINGS if level.name.lower().endswith(e)), level.name)
        level.add(name.lstrip(".") or "content", counted)
    if stream.has_junk:
        raise MediaError("broken", "behind the packed data lies something else, which was left out")


class _Entry(tarfile.TarInfo):
    """A header, which tells its archive what it met."""

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> _Entry:
        """The next header; `tarfile` looks for another one block further on if it is invalid."""
        assert isinstance(archive, _Archive)
        try:
            entry = super().fromtarfile(archive)
            is_sound = entry.size >= 0
        except (_ZEROS, *_NO_MORE) as error:
            archive.has_end |= isinstance(error, _ZEROS)
            raise
        except (tarfile.HeaderError, RecursionError):
            is_sound = False
        if not is_sound:
            archive.is_damaged = True
            raise _INVALID("bad header")
        archive.has_end = False
        return entry


class _Archive(tarfile.TarFile):
    """Knows whether it was whole.

    Attributes:
        has_end: whether zeros follow the last file.
        is_damaged: whether something that is no header stood where one belongs.
    """

    tarinfo = _Entry
    ignore_zeros = True
    has_end = is_damaged = False


class _Ending(io.RawIOBase):
    """Stops `tarfile` from reading on and on behind the end of a stream, as sizes that lie make it do."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._n_empty = 0

    def read(self, size: int | None = -1, /) -> bytes:
        """At most size bytes; none at the end."""
        data = self._stream.read(CHUNK_BYTES if size is None or size < 0 else size)
        self._n_empty += not data
        if self._n_empty > _N_EMPTY_READS:
            raise tarfile.ReadError("unexpected end of data")
        return data


class _Links:
    """Hard links to hidden files: what the link names is no hidden file, and in a folder it would be examined."""

    def __init__(self) -> None:
        self._hidden: dict[str, int] = {}
        self.wanted: dict[int, str] = {}

    def note(self, entry: tarfile.TarInfo) -> None:
        """A file, to which links may follow."""
        if is_hidden(entry.name):
            self._hidden[entry.name.removeprefix("./")] = entry.offset

    def wants(self, entry: tarfile.TarInfo) -> bool:
        """Whether a link is the first one to its hidden file; that file is then to be read."""
        target = self._hidden.get(entry.linkname.removeprefix("./"))
        if not entry.islnk() or target is None or is_hidden(entry.name) or target in self.wanted:
            return False
        self.wanted[target] = entry.name
        return True


def _read(again: Callable[[], Readable], level: Level, stream: Readable | None = None) -> None:
    """Hand over the files of an archive.

    Args:
        again: the archive from its start.
        level: takes them.
        stream: the same, where it is open already.
    """
    links = _Links()
    try:
        _walk(stream or again(), lambda archive, entry: _take(archive, entry, level, links))
    finally:
        # Streams do not go back: what only a later link shows to be wanted takes another walk.
        if links.wanted:
            _take_linked(again(), level, links.wanted)


def _walk(stream: Readable, visit: Callable[[tarfile.TarFile, tarfile.TarInfo], bool]) -> None:
    """Visit what is in an archive, until a visit says that it was the last one."""
    try:
        # As a stream: no header can send the reader back to where it was.
        with _Archive.open(fileobj=_Ending(stream), mode="r|", bufsize=CHUNK_BYTES) as archive:
            for entry in archive:
                if visit(archive, entry):
                    return
    except tarfile.ReadError as error:
        raise MediaError("truncated", f"the tar archive is cut off or broken ({error})") from error
    if archive.is_damaged:
        words = "the tar archive is damaged, or joined to something that is none; what could be read was examined"
        raise MediaError("broken", words)
    if not archive.has_end:
        raise MediaError("truncated", "the tar archive has no end mark: it may be cut off behind its last file")


def _take(archive: tarfile.TarFile, entry: tarfile.TarInfo, level: Level, links: _Links) -> bool:
    if entry.isdir() or links.wants(entry):
        level.pass_by()
    elif entry.issym() or entry.islnk():
        level.leave_out(entry.name, LINK)
    elif not entry.isfile():
        level.leave_out(entry.name, DEVICE)
    elif entry.issparse():
        level.refuse(entry.name, "unsupported", "it is a sparse file, whose size costs the sender nothing")
    else:
        links.note(entry)
        _add(archive, entry, entry.name, level)
    return False


def _take_linked(stream: Readable, level: Level, wanted: dict[int, str]) -> None:
    """Hand over hidden files under the names of links to them.

    Args:
        stream: the archive from its start.
        level: takes them.
        wanted: where the header of a file lies -> the name of the link; emptied.
    """

    def visit(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> bool:
        if (name := wanted.pop(entry.offset, None)) is not None:
            _add(archive, entry, name, level)
        return not wanted

    _walk(stream, visit)


def _add(archive: tarfile.TarFile, entry: tarfile.TarInfo, name: str, level: Level) -> None:
    stream = archive.extractfile(entry)
    assert stream is not None
    level.add(name, stream)
