"""Enrolled cameras: fingerprints of sensors made from reference photos, kept in a folder, compared with a photo."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors.fingerprint import (
    MATCH_PCE,
    FingerprintSum,
    Peak,
    best_peak,
    missing_fingerprint,
    noise_residual,
)
from forensics.errors import MediaError
from forensics.media import Kind, Media
from generators import weights
from generators.weights import ModelCard

Plane = NDArray[np.float32]

MIN_PHOTOS = 5
"""Fewer photos leave more of their scenes in the average than of the sensor; Lukas et al. 2006 advise over 50."""

VERSION = "1"
TASK = "camera fingerprint (PRNU) of one sensor, relative gain of each pixel as the sensor is read out"
PROBE_SIDE_PX = 2048
"""Side of the middle part that is compared: four million pixels identify a phone after the usual JPEG compression."""

MIN_PROBE_PX = 128
BLOCK_PX = 16
WINDOW_BLOCKS = 5
"""80 x 80 pixels a correlation; Chen et al. 2008 use 128 x 128 on full-size photos."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]{0,63}")

# EXIF orientation -> (mirrored first, quarter turns counter-clockwise) that bring the upright picture back to how the
# sensor was read.
_TO_STORED = {1: (0, 0), 2: (1, 0), 3: (0, 2), 4: (1, 2), 5: (1, 1), 6: (0, 1), 7: (1, 3), 8: (0, 3)}


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """The fixed pattern of one sensor.

    Attributes:
        name: letters, digits and underscores; also the name of its file.
        pattern: (H, W) float32 relative gain, in the orientation in which the sensor is read out.
        n_photos: how many photos it was made of.
        agreement_pce: peak-to-correlation energy between the fingerprints of either half of the photos.
    """

    name: str
    pattern: Plane
    n_photos: int
    agreement_pce: float

    def __post_init__(self) -> None:
        _check(self.name)


@dataclass(frozen=True)
class CameraMatch:
    """How well a photo fits a fingerprint.

    Attributes:
        name: of the camera.
        pce: peak-to-correlation energy.
        y_px, x_px: place of the photo's top left corner on the sensor, for cropped photos.
        quarter_turns: turns counter-clockwise that brought the photo to the sensor's orientation.
    """

    name: str
    pce: float
    y_px: int
    x_px: int
    quarter_turns: int

    @property
    def is_match(self) -> bool:
        """Whether the agreement is beyond chance (Goljan et al. 2009)."""
        return self.pce >= MATCH_PCE


def enroll(name: str, photos: Iterable[Media]) -> Fingerprint:
    """Make a fingerprint out of photos of one camera at full size.

    Args:
        name: letters, digits and underscores.
        photos: at least MIN_PHOTOS, better 20 and more, bright and smooth ones best; only one is held at a time.

    Raises:
        ValueError: too few photos, another size, or they do not share a sensor; says which in one line.
        MediaError: a photo cannot be decoded.
    """
    _check(name)
    halves: list[FingerprintSum] = []
    n_photos = 0
    for media in photos:
        plane = _as_stored(media)
        if not halves:
            halves = [FingerprintSum(plane.shape[:2]), FingerprintSum(plane.shape[:2])]
        try:
            halves[n_photos % 2].add(plane)
        except ValueError as error:
            raise ValueError(f"{media.name}: {error}; all must come straight from one camera") from None
        n_photos += 1
    if n_photos < MIN_PHOTOS:
        raise ValueError(f"a fingerprint takes at least {MIN_PHOTOS} photos, better 20, got {n_photos}")
    agreement = _agreement(halves[0].pattern(), halves[1].pattern())
    if agreement < MATCH_PCE:
        raise ValueError(
            f"the photos do not share a fingerprint (PCE {agreement:.0f}, {MATCH_PCE:.0f} needed): "
            "another camera among them, or too small or too strongly compressed"
        )
    return Fingerprint(name, (halves[0] + halves[1]).pattern(), n_photos, agreement)


def save(fingerprint: Fingerprint, folder: Path) -> ModelCard:
    """Write a fingerprint as `<name>-1.safetensors` with its card; an older one of that name is replaced."""
    height, width = fingerprint.pattern.shape
    card = ModelCard(
        name=fingerprint.name,
        version=VERSION,
        task=TASK,
        data={"photos": fingerprint.n_photos},
        settings={"width": width, "height": height},
        measures={"agreement_pce": round(fingerprint.agreement_pce, 1)},
        limits="finds neither rescaled photos nor those stabilised or corrected for their lens by software",
    )
    return weights.save({"pattern": fingerprint.pattern.astype(np.float16)}, card, folder)


