"""Names what decides a result besides the file and the settings: this tool, its decoders, its fitted constants."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import PackageNotFoundError, entry_points, version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from detectors.catalog import DETECTORS
from detectors.registry import Registry
from forensics import __version__
from forensics.settings import ScanSettings

if TYPE_CHECKING:
    from forensics.messages import Examiner

DECISIVE = (
    "av",
    "c2pa-python",
    "jpeglib",
    "numpy",
    "onnxruntime",
    "opencv-python-headless",
    "pdqhash",
    "pillow",
    "pillow-heif",
    "scipy",
)
"""Distributions that decode or measure: another release may give another number."""


def decisive(settings: ScanSettings, build: Callable[[ScanSettings], Examiner] | None = None) -> dict[str, str]:
    """Name -> version of everything that may change a result; files the settings point at appear by their content.

    Args:
        settings: of the scan.
        build: makes the scanner, which knows its own; None for the real one.
    """
    return settled(settings) | promoted(settings) if build is None else dict(build(settings).versions)


def settled(settings: ScanSettings) -> dict[str, str]:
    """What of it stays as it is for as long as a scanner lives."""
    versions = {"unforged": __version__}
    for name in DECISIVE:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    fitted = Path(str(files("forensics") / "calibration"))
    versions["calibration"] = _content(fitted.glob("*.json"))
    # Cards name the hash of the weights, which are large and refused when they do not fit it.
    versions["weights"] = _content(Path(str(files("detectors") / "zoo")).glob("*.json"))
    for point in entry_points(group=DETECTORS.group):
        # The weights of a plug-in lie wherever it likes; its release stands for them.
        versions[f"detector {point.name}"] = point.dist.version if point.dist is not None else point.value
    if settings.trust_list is not None:
        versions["trust_list"] = _content([settings.trust_list])
    if settings.cameras is not None:
        # The cards name the hash of each fingerprint, which may be large.
        versions["cameras"] = _content(settings.cameras.glob("*.card.json"))
    if settings.fusion is not None:
        versions["fusion"] = _content([settings.fusion])
    if settings.models is not None:
        versions["outside models"] = _content(settings.models.glob("*/card.json"))
    return versions


def promoted(settings: ScanSettings) -> dict[str, str]:
    """What may change meanwhile: which versions of detectors, of those that were learned here, are promoted."""
    if settings.models is None:
        return {}
    registry, told = Registry(settings.models), {}
    for name in DETECTORS.names():
        try:
            version = registry.promoted(name) if registry.history(name) else None
        except (LookupError, ImportError, OSError, ValueError) as error:
            # The finding of that detector says so as well; the other detectors speak on.
            told[f"version of {name}"] = f"cannot be used: {error}"
        else:
            if version is not None and version.lineage is not None:
                words = version.lineage.in_words()
                told[f"version of {name}"] = f"{version.version}, {words}, SHA-256 {version.card.sha256}"
    return told


def digest(versions: Mapping[str, str]) -> str:
    """Short hash of versions, the same whatever their order."""
    return hashlib.sha256(json.dumps(dict(versions), sort_keys=True).encode()).hexdigest()[:16]


def _content(paths: Iterable[Path]) -> str:
    summed = hashlib.sha256()
    for path in sorted(path for path in paths if path.is_file()):
        summed.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return summed.hexdigest()[:16]
