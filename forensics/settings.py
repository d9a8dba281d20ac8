"""Everything a scan depends on besides the file, in one frozen object that each report stores."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

MIB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """What one file may cost. Checked on headers, before anything is allocated.

    Attributes:
        max_bytes: size of the file.
        max_image_bytes: size of a file that is an image; images are read whole, videos are not.
        max_pixels: width times height, of an image or of one video frame.
        max_frames: frames an animated image may hold before it is refused.
        max_duration_s: length a video may claim before it is refused.
        n_frames: frames sampled evenly from a video or an animated image.
        frame_side_px: longest side that sampled video frames are shrunk to.
        timeout_s: wall-clock time for the whole examination of one video.
        image_timeout_s: wall-clock time for the whole examination of one image.
        cpu_s: processor time for the whole examination of one file, all threads together; whole seconds, rounded up.
        memory_bytes: resident memory that a worker may grow to while it examines one file; seen to pass it by 30 MB
            until it is stopped, which keeps the default under 1.5 GB.
    """

    max_bytes: int = 2048 * MIB
    max_image_bytes: int = 256 * MIB
    max_pixels: int = 50_000_000
    max_frames: int = 10_000
    max_duration_s: float = 6 * 3600.0
    n_frames: int = 16
    frame_side_px: int = 1280
    timeout_s: float = 60.0
    image_timeout_s: float = 10.0
    cpu_s: float = 300.0
    memory_bytes: int = 1400 * MIB

    def __post_init__(self) -> None:
        for item in fields(self):
            if getattr(self, item.name) <= 0:
                raise ValueError(f"limit {item.name} must be above 0, not {getattr(self, item.name)}")

    def seconds(self, *, is_video: bool) -> float:
        """Wall-clock time for the whole examination of one file."""
        return self.timeout_s if is_video else self.image_timeout_s


_PATHS = ("trust_list", "cameras", "models", "fusion")
"""Settings that are paths."""

_NAMES = ("analyzers", "detectors")
"""Settings that are lists of names."""


@dataclass(frozen=True)
class ScanSettings:
    """Settings of a scan.

    Attributes:
        limits: what one file may cost.
        analyzers: names to run, in this order; None runs every installed one.
        detectors: trained detectors that the analyzer `learned` asks, in this order; None asks every one there is
            that stands in for no other.
        prior: share of manipulated files expected beforehand, 0..1; turns a likelihood ratio into a probability.
        likely_llr: total log10 likelihood ratio from which the opinion is *likely ...*.
        inconclusive_llr: total from which the opinion is *inconclusive* instead of *no trace found*.
        trust_list: PEM file with the C2PA trust anchors; None takes the one that ships.
        cameras: folder with enrolled camera fingerprints (`unforged camera enroll`); None compares with none.
        fusion: a model that weighs all findings together (`unforged train fusion`), for the eye; None does without.
        models: folder with outside models (`unforged models add`) and versions of detectors that were learned here, of
            which the promoted ones are used; None asks only the installed detectors as they ship.
    """

    limits: Limits = field(default_factory=Limits)
    analyzers: tuple[str, ...] | None = None
    detectors: tuple[str, ...] | None = None
    prior: float = 0.5
    likely_llr: float = 1.0
    inconclusive_llr: float = 0.4
    trust_list: Path | None = None
    cameras: Path | None = None
    models: Path | None = None
    fusion: Path | None = None

    def __post_init__(self) -> None:
        if not 0.0 < self.prior < 1.0:
            raise ValueError(f"prior must lie between 0 and 1, not {self.prior}")
        if not 0.0 <= self.inconclusive_llr <= self.likely_llr:
            raise ValueError("inconclusive_llr must lie between 0 and likely_llr")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, the same for equal settings."""
        plain = asdict(self)
        for name in _PATHS:
            plain[name] = None if plain[name] is None else str(plain[name])
        for name in _NAMES:
            plain[name] = None if plain[name] is None else list(plain[name])
        if self.detectors is None:
            # Older than this setting are stored scans that asked every detector: their digest stays what it was.
            del plain["detectors"]
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> ScanSettings:
        """The opposite of `to_dict`.

        Raises:
            ValueError: a setting is unknown or out of its range.
        """
        values = dict(plain)
        try:
            values["limits"] = Limits(**values.get("limits", {}))
            for name in _PATHS:
                values[name] = None if values.get(name) is None else Path(values[name])
            for name in _NAMES:
                values[name] = None if values.get(name) is None else tuple(values[name])
            return cls(**values)
        except TypeError as error:
            raise ValueError(f"not the settings of a scan: {error}") from error

    @cached_property
    def digest(self) -> str:
        """Short hash of the settings; a file scanned under the same digest and version is not scanned again."""
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()[:16]