def load(name: str, folder: Path) -> Fingerprint:
    """Read an enrolled camera.

    Raises:
        LookupError: no camera of that name.
        ValueError: the file is damaged or no fingerprint.
    """
    if not _NAME.fullmatch(name) or not (folder / f"{name}-{VERSION}.card.json").is_file():
        raise LookupError(f"no camera {name!r} is enrolled in {folder}")
    tensors, card = weights.load(f"{name}-{VERSION}", folder)
    pattern = tensors.get("pattern")
    if pattern is None or pattern.ndim != 2 or card.task != TASK:
        raise ValueError(f"{name}-{VERSION}.safetensors is not a camera fingerprint")
    agreement = float(card.measures.get("agreement_pce", 0.0))
    return Fingerprint(name, pattern.astype(np.float32), int(card.data.get("photos", 0)), agreement)


def enrolled(folder: Path) -> tuple[str, ...]:
    """Names of the cameras in a folder, sorted; empty if there is no such folder."""
    ending = f"-{VERSION}.card.json"
    found = (path.name.removesuffix(ending) for path in folder.glob(f"*{ending}"))
    return tuple(sorted(name for name in found if _NAME.fullmatch(name)))


def match(fingerprint: Fingerprint, media: Media) -> CameraMatch:
    """Compare a photo with a fingerprint: in place if it has the sensor's size, else at every shift (a crop).

    Raises:
        MediaError: the photo cannot be decoded.
        ValueError: the photo is a video, or too small.
    """
    plane = _as_stored(media)
    if min(plane.shape) < MIN_PROBE_PX:
        raise ValueError(f"needs at least {MIN_PROBE_PX} pixels a side")
    pattern = fingerprint.pattern
    found: list[CameraMatch] = []
    # Some programs turn the pixels and drop the orientation, so a full-size photo is tried all four ways round.
    for turns in range(4):
        turned = np.rot90(plane, turns)
        if turned.shape == pattern.shape:
            y, x, height, width = _middle(turned.shape)
            peak = _compare(pattern[y : y + height, x : x + width], turned[y : y + height, x : x + width])
            found.append(CameraMatch(fingerprint.name, peak.pce, peak.y_px, peak.x_px, turns))
            if found[-1].is_match:
                return found[-1]
    if not found and plane.shape[0] <= pattern.shape[0] and plane.shape[1] <= pattern.shape[1]:
        y, x, height, width = _middle(plane.shape)
        peak = _compare(pattern, plane[y : y + height, x : x + width])
        found.append(CameraMatch(fingerprint.name, peak.pce, peak.y_px - y, peak.x_px - x, 0))
    return max(found, key=lambda m: m.pce, default=CameraMatch(fingerprint.name, 0.0, 0, 0, 0))


def missing(fingerprint: Fingerprint, media: Media, place: CameraMatch) -> Plane | None:
    """Where a matching photo lacks the fingerprint, upright, (h, w) float32 in standard deviations.

    Args:
        fingerprint: that matched.
        media: the photo.
        place: what `match` returned.

    Returns:
        None when the photo does not lie on the sensor as a whole.
    """
    plane = np.ascontiguousarray(np.rot90(_as_stored(media), place.quarter_turns))
    y, x = place.y_px, place.x_px
    part = fingerprint.pattern[max(y, 0) : y + plane.shape[0], max(x, 0) : x + plane.shape[1]]
    if y < 0 or x < 0 or part.shape != plane.shape:
        return None
    short = missing_fingerprint(part, noise_residual(plane), plane, block_px=BLOCK_PX, window=WINDOW_BLOCKS)
    return media.upright(np.ascontiguousarray(np.rot90(short, -place.quarter_turns)))


def _check(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(f"a camera's name takes letters, digits and underscores, at most 64, not {name!r}")


def _compare(pattern: Plane, plane: Plane) -> Peak:
    plane = np.ascontiguousarray(plane)
    return best_peak(np.ascontiguousarray(pattern), noise_residual(plane), plane)


def _agreement(first: Plane, second: Plane) -> float:
    """Peak-to-correlation energy of two fingerprints in register; light of 1 makes them comparable."""
    y, x, height, width = _middle(first.shape)
    part = np.s_[y : y + height, x : x + width]
    return best_peak(first[part].copy(), second[part].copy(), np.ones((height, width), np.float32)).pce


def _middle(shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Top, left, height and width of the middle part; top and left are even, as the Bayer lattice is."""
    height, width = min(shape[0], PROBE_SIDE_PX), min(shape[1], PROBE_SIDE_PX)
    return (shape[0] - height) // 4 * 2, (shape[1] - width) // 4 * 2, height, width


def _as_stored(media: Media) -> Plane:
    """Luma as the sensor was read out, before the camera's orientation was applied."""
    if media.kind is Kind.VIDEO:
        raise MediaError("unsupported", f"{media.name} is a video; fingerprints are made of photos")
    mirrored, turns = _TO_STORED[media.image.orientation]
    luma = np.fliplr(media.luma) if mirrored else media.luma
    return np.ascontiguousarray(np.rot90(luma, turns))
