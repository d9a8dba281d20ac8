"""Damage files at random and let every parser read them in watched workers: what crashes, hangs or eats memory is kept.

    python -m benchmarks.fuzz DIR... [--n 2000] [--seed 1] [--jobs 2] [--keep FOLDER]

The media under DIR, those of at most 200 kB, are the seeds. Each damaged file goes through what reads bytes: opening,
decoding, sampling, metadata with its contradictions, provenance, JPEG headers, tables, marks and coefficients. A
MediaError is as it should be; anything else is printed, and the file kept. Ends with 1 if there was one.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from forensics.errors import MediaError
from forensics.finding import Finding
from forensics.media import Media
from forensics.media.sniff import HEAD_BYTES, sniff
from forensics.messages import Answer, Task
from forensics.pool import Pool
from forensics.report import ScanReport
from forensics.settings import Limits, ScanSettings
from forensics.verdict import weigh

MAX_SEED_BYTES = 200_000
LIMITS = Limits(
    max_pixels=4_000_000, max_frames=200, n_frames=4, frame_side_px=320, timeout_s=30.0, image_timeout_s=20.0
)
"""Smaller than the defaults, so that a claim that grew costs little. The times allow for a machine with other work."""

INTERESTING = (b"\0", b"\xff", b"\x7f", b"\x80", b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\1")


class Parsers:
    """Reads a file with everything that parses bytes, and lets every exception but MediaError through."""

    def __init__(self, settings: ScanSettings) -> None:
        from forensics.analyzers import ANALYZERS

        self.settings = settings
        self.versions: Mapping[str, str] = {"unforged": "fuzz"}
        self._analyzers = [ANALYZERS.load(name)(settings) for name in ("metadata", "provenance")]

    def scan(self, media: Media) -> ScanReport:
        """Read it."""
        findings: list[Finding] = []
        for part in (self._pixels, self._jpeg, self._frames):
            _unless_broken(part, media)
        for analyzer in self._analyzers:

            def read(media: Media, analyzer: object = analyzer) -> None:
                if analyzer.skip_reason(media) is None:  # type: ignore[attr-defined]
                    findings.extend(analyzer.examine(media))  # type: ignore[attr-defined]

            _unless_broken(read, media)
        return ScanReport(
            filename=media.name,
            path=str(media.path),
            sha256=media.sha256,
            kind=str(media.kind),
            format=media.format,
            size_bytes=media.size_bytes,
            width=0,
            height=0,
            duration_s=None,
            verdict=weigh([], self.settings),
            findings=tuple(findings),
            skipped={},
            failed={},
            settings=self.settings,
            versions=self.versions,
            timings_s={},
            scanned_at="2026-01-01T00:00:00+00:00",
            pdq=(),
        )

    @staticmethod
    def _pixels(media: Media) -> None:
        if media.kind == "image":
            assert media.pixels.shape == (media.image.height, media.image.width, 3), "the header and the pixels differ"

    @staticmethod
    def _frames(media: Media) -> None:
        assert 1 <= len(media.frames) <= media.limits.n_frames, "too few or too many frames"

    @staticmethod
    def _jpeg(media: Media) -> None:
        if media.format == "jpeg":
            from forensics.analyzers.jpeg.coefficients import frame_header, read_coefficients
            from forensics.analyzers.jpeg.encoder_marks import encoder_marks

            frame_header(media.data)
            encoder_marks(media.data)
            read_coefficients(media.data, media.limits)


def damaged(data: bytes, rng: random.Random) -> bytes:
    """One to eight changes: bits, bytes, lengths, runs that are repeated, moved or dropped; now and then cut off."""
    work = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        # Headers are short and decide most.
        at = rng.randrange(min(len(work), rng.choice((64, 512, 4096, len(work)))) or 1)
        kind = rng.randrange(6)
        if kind == 0:
            work[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            work[at] = rng.randrange(256)
        elif kind == 2:
            word = rng.choice(INTERESTING)
            work[at : at + len(word)] = word
        elif kind == 3:
            n = rng.randint(1, 64)
            work[at:at] = work[at : at + n] * rng.choice((1, 1, 1, 100))
        elif kind == 4:
            del work[at : at + rng.randint(1, 64)]
        else:
            n, there = rng.randint(1, 64), rng.randrange(len(work))
            work[there : there + n] = work[at : at + n]
        work = work or bytearray(b"\0")
    return bytes(work[: rng.randrange(len(work)) + 1] if rng.random() < 0.15 else work)


def is_media(path: Path) -> bool:
    """Whether the file begins like one that is examined."""
    with path.open("rb") as file, suppress(MediaError):
        return bool(sniff(file.read(HEAD_BYTES)))
    return False


def tasks(seeds: Sequence[Path], folder: Path, n: int, seed: int) -> Iterator[Task]:
    """n damaged files, written one by one as workers ask for them."""
    for i in range(n):
        origin = seeds[i % len(seeds)]
        path = folder / f"{i:06d}"
        path.write_bytes(damaged(origin.read_bytes(), random.Random(f"{seed} {i}")))
        yield Task(path, f"{i} from {origin}", origin.name)


def _unless_broken(read: Callable[[Media], None], media: Media) -> None:
    with suppress(MediaError):
        read(media)


def main() -> None:
    """Command line."""
    cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_argument("folder", type=Path, nargs="+")
    cli.add_argument("--n", type=int, default=2000)
    cli.add_argument("--seed", type=int, default=1)
    cli.add_argument("--jobs", type=int, default=2)
    cli.add_argument("--keep", type=Path, help="folder for the files that did harm")
    args = cli.parse_args()
    found = (path for folder in args.folder for path in sorted(folder.rglob("*")))
    seeds = [path for path in found if path.is_file() and path.stat().st_size <= MAX_SEED_BYTES and is_media(path)]
    random.Random(args.seed).shuffle(seeds)
    counts: Counter[str] = Counter()
    with (
        tempfile.TemporaryDirectory() as folder,
        Pool(ScanSettings(limits=LIMITS), n_workers=args.jobs, build=Parsers) as pool,
    ):
        for outcome in pool.run(tasks(seeds, Path(folder), args.n, args.seed), lambda task, opened: Answer(scan=True)):
            code = outcome.error.code if outcome.error else "examined"
            counts[code] += 1
            if code in ("crashed", "timeout", "out-of-memory", "unreadable"):
                print(f"{outcome.task.shown}: {code}: {outcome.error}", flush=True)
                if args.keep is not None:
                    args.keep.mkdir(parents=True, exist_ok=True)
                    (args.keep / f"{outcome.task.path.name}-{outcome.task.name}").write_bytes(
                        outcome.task.path.read_bytes()
                    )
            outcome.task.path.unlink()
    harm = counts["crashed"] + counts["timeout"] + counts["out-of-memory"] + counts["unreadable"]
    print(f"{args.n} damaged files from {len(seeds)} seeds: {dict(counts.most_common())}; {harm} did harm")
    raise SystemExit(bool(harm))


if __name__ == "__main__":
    main()
