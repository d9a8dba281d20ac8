"""Makes each detector once a process: weights are large and slow to read."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from detectors.base import Detector
from detectors.catalog import DETECTORS


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


def load(name: str, models: Path | None = None) -> Detector:
    """The detector of that name, the same object every time.

    Args:
        name: of an installed detector or an outside model.
        models: folder of outside models; None knows none.

    Raises:
        LookupError: there is none.
        ImportError: it needs a library that is not installed.
        ValueError: the card of an outside model makes no sense.
    """
    from detectors.outside.model_folder import CARD, names

    if models is not None and name in names(models) and name not in DETECTORS.names():
        # A card that was written anew, as calibration does, makes a new detector.
        return _outside(name, models, (models / name / CARD).stat().st_mtime_ns)
    if name not in DETECTORS.names():
        raise LookupError(f"no {name!r} in {DETECTORS.group}; there is {', '.join(available(models)) or 'nothing'}")
    return _made(DETECTORS.load(name))


@cache
def _made(kind: type[Detector]) -> Detector:
    return kind()


@cache
def _outside(name: str, models: Path, written_ns: int) -> Detector:
    from detectors.outside.detector import Outside

    return Outside(name, models)
