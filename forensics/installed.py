"""What is installed: trained models with their cards, generators, and why one of them cannot be used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from detectors.lineage import Version
    from forensics.settings import ScanSettings
    from generators.weights import ModelCard


@dataclass(frozen=True)
class Model:
    """A trained piece.

    Attributes:
        kind: detector, generator, or network: a part of others that brings weights of its own.
        name: written name.
        card: None if it cannot be read.
        missing: why it cannot be used, "" if it can.
    """

    kind: str
    name: str
    card: ModelCard | None
    missing: str = ""


@dataclass(frozen=True)
class Maker:
    """A generator, without making anything with it.

    Attributes:
        name: written name.
        family: what kind of fake it makes; "" if it cannot be loaded.
        about: what it makes, in one plain sentence.
        needs_photos: whether it alters photos.
        min_side_px: smallest side of a photo that it takes.
        card: where its weights come from; None where nothing was trained.
        missing: why it cannot be used, "" if it can.
    """

    name: str
    family: str = ""
    about: str = ""
    needs_photos: bool = False
    min_side_px: int = 0
    card: ModelCard | None = None
    missing: str = ""


def models(outside: Path | None = None) -> Iterator[Model]:
    """Detectors of the catalogue in their promoted versions and outside models; then whatever else ships with a card.

    Args:
        outside: folder of outside models and of versions that were learned here; None knows none.
    """
    from detectors.loading import available, load
    from generators.catalog import GENERATORS
    from generators.trainers import TRAINERS
    from generators.weights import read_card

    generating = {*GENERATORS.names(), *TRAINERS.names()}
    detecting = available(outside)
    for name in detecting:
        try:
            card = load(name, outside).card
        except (ImportError, AttributeError, OSError, ValueError) as error:
            # What one lacks must not hide the others.
            yield Model("detector", name, None, f"not available: {error}")
        else:
            yield Model("detector", name, card)
    for package in ("detectors", "generators"):
        for path in sorted(Path(str(files(package) / "zoo")).glob("*.card.json")):
            card = read_card(path)
            if card.name not in detecting:
                yield Model("generator" if card.name in generating else "network", card.name, card)


def unasked_detectors(settings: ScanSettings) -> tuple[str, ...]:
    """Detectors and outside models that are usually asked by now, and that a scan under these settings leaves out."""
    from detectors.catalog import DETECTORS, STAND_INS
    from detectors.outside.model_folder import names

    if settings.detectors is None:
        return ()
    # Not `usually_asked`: a report of then is drawn also where an outside model of now clashes with a detector.
    known = (*DETECTORS.names(), *names(settings.models))
    return tuple(name for name in known if name not in STAND_INS and name not in settings.detectors)


def versions(name: str, outside: Path | None) -> tuple[Version, ...]:
    """Every version of a detector of the catalogue, what ships first; none of any other model.

    Raises:
        ImportError: it needs a library that is not installed.
        ValueError: the record of what was promoted is damaged.
    """
    from detectors.catalog import DETECTORS
    from detectors.registry import Registry

    return () if outside is None or name not in DETECTORS.names() else Registry(outside).versions(name)


def makers() -> Iterator[Maker]:
    """Every generator of the catalogue."""
    from generators.catalog import GENERATORS

    for name in GENERATORS.names():
        maker = Maker(name)
        try:
            kind = GENERATORS.load(name)
            maker = Maker(name, str(kind.family), kind.about, kind.needs_sources, kind.min_side_px)
            yield Maker(**{**vars(maker), "card": kind().card})
        except (ImportError, AttributeError, OSError, ValueError) as error:
            # What one lacks must not hide the others.
            yield Maker(**{**vars(maker), "missing": f"not available: {error}"})
