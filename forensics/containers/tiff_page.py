"""One page of a TIFF as a file of its own: new directories before ranges of the old bytes, and nothing is decoded.

Strips, tiles, tables and tags come out as they lie there, in the same order. What reached beyond the end of the file
does so in the new one, and it is left to decoders to say that it is cut off.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from forensics.containers.ranges import Offsets, Ranges
from forensics.errors import MediaError
from forensics.media.tiff_directories import BITS, COMPRESSION, HEIGHT, SAMPLES, WIDTH, check_claims, directory_of
from forensics.media.tiff_layout import (
    IFD,
    IFD8,
    LONG,
    LONG8,
    MAX_ENTRIES,
    WHOLE_NUMBERS,
    Entry,
    Layout,
    Table,
    too_many_entries,
)

STRIPS, TILES, JPEG_STREAM = 273, 324, 513
_LENGTHS = {STRIPS: 279, TILES: 325, JPEG_STREAM: 514}
"""Tag of where data begins -> tag of its length."""

_JPEG_TABLES = {519: 64, 520: 16 + 256, 521: 16 + 256}
"""Tag of where quantization and Huffman tables of old-style JPEG begin -> their most bytes (TIFF 6.0, section 22)."""

_DIRECTORIES = frozenset({330, 400, 34665, 34853, 40965})
"""Tags of where further directories begin: SubIFDs, GlobalParameters, Exif, GPS, interoperability."""

SIGNATURE_TAG = 52545
"""A C2PA manifest (C2PA 2.1, A.3.7): it vouches for the whole file, and no other one would bear it out."""

_FREE = frozenset({288, 289})
"""Tags of unused bytes of the old file."""

MAX_DEPTH, MAX_DIRECTORIES = 4, 1000
"""Of the directories below a page's own."""

MAX_OFFSETS = 2_000_000
"""Of a page and all below it, with the lengths of what lies there."""

_UNCOMPRESSED = 1
_FAR = 1 << 62
_CHUNK_BYTES = 1 << 16
_N_SAMPLES, _SAMPLE_BYTES = 16, 256


@dataclass
class _Slot:
    """The values of an entry that are offsets: they are written anew.

    Attributes:
        old: (N,) in the old file.
        below: the directory at each of them that comes along, or None; empty if they lead to something else.
        at: where the values lie in the new file, if not in the entry.
    """

    old: Offsets
    below: list[_Node | None] = field(default_factory=list)
    at: int = 0


@dataclass
class _Node:
    """A directory on its way to the new file, where it begins at `at`."""

    entries: list[tuple[Entry, _Slot | None]] = field(default_factory=list)
    at: int = 0

    @property
    def slots(self) -> list[_Slot]:
        return [slot for _, slot in self.entries if slot is not None]


