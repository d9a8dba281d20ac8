"""Makes each detector once a process, in the version that is promoted: weights are large and slow to read."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from detectors.base import Detector
from detectors.catalog import DETECTORS, LOOKS_AGAIN, STAND_INS
from detectors.shipped import shipped

if TYPE_CHECKING:
    from detectors.lineage import Lineage, Version
    from generators.weights import ModelCard


def available(models: Path | None = None) -> tuple[str, ...]:
    """Names of all detectors: installed ones first, then the outside models in a folder. Nothing is imported.

    Raises:
        ValueError: an outside model has the name of an installed detector. A silent winner would change results.
    """
    from detectors.outside.model_folder import names

    installed, outside = DETECTORS.names(), names(models)
    if clash := sorted({*installed} & {*outside}):
        raise ValueError(f"the outside model {clash[0]} has the name of an installed detector; remove or rename it")
    return installed + outside


def usually_asked(models: Path | None = None) -> tuple[str, ...]:
    """Those of `available` that a scan asks which names none: no stand-in of another.

    Raises:
        ValueError: as for `available`.
    """
    return tuple(name for name in available(models) if name not in STAND_INS)


def enough_to_load(names: Sequence[str]) -> tuple[str, ...]:
    """Those among these detectors that load every network when they are asked once: the rest has none of its own."""
    return tuple(name for name in names if LOOKS_AGAIN.get(name) not in names)


def load(name: str, models: Path | None = None) -> Detector:
    """The detector of that name, the same object every time.

    Args:
        name: of an installed detector or an outside model.
        models: folder of outside models and of versions that were learned here; None knows none.

    Raises:
        LookupError: there is none.
        ImportError: it needs a library that is not installed.
        ValueError: the card of an outside model makes no sense, or the promoted version is damaged or gone.
    """
    from detectors.outside.model_folder import CARD, names

    if models is not None and name in names(models) and name not in DETECTORS.names():
        # A card that was written anew, as calibration does, makes a new detector.
        return _outside(name, models, (models / name / CARD).stat().st_mtime_ns)
    if name not in DETECTORS.names():
        raise LookupError(f"no {name!r} in {DETECTORS.group}; there is {', '.join(available(models)) or 'nothing'}")
    return shipped(name) if models is None else _promoted(name, models)


def _promoted(name: str, models: Path) -> Detector:
    from detectors.registry import Registry

    registry = Registry(models)
    if not registry.history(name):
        return shipped(name)
    try:
        version = registry.promoted(name)
    except (LookupError, FileNotFoundError) as error:
        # That the detector is installed is known; its version is what is not there.
        raise ValueError(f"its promoted version cannot be used: {error}") from error
    return _of(version, models)


def load_version(name: str, version: str, models: Path) -> Detector:
    """A version of an installed detector, promoted or not.

    Raises:
        LookupError: there is no such detector or version.
        ImportError: it needs a library that is not installed.
        ValueError: it is damaged.
    """
    from detectors.registry import Registry

    return _of(Registry(models).version(name, version), models)


def _of(version: Version, models: Path) -> Detector:
    from detectors.registry import Registry

    if version.lineage is None:
        return shipped(version.name)
    place = Registry(models).place(version.name)
    return _version(DETECTORS.load(version.name), place, version.card.stem, version.card.sha256)


def lineage_of(card: ModelCard, models: Path | None) -> Lineage | None:
    """Where the weights of a detector come from that `load` gave; None where they were not learned here.

    Raises:
        FileNotFoundError, ValueError: the version is gone by now, or damaged.
    """
    from detectors.lineage import number_of
    from detectors.registry import Registry
    from detectors.version_files import read

    if models is None or card.name not in DETECTORS.names() or not number_of(card.version):
        return None
    return read(Registry(models).place(card.name), card.name, card.version).lineage


@lru_cache(maxsize=8)
def _version(kind: object, folder: Path, stem: str, sha256: str) -> Detector:
    """Weights that were replaced, though they should not be, are read anew and refused."""
    from detectors.base import Relearnable

    if not isinstance(kind, Relearnable):
        raise ValueError(f"{stem} cannot be used: the detector reads no weights but its own")
    return kind.of_version(folder, stem)


@cache
def _outside(name: str, models: Path, written_ns: int) -> Detector:
    from detectors.outside.detector import Outside

    return Outside(name, models)
