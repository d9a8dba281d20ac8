"""Analyzers that break one rule each."""

from __future__ import annotations

import os
import random
import socket
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np

from forensics.finding import Claim, Finding, Heat, Region, Trace
from forensics.media import Kind, Media
from forensics.settings import ScanSettings


class Sound:
    """Breaks none."""

    name: ClassVar[str] = "sound"
    trace: ClassVar[Trace] = Trace.SENSOR
    title: ClassVar[str] = "Sound one"
    about: ClassVar[str] = "Says how bright a picture is, which tells nothing."

    def __init__(self, settings: ScanSettings) -> None:
        self.settings = settings

    def skip_reason(self, media: Media) -> str | None:
        return None if media.kind is Kind.IMAGE else "only still pictures have one brightness"

    def examine(self, media: Media) -> Iterable[Finding]:
        heat = cv2.resize(media.luma, None, fx=0.25, fy=0.25) if min(media.luma.shape) > 8 else media.luma
        yield self.finding(heat=Heat(np.clip(heat / 255, 0, 1), "bright"), measures={"luma": float(media.luma.mean())})

    def finding(self, summary: str = "The picture is bright", **given: Any) -> Finding:
        return Finding(**({"analyzer": self.name, "trace": self.trace, "summary": summary, "llr": None} | given))


class Shouting(Sound):
    name = "SHOUTING"


class Untitled(Sound):
    title = ""


class MarkedUp(Sound):
    about = "Looks for <b>everything</b>."


class Homeless(Sound):
    trace = "sensor"  # type: ignore[assignment]


class Sentence(Sound):
    def skip_reason(self, media: Media) -> str | None:
        return "This file cannot be examined."


class Wordless(Sound):
    def skip_reason(self, media: Media) -> str | None:
        return ""


class Yes(Sound):
    def skip_reason(self, media: Media) -> Any:
        return False


class Falling(Sound):
    def examine(self, media: Media) -> Iterable[Finding]:
        yield self.finding(measures={"third row": float(media.luma[2].mean())})


class Mute(Sound):
    def examine(self, media: Media) -> Iterable[Finding]:
        return ()


class Claimless(Sound):
    def examine(self, media: Media) -> Iterable[Finding]:
        yield self.finding(llr=1.0)


class Overconfident(Sound):
    def examine(self, media: Media) -> Iterable[Finding]:
        yield self.finding(llr=9.0, claim=Claim.SYNTHETIC)


class Glowing(Sound):
    def examine(self, media: Media) -> Iterable[Finding]:
        yield self.finding(heat=Heat(media.luma, "not divided by 255"))


class Dictionary(Sound):
    def examine(self, media: Media) -> Iterable[Any]:
        yield {"summary": "The picture is bright"}


class Impostor(Sound):
    def examine(self, media: Media) -> Iterable[Finding]:
        yield self.finding(analyzer="metadata")


class Stray(Sound):
    def examine(self, media: Media) -> Iterable[Finding]:
        yield self.finding(trace=Trace.LEARNED)


class Lengthy(Sound):
    def examine(self, media: Media) -> Iterable[Finding]:
        yield self.finding("The picture is bright and " * 40)


class Programmer(Sound):
    def examine(self, media: Media) -> Iterable[Finding]:
        yield self.finding("Brightness None of 255")


class Overhanging(Sound):
    def examine(self, media: Media) -> Iterable[Finding]:
        yield self.finding(regions=(Region(0, 0, media.image.width + 1, 1),))


class Sideways(Sound):
    def examine(self, media: Media) -> Iterable[Finding]:
        yield self.finding(heat=Heat(media.stored_luma / 255, "as stored, not upright"))


class Late(Sound):
    def skip_reason(self, media: Media) -> str | None:
        return None

    def examine(self, media: Media) -> Iterable[Finding]:
        yield self.finding(times_s=(1e6,))


class Counting(Sound):
    """Remembers how many files it has seen."""

    n_seen = 0

    def examine(self, media: Media) -> Iterable[Finding]:
        self.n_seen += 1
        yield self.finding(measures={"seen": float(self.n_seen)})


class Rolling(Sound):
    def examine(self, media: Media) -> Iterable[Finding]:
        yield self.finding(measures={"dice": float(np.random.default_rng().normal())})


class Painter(Sound):
    def examine(self, media: Media) -> Iterable[Finding]:
        media.pixels[:1] = 0
        yield self.finding()


class Lockpick(Sound):
    def examine(self, media: Media) -> Iterable[Finding]:
        media.luma.flags.writeable = True
        media.luma[:1] += 1
        yield self.finding()


class Talkative(Sound):
    def examine(self, media: Media) -> Iterable[Finding]:
        print("examining", media.name)
        yield self.finding()


class Muttering(Sound):
    """Prints as a C library does."""

    def examine(self, media: Media) -> Iterable[Finding]:
        os.write(2, b"warning: no profile\n")
        yield self.finding()


class Writing(Sound):
    """Writes where only the operating system's permissions end."""

    def examine(self, media: Media) -> Iterable[Finding]:
        Path(__file__).with_suffix(".cache").open("a").close()
        Path(__file__).with_suffix(".cache").unlink()
        yield self.finding()


class Littering(Sound):
    """Leaves a scratch file behind, written by a C library."""

    def examine(self, media: Media) -> Iterable[Finding]:
        cv2.imwrite("debug.png", media.pixels)
        yield self.finding()


class Calling(Sound):
    def examine(self, media: Media) -> Iterable[Finding]:
        with socket.socket() as line:
            line.settimeout(0.01)
            line.connect_ex(("127.0.0.1", 9))
        yield self.finding()


class Fetching(Sound):
    def examine(self, media: Media) -> Iterable[Finding]:
        try:
            urllib.request.urlopen("http://127.0.0.1:9/weights", timeout=0.01)
        except OSError:
            yield self.finding()


class Seeding(Sound):
    def examine(self, media: Media) -> Iterable[Finding]:
        random.seed(1)
        yield self.finding()


class SeedingNumpy(Sound):
    def examine(self, media: Media) -> Iterable[Finding]:
        np.random.seed(1)  # noqa: NPY002
        yield self.finding()


class Exporting(Sound):
    def examine(self, media: Media) -> Iterable[Finding]:
        os.environ["SOUND_WAS_HERE"] = media.name
        yield self.finding()


class Threading(Sound):
    def examine(self, media: Media) -> Iterable[Finding]:
        cv2.setNumThreads(cv2.getNumThreads() + 1)
        yield self.finding()
