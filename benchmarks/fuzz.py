"""Damage files of every kind and let a real scan examine them: it has to survive, and to leave no trace of them.

    python -m benchmarks.fuzz --files 2000 --seed 1 [--jobs 2] [--keep FOLDER] [DIR...]

Sound files are made for each parser: images, video, metadata tags, C2PA, JPEG internals, archives, mail, PDF and
Office; media and containers under DIR, those of at most 200 kB, join them. Each damaged file goes through the pool of
a scan, with isolated workers and the analyzers that parse bytes (ANALYZERS); what is nested is opened as well.

Prints how files of each parser ended. The laws are those of `benchmarks.fuzz_laws`; a broken one is named, and makes
the exit code 1. A file that cost a worker its life, or at which an analyzer raised, is kept.
"""

from __future__ import annotations

import argparse
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.fuzz_laws import Laws, Listener
from forensics.batch import DEFAULT_INSIDE
from forensics.containers.kinds import container_kind_of
from forensics.errors import MediaError
from forensics.media.sniff import HEAD_BYTES, sniff
from forensics.messages import Answer, Task
from forensics.outcome import Outcome
from forensics.pool import Pool
from forensics.settings import Limits, ScanSettings

ANALYZERS = ("metadata", "provenance", "jpeg_history", "ela", "timeline")
"""Those that parse bytes, and those that look at codecs' leavings; others see only decoded pixels."""

LIMITS = Limits(
    max_pixels=4_000_000, max_frames=200, n_frames=4, frame_side_px=320, timeout_s=30.0, image_timeout_s=20.0
)
"""Smaller than the defaults, so that a claim that grew costs little. The times allow for a machine with other work."""

MAX_SEED_BYTES = 200_000

SUSPECT = ("crashed", "timeout", "out-of-cpu-time", "out-of-memory", "unreadable")
"""What costs a worker its life, and what has no reason: nothing is lost by it, but somebody should look."""

INTERESTING = (b"\0", b"\xff", b"\x7f", b"\x80", b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\1")

Damage = Callable[[bytes, random.Random], bytes]

_RAISED = re.compile(r"\w*([Ee]rror|Exception|Iteration|Exit|Warning|Interrupt): ")
"""How the scanner words an exception that an analyzer should not have let through."""


@dataclass(frozen=True)
class Mutant:
    """A damaged file.

    Attributes:
        parser: that the sound one was made for.
        origin: the sound one.
        path: where it lies.
    """

    parser: str
    origin: str
    path: Path


@dataclass
class Survey:
    """What became of them.

    Attributes:
        counts: parser -> how its files ended -> files, with those found inside them.
        suspects: what somebody should look at, a line each.
        broken: laws that were broken, a line each.
    """

    counts: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    suspects: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


def damaged(data: bytes, rng: random.Random) -> bytes:
    """One to eight changes: bits, bytes, lengths, runs that are repeated, moved or dropped; now and then cut off."""
    work = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 3, 5, 8))):
        # Headers are short and decide most; tables of contents lie at the end.
        at = rng.randrange(min(len(work), rng.choice((64, 512, 4096, len(work)))) or 1)
        at = len(work) - 1 - at if rng.random() < 0.2 else at
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


