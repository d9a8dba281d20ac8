"""Pictures and clips of known origin: what is known of each, how it is read, and which sources are held out.

A source is a repository, a camera or a person: pictures of one source resemble each other, so a source lies on one side
of a split as a whole.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from generators import decoding
from generators.images import Pixels

EDIT = "edit"
"""Family of real photos of which a part was altered: a case for localisation, not for "wholly synthetic"."""


@dataclass(frozen=True)
class Example:
    """One picture or clip of known origin.

    Attributes:
        path: where it lies.
        label: 1 fake, 0 real.
        source: where it was taken from; never on both sides of a split.
        generator: what made it, "-" for a real one.
        family: kind of generator, such as diffusion, gan_face, faceswap or edit; "-" where unsaid.
        split: side it was assigned to by whoever listed it, such as train or eval; "" where unsaid.
        content: what it shows, in a word; "" where unsaid.
        is_video: whether it is a clip.
        crop: x, y, width, height of the part to use in pixels: the rest carries a mark or other panels.
        note: what else the list says.
        mask: picture that is white where this one was altered; None where unsaid.
    """

    path: Path
    label: int
    source: str
    generator: str = "-"
    family: str = "-"
    split: str = ""
    content: str = ""
    is_video: bool = False
    crop: tuple[int, int, int, int] | None = None
    note: str = ""
    mask: Path | None = None

    def __post_init__(self) -> None:
        if self.label not in (0, 1):
            raise ValueError(f"a label is 0 or 1, not {self.label!r}")
        if not self.source:
            raise ValueError(f"{self.path} needs a source: without one no split is honest")
        if self.crop is not None and min(self.crop[2:]) <= 0:
            raise ValueError(f"a crop needs a size, not {self.crop}")


Reader: TypeAlias = Callable[[Example], Sequence[Pixels]]
"""An example as pictures: one, or the frames of a clip. ValueError if it cannot be read."""


def read_pixels(example: Example) -> Pixels:
    """Pixels of a picture as a scan sees it, (H, W, 3) uint8 sRGB, cropped to the part to use.

    Raises:
        ValueError: it is a clip, broken, or smaller than its crop.
    """
    if example.is_video:
        raise ValueError(f"{example.path} is a clip, not a picture")
    return cropped(decoding.read_pixels(example.path), example)


def cropped(pixels: Pixels, example: Example) -> Pixels:
    """The part of a picture or frame at full size that is to be used.

    Raises:
        ValueError: it is smaller than its crop.
    """
    if example.crop is None:
        return pixels
    x, y, width, height = example.crop
    if y + height > pixels.shape[0] or x + width > pixels.shape[1]:
        raise ValueError(f"{example.path} is {pixels.shape[1]} x {pixels.shape[0]}, its crop is {example.crop}")
    return np.ascontiguousarray(pixels[y : y + height, x : x + width])


def read_picture(example: Example) -> tuple[Pixels]:
    """The reader of pictures."""
    return (read_pixels(example),)


def split_by_source(
    examples: Sequence[Example], *, share: float, seed: int
) -> tuple[tuple[Example, ...], tuple[Example, ...]]:
    """Hold whole sources out.

    Args:
        examples: of both classes.
        share: of each class that is held out at least, 0..1; whole sources may make it more.
        seed: decides which sources.

    Returns:
        Those to learn from, and those held out; both hold both classes.

    Raises:
        ValueError: there are too few sources for that.
    """
    if not 0.0 < share < 1.0:
        raise ValueError(f"the share held out must lie between 0 and 1, not {share}")
    counts: dict[str, Counter[int]] = {}
    for example in examples:
        counts.setdefault(example.source, Counter())[example.label] += 1
    quota = {label: share * sum(c[label] for c in counts.values()) for label in (0, 1)}
    names = sorted(counts)
    np.random.default_rng(seed).shuffle(names)
    # A source that holds more than what is wanted comes last: many small ones tell more about strangers.
    names.sort(key=lambda name: sum(counts[name].values()) > max(quota.values()))
    held: set[str] = set()
    n_held: Counter[int] = Counter()
    for name in names:
        if any(counts[name][label] and n_held[label] < quota[label] for label in (0, 1)):
            held.add(name)
            n_held += counts[name]
    kept = tuple(e for e in examples if e.source not in held)
    out = tuple(e for e in examples if e.source in held)
    for side, part in (("to learn from", kept), ("held out", out)):
        if {e.label for e in part} != {0, 1}:
            raise ValueError(f"{len(counts)} sources are too few: what is {side} lacks fakes or reals")
    return kept, out


def matched_sources(examples: Iterable[Example], *, n_least: int = 5) -> tuple[str, ...]:
    """Sources that hold fakes and reals: there the content does not tell the class, so they are the true test.

    Args:
        examples: of both classes.
        n_least: pictures of each class that a source must hold.
    """
    counts: dict[str, Counter[int]] = {}
    for example in examples:
        counts.setdefault(example.source, Counter())[example.label] += 1
    return tuple(sorted(name for name, found in counts.items() if min(found[0], found[1]) >= n_least))


def first_by_hash(examples: Sequence[Example], most: int) -> tuple[Example, ...]:
    """At most so many of each source, in their order: the same ones whatever else is listed.

    Args:
        examples: of any sources.
        most: of one source and class; the first by the hash of their names are kept.
    """
    owned: dict[tuple[str, int], list[Example]] = {}
    for example in examples:
        owned.setdefault((example.source, example.label), []).append(example)
    kept = {e.path for own in owned.values() for e in sorted(own, key=_name_hash)[:most]}
    return tuple(e for e in examples if e.path in kept)


def _name_hash(example: Example) -> str:
    return hashlib.sha256(example.path.name.encode()).hexdigest()
