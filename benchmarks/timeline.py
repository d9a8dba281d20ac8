"""Plant repeated runs in real clips, and fit the likelihood ratio of the time line, split by source.

    python benchmarks/timeline.py --data DIR [--data DIR ...]

Each DIR holds real clips below it, one folder a source; only `train` sources belong there. A clip goes through the same
decoder, size and encoder whether a run of it was copied or not. Half of the sources fit and the other half judge, then
both change places; the shipped file is fitted on all. Clips of one source are alike, so the bounds of the ratio come
from the number of sources, not of clips. A video without a repeat may be manipulated in any other way: never below 0.
"""

from __future__ import annotations

import argparse
import io
import math
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.calibrate import HOME, calibrate, measure
from benchmarks.planting import Case
from forensics.errors import MediaError
from forensics.media import Media
from generators.images import Pixels

ENDINGS = {".mp4", ".mov", ".mkv", ".webm", ".avi"}
FEATURES = ["repeat_bits"]
SIDE_PX, MAX_FRAMES, MIN_FRAMES = 480, 200, 45

ENCODERS: tuple[tuple[str, dict[str, str]], ...] = (
    ("libx264", {"crf": "20"}),
    ("libx264", {"crf": "28"}),
    ("libx264", {"crf": "35"}),
    ("libx265", {"crf": "28", "x265-params": "log-level=none"}),
    ("libvpx-vp9", {"crf": "35", "b": "0", "cpu-used": "8", "deadline": "realtime"}),
    ("mpeg4", {"b": "3000000"}),
)
"""What cameras, sites and messengers use, from good to poor."""


def clips(folders: list[Path], per_source: int, seed: int) -> list[tuple[Path, str]]:
    """(path, source) of at most so many clips of each source."""
    rng = np.random.default_rng(seed)
    chosen: list[tuple[Path, str]] = []
    for home in sorted({p.parent for f in folders for p in f.rglob("*") if p.suffix.lower() in ENDINGS}):
        files = sorted(p for p in home.iterdir() if p.suffix.lower() in ENDINGS)
        chosen += [(files[i], home.name) for i in sorted(rng.permutation(len(files))[:per_source])]
    return chosen


def cases(chosen: list[tuple[Path, str]], seed: int) -> Iterator[Case]:
    """For each clip: its original bytes, its untouched twin and one with a run of it copied elsewhere."""
    for k, (path, source) in enumerate(chosen):
        rng = np.random.default_rng((seed, k))
        frames, fps = _frames(path)
        yield Case(path.read_bytes(), 0, source, "original")
        if len(frames) < MIN_FRAMES:
            continue
        encoder = ENCODERS[(k + seed) % len(ENCODERS)]
        length = int(rng.integers(10, min(40, len(frames) // 3)))
        start = int(rng.integers(0, len(frames) - length))
        away = [i for i in range(len(frames) + 1) if i <= start - 5 or i >= start + length + 12]
        at = int(rng.choice(away)) if away else len(frames)
        copied = frames[:at] + frames[start : start + length] + frames[at:]
        yield Case(encode(frames, fps, encoder), 0, source, "untouched")
        yield Case(encode(copied, fps, encoder), 1, source, "repeated")


def encode(frames: list[Pixels], fps: int, encoder: tuple[str, dict[str, str]]) -> bytes:
    """A Matroska video of frames (H, W, 3) uint8 with even sides."""
    import av

    out = io.BytesIO()
    with av.open(out, "w", format="matroska") as container:
        stream = container.add_stream(encoder[0], rate=fps, options=dict(encoder[1]))
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for pixels in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))
    return out.getvalue()


def _frames(path: Path) -> tuple[list[Pixels], int]:
    frames: list[Pixels] = []
    try:
        media = Media.open(path)
        for frame in media.decoded_frames(side_px=SIDE_PX):
            height, width = (s // 2 * 2 for s in frame.pixels.shape[:2])
            frames.append(np.ascontiguousarray(frame.pixels[:height, :width]))
            if len(frames) == MAX_FRAMES:
                break
    except MediaError as error:
        print(f"{path.name}: {error}", file=sys.stderr)
        return [], 25
    return frames, max(1, round(media.video.fps)) if media.video.fps else 25


def main() -> None:
    """Command line."""
    cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_argument("--data", type=Path, action="append", required=True)
    cli.add_argument("--per-source", type=int, default=8)
    cli.add_argument("--seed", type=int, default=1)
    cli.add_argument("--dry-run", action="store_true", help="print the rates, write nothing")
    args = cli.parse_args()
    cv2.setNumThreads(1)
    chosen = clips(args.data, args.per_source, args.seed)
    table = measure("timeline", FEATURES, cases(chosen, args.seed))
    model = calibrate(table, FEATURES, [1], "repeated runs planted in real clips", 2)
    n_sources = len(set(table.sources))
    model = replace(model, floor=0.0, ceiling=min(model.ceiling, math.log10(n_sources + 1)))
    model = replace(
        model, fitted_on=f"repeated runs planted in real clips of {n_sources} sources, one encoder for both"
    )
    print(
        f"  bounds 0 and {model.ceiling:.2f}; a repeat of 20 bits reads {model.llr({'repeat_bits': math.log2(21)}):.2f}"
    )
    if not args.dry_run:
        model.save(HOME / "timeline.json")
        print(f"  written: {HOME / 'timeline.json'}")


if __name__ == "__main__":
    main()
