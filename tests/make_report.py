"""Reports for tests: one written by hand with known content, and a hypothesis strategy over all of them."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from forensics.finding import MAX_FINDING_LLR, Claim, Finding, Heat, Region, SaidBy, Trace
from forensics.report import ScanReport
from forensics.settings import Limits, ScanSettings
from forensics.verdict import weigh

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "{{ 7*7 }}{% raw %}",
    "</style><link rel=stylesheet href=http://evil.example/x.css>",
    "javascript:alert(1)",
    "\u202egpj.exe\u2066",
    "null\x00bell\x07escape\x1b[31m",
    "lone \udcff surrogate",
    "名前 שלום 🦊",
    "A" * 10_000,
)


def heat(seed: int, *, width: int = 128, height: int = 96, n_spots: int = 2) -> Heat:
    """A smooth map with a few bright spots over a low, uneven floor."""
    rng = np.random.default_rng(seed)
    values = cv2.GaussianBlur(rng.random((height, width), dtype=np.float32), (0, 0), 2.0)
    values = 0.35 * (values - values.min()) / (values.max() - values.min())
    y, x = np.mgrid[:height, :width].astype(np.float32)
    for _ in range(n_spots):
        cy, cx, size = rng.uniform(0.2, 0.8) * height, rng.uniform(0.2, 0.8) * width, rng.uniform(0.05, 0.12) * width
        values += 0.9 * np.exp(-(((y - cy) ** 2 + (x - cx) ** 2) / (2 * size**2)))
    return Heat(np.clip(values, 0, 1).astype(np.float32), "bright where the trace is strongest")


def report(findings: tuple[Finding, ...] | None = None, **changes: Any) -> ScanReport:
    """A fixed report over a 768 x 576 JPEG; keyword arguments replace its attributes."""
    settings = changes.pop("settings", ScanSettings(prior=0.2))
    found = example_findings() if findings is None else findings
    attributes: dict[str, Any] = {
        "filename": "holiday.jpg",
        "path": "inbox/holiday.jpg",
        "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "kind": "image",
        "format": "jpeg",
        "size_bytes": 1_482_113,
        "width": 768,
        "height": 576,
        "duration_s": None,
        "verdict": weigh(found, settings),
        "findings": found,
        "skipped": {"timeline": "a still image has no time line", "learned": "no detector is installed"},
        "failed": {"provenance": "MediaError: the manifest store is cut off"},
        "settings": settings,
        "versions": {"unforged": "0.1.0", "jpeg_history": "fitted 2025-01, 1,200 pictures"},
        "timings_s": {"decode": 0.04, "copy_move": 0.41},
        "scanned_at": "2025-02-03T04:05:06+00:00",
        "pdq": ("0f" * 32,),
    }
    return ScanReport(**{**attributes, **changes})


def example_findings() -> tuple[Finding, ...]:
    """One finding of each sort: strong with regions, weak with heat, against, for the eye, with hostile rows."""
    return (
        Finding(
            "copy_move",
            Trace.GEOMETRY,
            "A part in the lower left was copied to the upper right, turned by 12 degrees.",
            1.7,
            Claim.MANIPULATED,
            "Repeated patterns such as windows or tiles can look alike without any copying.",
            {"n_matches": 84.0, "angle_deg": 12.1},
            (("Turned by", "12.1 degrees"), ("Matching points", "84")),
            (
                Region(80, 320, 180, 140, "original", 0.9, None, 1),
                Region(470, 90, 190, 150, "copy", 0.9, None, 1),
            ),
            heat(3),
        ),
        Finding(
            "jpeg_history",
            Trace.COMPRESSION,
            "A part of the picture was compressed one time less than the rest.",
            0.62,
            Claim.MANIPULATED,
            "Flat or very dark parts can look like this too.",
            {"share": 0.08},
            heat=heat(4),
        ),
        Finding("noise", Trace.SENSOR, "The noise is the same everywhere.", -0.4, measures={"contrast": 0.8}),
        Finding("ela", Trace.COMPRESSION, "Error levels, for the eye.", heat=heat(5, n_spots=0)),
        Finding(
            "metadata",
            Trace.PROVENANCE,
            "The file names no camera.",
            details=tuple((f"Field {i}", text) for i, text in enumerate(HOSTILE)),
        ),
    )


def pixels(seed: int, *, width: int = 768, height: int = 576) -> NDArray[np.uint8]:
    """A quick picture without sensor statistics."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 255, (12, 16, 3), dtype=np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.uint8)


_TEXT = st.text(max_size=30)
_NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,11}", fullmatch=True)
_TIMES = st.floats(0, 1e5)
_LLR = st.none() | st.floats(-MAX_FINDING_LLR, MAX_FINDING_LLR)
_HEX = st.text("0123456789abcdef", min_size=64, max_size=64)


@st.composite
def heats(draw: st.DrawFn) -> Heat:
    """Any small map that lies on 8-bit levels, which is what a report keeps."""
    height, width = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    levels = np.frombuffer(draw(st.binary(min_size=height * width, max_size=height * width)), np.uint8)
    values = levels.reshape(height, width).astype(np.float32) / np.float32(255)
    return Heat(values, draw(_TEXT), draw(st.none() | _TIMES))


@st.composite
def any_findings(draw: st.DrawFn) -> Finding:
    """Any valid finding."""
    place = st.integers(0, 10_000)
    side = st.integers(1, 10_000)
    region = st.builds(
        Region, place, place, side, side, _TEXT, st.none() | st.floats(0, 1), st.none() | _TIMES, st.none() | place
    )
    return Finding(
        draw(_NAMES),
        draw(st.sampled_from(Trace)),
        draw(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=40)),
        draw(_LLR),
        draw(st.sampled_from(Claim)),
        draw(_TEXT),
        draw(st.dictionaries(_TEXT, st.floats(allow_nan=False, allow_infinity=False), max_size=3)),
        tuple(draw(st.lists(st.tuples(_TEXT, _TEXT), max_size=3))),
        tuple(draw(st.lists(region, max_size=3))),
        draw(st.none() | heats()),
        tuple(draw(st.lists(_TIMES, max_size=3))),
        draw(st.none() | st.sampled_from(SaidBy)),
    )


@st.composite
def any_reports(draw: st.DrawFn) -> ScanReport:
    """Any valid report, hostile strings included."""
    settings = ScanSettings(
        limits=Limits(n_frames=draw(st.integers(1, 99))),
        analyzers=draw(st.none() | st.lists(_NAMES, max_size=3).map(tuple)),
        prior=draw(st.floats(0.001, 0.999)),
    )
    found = tuple(draw(st.lists(any_findings(), max_size=4)))
    return report(
        found,
        settings=settings,
        filename=draw(_TEXT),
        path=draw(_TEXT),
        sha256=draw(_HEX),
        kind=draw(st.sampled_from(["image", "video"])),
        duration_s=draw(st.none() | _TIMES),
        skipped=draw(st.dictionaries(_NAMES, _TEXT, max_size=3)),
        failed=draw(st.dictionaries(_NAMES, _TEXT, max_size=3)),
        versions=draw(st.dictionaries(_TEXT, _TEXT, max_size=3)),
        timings_s=draw(st.dictionaries(_NAMES, _TIMES, max_size=3)),
        pdq=tuple(draw(st.lists(_HEX, max_size=2))),
    )