class Page:
    """What the file of one page holds, to be read once.

    Args:
        layout: of the TIFF.
        table: the page's directory.

    Raises:
        MediaError: its tags make no sense, or claim more than the file can hold.

    Attributes:
        is_signed: whether a signature of the whole TIFF was left out.
    """

    def __init__(self, layout: Layout, table: Table) -> None:
        self.is_signed = False
        self._layout, self._size = layout, len(layout.data)
        self._seen, self._n_entries, self._n_offsets = {table.at}, 0, 0
        self._copied = list[tuple[Offsets, Offsets]]()
        root = self._node(table, 0)
        end = self._place(root, 16 if layout.is_big else 8)
        self._ranges = Ranges(self._copied, self._size, end + (end & 1))
        self._head = self._written(root)
        self._pieces, self._buffer = self._read(), bytearray()

    @property
    def mark(self) -> bytes:
        """The same for pages whose files are the same, and hardly ever for others."""
        data = self._layout.data
        return self._head + b"".join(data[at:end] for at, end in self._ranges.samples(_N_SAMPLES, _SAMPLE_BYTES))

    def read(self, size: int, /) -> bytes:
        """At most size bytes; none at the end."""
        while len(self._buffer) < size and (piece := next(self._pieces, b"")):
            self._buffer += piece
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def _read(self) -> Iterator[bytes]:
        yield self._head
        for start, end in self._ranges:
            for at in range(start, end, _CHUNK_BYTES):
                yield self._layout.data[at : min(at + _CHUNK_BYTES, end)]
            if (end - start) & 1:
                yield b"\0"

    def _node(self, table: Table, depth: int) -> _Node:
        """A directory and all below it, with what they need noted to be copied."""
        check_claims(table, self._size)
        self._n_entries += len(table.entries)
        if self._n_entries > MAX_ENTRIES:
            raise too_many_entries()
        node, first = _Node(), {entry.tag: entry for entry in reversed(table.entries)}
        for entry in table.entries:
            # Of a tag that occurs twice, the first counts.
            is_first = first[entry.tag] is entry
            if entry.tag == SIGNATURE_TAG:
                self.is_signed = True
            elif entry.tag in _DIRECTORIES or entry.kind in (IFD, IFD8):
                if is_first and entry.kind in WHOLE_NUMBERS:
                    node.entries.append((entry, self._below(entry, depth)))
            elif entry.tag in _LENGTHS or entry.tag in _JPEG_TABLES:
                if is_first:
                    slot = _Slot(self._offsets(entry))
                    self._copied.append((slot.old, self._data_lengths(entry.tag, slot.old, first, table)))
                    node.entries.append((entry, slot))
            elif entry.tag not in _FREE:
                if not entry.is_inline:
                    self._copied.append((_offset(entry.at), _offset(entry.n_bytes)))
                node.entries.append((entry, None))
        return node

    def _below(self, entry: Entry, depth: int) -> _Slot:
        if entry.count > MAX_DIRECTORIES:
            raise _too_many_directories()
        slot = _Slot(self._offsets(entry))
        for at in slot.old.tolist():
            is_new = at and at not in self._seen and depth < MAX_DEPTH
            table = self._layout.table(at) if is_new else None
            if table is not None:
                self._seen.add(at)
            if len(self._seen) > MAX_DIRECTORIES:
                raise _too_many_directories()
            slot.below.append(None if table is None else self._node(table, depth + 1))
        return slot

    def _offsets(self, entry: Entry) -> Offsets:
        numbers = self._layout.numbers(entry)
        self._n_offsets += len(numbers)
        if self._n_offsets > MAX_OFFSETS:
            raise MediaError("broken", f"a page of the TIFF has its data in more than {MAX_OFFSETS:,} places")
        return np.minimum(numbers, _FAR).astype(np.int64)

    def _data_lengths(self, tag: int, starts: Offsets, first: dict[int, Entry], table: Table) -> Offsets:
        """(N,) bytes of the data at each offset, at least as many as decoders would look for."""
        if tag in _JPEG_TABLES:
            return np.full(len(starts), _JPEG_TABLES[tag])
        # It is not told, so it reaches as far as it may.
        ends = (at for at in (table.at, table.following) if starts.max(initial=0) < at < self._size)
        to_the_end = np.where(starts > 0, np.maximum(min(ends, default=self._size) - starts, 0), 0)
        if (told := first.get(_LENGTHS[tag])) is None:
            return to_the_end
        lengths = np.zeros_like(starts)
        known = self._offsets(told)[: len(starts)]
        lengths[: len(known)] = known
        if len(starts) != 1:
            return lengths
        values = directory_of(self._layout, table).values
        if values.get(COMPRESSION, _UNCOMPRESSED) == _UNCOMPRESSED:
            # Decoders do not ask how long a single strip of samples is.
            row_bits = values.get(WIDTH, 0) * values.get(SAMPLES, 1) * values.get(BITS, 1)
            return np.maximum(lengths, min((row_bits + 7) // 8 * values.get(HEIGHT, 0), self._size))
        return lengths if lengths[0] else to_the_end

    def _place(self, node: _Node, at: int) -> int:
        """Give a directory, its offsets and what is below it places in the new file; returns where they end."""
        word, layout = self._layout.word_bytes, self._layout
        node.at = at + (at & 1)
        at = node.at + layout.count_bytes + len(node.entries) * layout.entry_bytes + word
        for slot in node.slots:
            if len(slot.old) > 1:
                slot.at = at + (at & 1)
                at = slot.at + word * len(slot.old)
        for below in (below for slot in node.slots for below in slot.below):
            if below is not None:
                at = self._place(below, at)
        return at

    def _written(self, root: _Node) -> bytes:
        """Header, directories and their offsets: all before the first range."""
        layout, out = self._layout, bytearray(self._ranges.first)
        order = "<" if layout.order == "little" else ">"
        version = struct.pack(f"{order}HHH", 43, 8, 0) if layout.is_big else struct.pack(f"{order}H", 42)
        header = (b"II" if layout.order == "little" else b"MM") + version + self._words(_offset(root.at))
        out[: len(header)] = header
        waiting = [root]
        while waiting:
            node = waiting.pop()
            rows = [len(node.entries).to_bytes(layout.count_bytes, layout.order)]
            for entry, slot in node.entries:
                kind, count, value = entry.kind, entry.count, entry.field
                if slot is not None:
                    placed = self._ranges.placed(slot.old)
                    for number, below in enumerate(slot.below):
                        if below is not None:
                            placed[number] = below.at
                            waiting.append(below)
                    kind, count, value = LONG8 if layout.is_big else LONG, len(placed), self._words(placed)
                    if count > 1:
                        out[slot.at : slot.at + len(value)] = value
                        value = self._words(_offset(slot.at))
                elif not entry.is_inline:
                    value = self._words(self._ranges.placed(_offset(entry.at)))
                numbers = ((entry.tag, 2), (kind, 2), (count, layout.word_bytes))
                rows += [number.to_bytes(n_bytes, layout.order) for number, n_bytes in numbers]
                rows.append(value.ljust(layout.word_bytes, b"\0"))
            table = b"".join(rows)
            # No other directory follows.
            out[node.at : node.at + len(table)] = table
        return bytes(out)

    def _words(self, offsets: Offsets) -> bytes:
        """As they are stored; what is too far for a word is as far as one reaches."""
        order, n_bytes = "<" if self._layout.order == "little" else ">", self._layout.word_bytes
        return np.minimum(offsets, (1 << 32) - 1 if n_bytes == 4 else _FAR).astype(f"{order}u{n_bytes}").tobytes()


def _too_many_directories() -> MediaError:
    return MediaError("broken", f"a page of the TIFF has more than {MAX_DIRECTORIES:,} directories")


def _offset(value: int) -> Offsets:
    return np.array([min(value, _FAR)], np.int64)
