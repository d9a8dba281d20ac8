"""The files of versions of detectors that were learned here: weights, card and lineage.

The lineage is written last: without one there is no version, so that whoever is stopped in the middle leaves nothing
behind that could be used. The next version of that number writes over it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from detectors.lineage import Lineage, Version, base_of, number_of, read_lineage
from generators.weights import ModelCard, load, read_card, save
from generators.whole_files import write_whole

LINEAGE = ".lineage.json"

_ENDINGS = (LINEAGE, ".card.json", ".safetensors")


def listed(folder: Path, name: str) -> tuple[str, ...]:
    """Versions that are there as a whole, in the order in which they were made."""
    stems = (path.name.removesuffix(LINEAGE) for path in folder.glob(f"{name}-*{LINEAGE}"))
    found = [stem.removeprefix(f"{name}-") for stem in stems]
    return tuple(sorted(filter(number_of, found), key=lambda version: (base_of(version), number_of(version))))


def keep(tensors: Mapping[str, NDArray[Any]], card: ModelCard, lineage: Lineage, folder: Path) -> Version:
    """Write a version.

    Raises:
        OSError: disk full or folder not writable; it names the file, and what was written of the version is gone.
    """
    try:
        written = save(tensors, card, folder)
        write_whole(folder / f"{card.stem}{LINEAGE}", lineage.to_bytes())
    except OSError:
        discard(folder, card.stem)
        raise
    return Version(card.name, card.version, written, lineage)


def discard(folder: Path, stem: str) -> None:
    """Take away what is there of a version, its lineage first."""
    for ending in _ENDINGS:
        with suppress(OSError):
            (folder / f"{stem}{ending}").unlink(missing_ok=True)


def read(folder: Path, name: str, version: str) -> Version:
    """Card and lineage of a version.

    Raises:
        FileNotFoundError: there is none.
        ValueError: one of them is damaged, or of another version.
    """
    stem = f"{name}-{version}"
    card = read_card(folder / f"{stem}.card.json")
    if card.stem != stem:
        raise ValueError(f"{stem}.card.json is the card of {card.stem}")
    return Version(name, version, card, read_lineage(folder / f"{stem}{LINEAGE}"))


def read_or_blame(folder: Path, name: str, version: str) -> Version:
    """The same; of a damaged version, why it cannot be used: it must not hide the others."""
    try:
        return read(folder, name, version)
    except (OSError, ValueError) as error:
        return Version(name, version, ModelCard(name, version, task=""), fault=str(error))


def check_weights(version: Version, folder: Path) -> None:
    """Complain about weights that are not those of the card.

    Raises:
        FileNotFoundError: there are none.
        ValueError: they are others.
    """
    load(version.card.stem, folder)