def mutants(
    sound: Mapping[str, Mapping[str, bytes]], folder: Path, n: int, seed: int, damage: Damage = damaged
) -> Iterator[Mutant]:
    """n damaged files, as many for each parser, written one by one as workers ask for them."""
    parsers = [(parser, sorted(files.items())) for parser, files in sound.items() if files]
    for i in range(n):
        parser, files = parsers[i % len(parsers)]
        origin, data = files[i // len(parsers) % len(files)]
        path = folder / f"{i:06d}"
        path.write_bytes(damage(data, random.Random(f"{seed} {i}")))
        yield Mutant(parser, origin, path)


def survey(
    sound: Mapping[str, Mapping[str, bytes]],
    n: int,
    seed: int,
    *,
    n_workers: int = 1,
    damage: Damage = damaged,
    keep: Path | None = None,
    listener: Listener | None = None,
) -> Survey:
    """Damage sound files, examine them and check the laws.

    Args:
        sound: parser -> name -> file.
        n: damaged files.
        seed: of the damage.
        n_workers: processes.
        damage: what changes a file.
        keep: folder for files that somebody should look at; None keeps none.
        listener: a server that nobody may call; None listens to nothing.
    """
    done, waiting = Survey(), dict[str, Mutant]()
    settings = ScanSettings(limits=LIMITS, analyzers=ANALYZERS)
    with Laws(n, done.broken, listener) as laws, Pool(settings, n_workers=n_workers) as pool:

        def tasks() -> Iterator[Task]:
            for mutant in mutants(sound, laws.evidence, n, seed, damage):
                waiting[str(mutant.path)] = mutant
                yield Task(mutant.path, str(mutant.path), mutant.path.name, inside=DEFAULT_INSIDE)

        for outcome in pool.run(tasks(), lambda task, opened: Answer(scan=True)):
            mutant = waiting[outcome.task.container or str(outcome.task.path)]
            told = _told(outcome)
            done.counts[mutant.parser][told] += 1
            laws.ended(outcome, LIMITS)
            if told in SUSPECT or told.startswith("analyzer "):
                name = f"{seed}-{mutant.path.name}-{mutant.origin.replace(' ', '-')}"
                done.suspects.append(f"{name} for {mutant.parser}: {told}: {_why(outcome)}")
                if keep is not None:
                    keep.mkdir(parents=True, exist_ok=True)
                    (keep / name).write_bytes(mutant.path.read_bytes())
    return done


def _told(outcome: Outcome) -> str:
    """How a file ended, in one word or two."""
    if outcome.error is not None:
        return outcome.error.code
    if outcome.report is None:
        return "opened"
    raised = sorted(name for name, said in outcome.report.failed.items() if _RAISED.match(said))
    return f"analyzer {raised[0]} raised" if raised else "examined"


def _why(outcome: Outcome) -> str:
    return str(outcome.error or (outcome.report and dict(outcome.report.failed)))


def _found(folders: Sequence[Path], seed: int) -> dict[str, bytes]:
    """Small media and containers below folders, in random order."""
    paths = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    paths = [path for path in paths if 0 < path.stat().st_size <= MAX_SEED_BYTES and _is_read(path)]
    random.Random(seed).shuffle(paths)
    return {path.name: path.read_bytes() for path in paths}


def _is_read(path: Path) -> bool:
    """Whether the file begins like one that is examined or opened."""
    with path.open("rb") as file, suppress(MediaError):
        return bool(sniff(file.read(HEAD_BYTES)))
    return container_kind_of(path) is not None


def main() -> None:
    """Command line."""
    from tests.properties.sound import by_parser

    cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_argument("folder", type=Path, nargs="*")
    cli.add_argument("--files", type=int, default=2000)
    cli.add_argument("--seed", type=int, default=1)
    cli.add_argument("--jobs", type=int, default=2)
    cli.add_argument("--keep", type=Path, default=Path("fuzz-kept"), help="folder for files to look at")
    args = cli.parse_args()
    with Listener() as listener:
        sound = {**by_parser(listener.url), "files found": _found(args.folder, args.seed)}
        done = survey(sound, args.files, args.seed, n_workers=args.jobs, keep=args.keep.absolute(), listener=listener)
    for parser, counts in done.counts.items():
        print(f"{parser}: {', '.join(f'{told} {n}' for told, n in counts.most_common())}")
    for line in done.suspects:
        print(f"look at {line}")
    for line in done.broken:
        print(f"BROKEN {line}")
    n_found = sum(sum(counts.values()) for counts in done.counts.values())
    ends = f"{len(done.suspects)} to look at, {len(done.broken)} laws broken"
    print(f"{args.files} damaged files, {n_found} results: {ends}")
    raise SystemExit(bool(done.broken))


if __name__ == "__main__":
    main()
