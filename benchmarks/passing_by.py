"""What it costs a station to open an archive of which nearly all is in the shares of others, for each kind of archive.

    python -m benchmarks.passing_by --files 300

Printed is the least processor time of some turns, milliseconds a file, and how many stations would pass by files for as
long as they examine them, at so many milliseconds a file.
"""

from __future__ import annotations

import argparse
import bz2
import gzip
import lzma
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from benchmarks.costs import read_inputs
from benchmarks.timing import WEB_SIZE_PX, WebPictures, machine, measured
from forensics.containers import InsideLimits
from forensics.containers.kinds import container_kind_of
from forensics.containers.share import Share
from forensics.containers.unpacking import Unpacker
from tests.make_containers import Files, jpeg_stream, mail, mail_box, pdf, seven_zipped, tarred, zipped

SHARE = Share(0, 100_000)
"""Holds what has no content, and next to nothing else."""

PACKERS: Mapping[str, Callable[[Files], bytes]] = {
    "zip": zipped,
    "tar": tarred,
    "pdf": lambda files: pdf([jpeg_stream(data, *WEB_SIZE_PX) for data in files.values()]),
    "tar.gz": lambda files: gzip.compress(tarred(files), 6),
    "mbox": lambda files: mail_box([mail({name: data}) for name, data in files.items()]),
    "tar.xz": lambda files: lzma.compress(tarred(files), preset=1),
    "7z": seven_zipped,
    "tar.bz2": lambda files: bz2.compress(tarred(files)),
}


def pass_by(path: Path) -> None:
    """Open an archive for a share that holds nearly nothing."""
    kind = container_kind_of(path)
    assert kind is not None
    with tempfile.TemporaryDirectory() as scratch:
        limits = InsideLimits()
        unpacker = Unpacker(
            path, "", Path(scratch), limits=limits, max_file_bytes=1 << 31, tell=lambda member: None, share=SHARE
        )
        _, error = unpacker.run(kind, path.name)
    if error is not None:
        raise error


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=300)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--examine-ms", type=float, default=read_inputs()["worker_ms_fast"])
    given = parser.parse_args(arguments)
    print(machine(), flush=True)
    with tempfile.TemporaryDirectory() as name:
        files = {path.name: path.read_bytes() for path in WebPictures().write(Path(name) / "folder", given.files)}
        print(f"{given.files} files of {sum(map(len, files.values())) / given.files / 1e3:.0f} kB")
        for kind, pack in PACKERS.items():
            path = Path(name) / kind
            path.write_bytes(pack(files))
            cpu_s = min(measured(partial(pass_by, path)).cpu_s for _ in range(given.turns))
            file_ms = 1000 * cpu_s / given.files
            print(f"{kind}: {file_ms:.3f} ms a file, {given.examine_ms / file_ms:,.0f} stations", flush=True)
    print(machine())
    return 0


if __name__ == "__main__":
    sys.exit(main())
