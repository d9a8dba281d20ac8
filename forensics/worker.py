"""One isolated process that examines one file after the other for the pool; what it dies of costs one file only."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors.loading import enough_to_load, usually_asked
from detectors.served_tower import ServedTower
from detectors.shared_tower import use_tower
from forensics.confinement import confine
from forensics.confinement.resources import allow_processor_time, extend_processor_time
from forensics.confinement.scratch import empty_folder, use_scratch
from forensics.containers.kinds import container_kind_of
from forensics.containers.member import Member
from forensics.errors import MediaError
from forensics.freed_memory import FreedMemory, trim
from forensics.group_signals import ignore_endings
from forensics.insides import bought_s, passing_by_s
from forensics.media import Kind, Media
from forensics.messages import Done, Entered, Examiner, Opened, Ready, Scanned, Step, Task
from forensics.report import ScanReport
from forensics.report_files import prepare
from forensics.settings import Limits, ScanSettings

Pixels = NDArray[np.uint8]

MAX_PREVIEWS = 32
"""Pictures of a video that a report may draw on, spread evenly: 60 MB at most, however many frames were sampled."""

MOMENT_SIDE_PX = 480
"""Long side of a frame that a finding names: several stand side by side."""

FIRST_SIDE_PX = 720
"""Long side of the picture that is shown while the rest of the examination goes on."""

WARM_SIDE_PX = 256
"""The least that every analyzer of images looks at."""

MAY_HOLD_FILES = ("not-media", "unsupported", "too-many-bytes")
"""Why a container is no media; an archive may be larger than any file that is examined."""

LOG, SCRATCH = "log", "scratch"
"""In the home of a worker: what C libraries print, whose last line explains a crash, and its temporary files."""

_APPENDING = os.O_WRONLY | os.O_CREAT | os.O_APPEND

MOMENTS_BUDGET_S = 5.0
"""Time for fetching frames that findings name; what is not there by then is left out of the report."""


def serve(
    connection: Connection,
    settings: ScanSettings,
    build: Callable[[ScanSettings], Examiner] | None,
    n_threads: int,
    forms: tuple[str, ...],
    language_code: str,
    live: bool,
    unpacked: Path,
    home: Path,
    tower: Connection | None = None,
) -> None:
    """Answer tasks until the parent hangs up. The target of a worker process.

    Args:
        connection: to the parent: Ready goes out; then Task comes in, Opened goes out, Answer comes in. If it was
            scanned, every Step and Scanned go out and, with forms, the report comes in again. At last Done goes out.
        settings: of the scan.
        build: makes the scanner; None for the real one.
        n_threads: that numeric libraries may use.
        forms: in which reports are drawn here, where a page that takes for ever costs one file only.
        language_code: that they are written in.
        live: somebody waits for each file: load everything before Ready, networks or not, and tell of every step.
        unpacked: folder below which it unpacks containers.
        home: folder of its own.
        tower: line to a process that runs the network which detectors share; None loads it here.
    """
    lacking = _isolate(home, unpacked, settings.limits, n_threads)
    if tower is not None:
        use_tower(ServedTower(tower))
    try:
        scanner = (build or _scanner)(settings)
    except (LookupError, ImportError, ValueError) as error:
        connection.send(Ready({}, f"{error}"))
        return
    prepare(forms, language_code)
    _limit_threads(n_threads)
    # On a crowded machine networks may take longer to load than a picture may take.
    to_load = settings.analyzers if live else _networks(settings, build)
    is_warm = live or bool(to_load)
    if is_warm:
        _warm_up((build or _scanner)(_rehearsal(replace(settings, analyzers=to_load))))
    connection.send(Ready(scanner.versions, is_warm=is_warm, lacking=lacking))
    freed = FreedMemory()
    while True:
        try:
            task = connection.recv()
            os.ftruncate(2, 0)
            allow_processor_time(settings.limits.cpu_s)
            done = _examine(task, scanner, connection, forms, language_code, live)
            empty_folder(home / SCRATCH)
            freed.settle()
            connection.send(done)
        except (EOFError, BrokenPipeError):
            return


def _pages(report: ScanReport, media: Media, forms: tuple[str, ...], language_code: str) -> dict[str, bytes]:
    from forensics.overlay import preview
    from forensics.pictures import PICTURES, layers, pack
    from forensics.report_files import PICTURE_FORMATS, render
    from forensics.report_page import moments

    pictures: dict[float, Pixels] = {}
    if any(form in (*PICTURE_FORMATS, PICTURES) for form in forms):
        if media.kind is Kind.IMAGE:
            pictures = {0.0: preview(media.pixels)}
        else:
            step = -(-len(media.frames) // MAX_PREVIEWS)
            pictures = {frame.time_s: preview(frame.pixels) for frame in media.frames[::step]}
            pictures |= media.moments(moments(report), side_px=MOMENT_SIDE_PX, budget_s=MOMENTS_BUDGET_S)
    pages = {form: render(report, pictures, form, language_code) for form in forms if form != PICTURES}
    return pages | ({PICTURES: pack(pictures, layers(media))} if PICTURES in forms else {})


def _scanner(settings: ScanSettings) -> Examiner:
    from forensics.scanner import Scanner

    return Scanner(settings)


def _examine(
    task: Task, scanner: Examiner, connection: Connection, forms: tuple[str, ...], language_code: str, live: bool
) -> Done:
    try:
        if task.path.exists() and not task.path.is_file():
            if task.path.is_symlink() and task.path.is_dir():
                raise MediaError("unreadable", "it is a link to a folder, which is not followed")
            # Opening a pipe waits for a writer for ever.
            what = "the folder cannot be listed" if task.path.is_dir() else "it is a device or a pipe, not a file"
            raise MediaError("unreadable", what)
        if not task.share.is_whole:
            # Whoever parted it has seen that it is a container: as a picture it would be examined once a share.
            if (kind := container_kind_of(task.path)) is None:
                raise MediaError("unreadable", "it was a container before, and is none any more")
            return _unpack(task, kind, scanner.settings.limits, connection)
        media = Media.open(task.path, name=task.name, limits=scanner.settings.limits)
        connection.send(Opened(media.sha256, str(media.kind), media.format, media.size_bytes, scanner.versions))
        answer = connection.recv()
        report = answer.known
        if answer.scan:
            tell = partial(_tell, connection, media)
            connection.send(Scanned(scanner.scan(media, tell) if live else scanner.scan(media)))
            report = connection.recv() if forms else None
        return Done({} if report is None else _pages(report, media, forms, language_code))
    except MediaError as error:
        if task.inside is not None and error.code in MAY_HOLD_FILES and (kind := container_kind_of(task.path)):
            return _unpack(task, kind, scanner.settings.limits, connection)
        return Done(code=error.code, message=str(error), sha256=_sha256(task.path, scanner.settings.limits.max_bytes))
    except (EOFError, BrokenPipeError):
        raise
    except OSError as error:
        return Done(code="unreadable", message=error.strerror or str(error))
    except MemoryError:
        return Done(code="out-of-memory", message="decoding it takes more memory than there is")


def _unpack(task: Task, kind: str, limits: Limits, connection: Connection) -> Done:
    """Tell the parent of every file inside a container."""
    from forensics.containers.unpacking import Unpacker

    assert task.inside is not None
    connection.send(Entered(kind))
    scratch = connection.recv()
    try:
        sha256 = _sha256(task.path, sys.maxsize) if task.share.is_first else ""
        extend_processor_time(passing_by_s(task.share, task.path.stat().st_size))
        unpacker = Unpacker(
            task.path,
            sha256,
            scratch,
            limits=task.inside,
            max_file_bytes=limits.max_bytes,
            tell=partial(_tell_found, connection),
            share=task.share,
        )
        account, error = unpacker.run(kind, task.name)
    except OSError as error_of_disk:
        return Done(code="unreadable", message=error_of_disk.strerror or str(error_of_disk))
    code, message = ("", "") if error is None else (error.code, str(error))
    return Done(code=code, message=message, sha256=sha256, account=account)


def _tell_found(connection: Connection, member: Member) -> None:
    extend_processor_time(bought_s(member))
    connection.send(member)
    if member.number:
        # The parent answers when there is room for another scratch file.
        connection.recv()


def _networks(settings: ScanSettings, build: Callable[[ScanSettings], Examiner] | None) -> tuple[str, ...]:
    """The analyzers that load networks, of those asked for."""
    asked = build is None and (settings.analyzers is None or "learned" in settings.analyzers)
    return ("learned",) if asked else ()


def _rehearsal(settings: ScanSettings) -> ScanSettings:
    """The same analyzers, none of them skipped for want of time: on a crowded machine loading takes a minute.

    No network is asked more often than it takes to load it.
    """
    unhurried = replace(settings, limits=replace(settings.limits, image_timeout_s=3600.0))
    try:
        asked = usually_asked(settings.models) if settings.detectors is None else settings.detectors
    except ValueError:
        # No detector can be named; the report of each file says why.
        return unhurried
    return replace(unhurried, detectors=enough_to_load(asked))


def _warm_up(scanner: Examiner) -> None:
    """Examine a grey picture: whatever is loaded when it is first needed is loaded now."""
    from forensics.overlay import to_jpeg

    grey = np.random.default_rng(0).normal(128, 20, (WARM_SIDE_PX, WARM_SIDE_PX, 1)).clip(0, 255).astype(np.uint8)
    scanner.scan(Media.open(to_jpeg(np.repeat(grey, 3, axis=2)), name="warm-up"))
    trim()


def _tell(connection: Connection, media: Media, name: str, report: ScanReport) -> None:
    from forensics.overlay import preview, to_jpeg

    picture = b""
    if name == "hash":
        pixels = media.pixels if media.kind is Kind.IMAGE else media.frames[0].pixels
        picture = to_jpeg(preview(pixels, FIRST_SIDE_PX))
    connection.send(Step(name, report, picture))


def _sha256(path: Path, max_bytes: int) -> str:
    """Hash of a file that is no media: its line must still say which file that was."""
    try:
        if not path.is_file() or path.stat().st_size > max_bytes:
            return ""
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _isolate(home: Path, unpacked: Path, limits: Limits, n_threads: int) -> tuple[str, ...]:
    """Leave this process nothing of the machine that reading files does not need; returns what could not be kept."""
    ignore_endings()
    # Decoders must not write over the progress bar of the parent.
    for path, flags, numbers in ((os.devnull, os.O_RDONLY, (0,)), (home / LOG, _APPENDING, (1, 2))):
        file = os.open(path, flags, 0o600)
        for number in numbers:
            os.dup2(file, number)
        os.close(file)
    (home / SCRATCH).mkdir(mode=0o700)
    use_scratch(home / SCRATCH)
    # Libraries that are imported later read this; those that are there already are told below.
    os.environ["OMP_NUM_THREADS"] = str(n_threads)
    return confine((home / SCRATCH, unpacked), max_file_bytes=limits.max_bytes)


def _limit_threads(n_threads: int) -> None:
    import cv2
    from threadpoolctl import threadpool_limits

    cv2.setNumThreads(n_threads)
    # Products are small here: on a busy machine a second BLAS thread took half as much processor time again, waiting.
    threadpool_limits({"blas": 1, "openmp": n_threads})
