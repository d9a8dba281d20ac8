"""Keeps outside models: a folder each, with a card and one file of weights, that appears whole or not at all."""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from detectors.outside.described import Described
from generators.weights import ModelCard, read_card
from generators.whole_files import write_whole

if TYPE_CHECKING:
    from detectors.outside.adding import Candidate

CARD = "card.json"

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
"""Lower case, so that two names are also two folders where file systems take upper and lower case for the same."""


def names(folder: Path | None) -> tuple[str, ...]:
    """Names of the models that are kept in a folder; none without one. Nothing but names is read."""
    if folder is None or not folder.is_dir():
        return ()
    return tuple(sorted(path.parent.name for path in folder.glob(f"*/{CARD}") if _NAME.fullmatch(path.parent.name)))


def check_name(name: str) -> None:
    """Complain about a name that cannot be one.

    Raises:
        ValueError: it is none, or an installed detector has it.
    """
    from detectors.catalog import DETECTORS
    from detectors.registry import FOLDER

    if not _NAME.fullmatch(name):
        raise ValueError(f"a name holds small letters, digits, - and _ and begins with a letter, not {name!r}")
    if name == FOLDER:
        raise ValueError(f"{name!r} is the folder of versions that were learned here; choose another name with --name")
    if name in DETECTORS.names():
        raise ValueError(f"an installed detector is called {name!r}; choose another name with --name")


def keep(candidate: Candidate, folder: Path) -> ModelCard:
    """Write a model; somebody else who adds one of the same name at the same time loses, and nothing is mixed.

    Returns:
        The card with the hash of the weights.

    Raises:
        ValueError: the name cannot be one.
        FileExistsError: there is a model of that name.
        OSError: the folder cannot be written.
    """
    card = replace(candidate.card, sha256=hashlib.sha256(candidate.data).hexdigest())
    check_name(card.name)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / card.name
    with _taken(card.name, target), tempfile.TemporaryDirectory(prefix=".adding-", dir=folder) as work:
        new = Path(work) / card.name
        new.mkdir()
        (new / Described.of(card).file).write_bytes(candidate.data)
        (new / CARD).write_bytes(_to_bytes(card))
        # Renaming a folder onto one that is not empty fails: whoever comes second finds a clash.
        new.rename(target)
    return card


def update(card: ModelCard, folder: Path) -> None:
    """Write another card for the same weights.

    Raises:
        LookupError: there is no such model.
        OSError: the folder cannot be written.
    """
    write_whole(_place(card.name, folder) / CARD, _to_bytes(card))


def remove(name: str, folder: Path) -> None:
    """Take a model away.

    Raises:
        LookupError: there is no such model.
        OSError: the folder cannot be written.
    """
    place = _place(name, folder)
    with tempfile.TemporaryDirectory(prefix=".removing-", dir=folder) as work:
        # Gone under its name at once, however long its files take.
        place.rename(Path(work) / name)


def read(name: str, folder: Path) -> ModelCard:
    """The card of a model.

    Raises:
        LookupError: there is no such model.
        ValueError: the card is none, or of another name.
    """
    card = read_card(_place(name, folder) / CARD)
    if card.name != name:
        raise ValueError(f"the card of the outside model {name} is of {card.name!r}")
    return card


def read_weights(card: ModelCard, folder: Path) -> bytes:
    """The weights of a model.

    Raises:
        FileNotFoundError: the file is gone.
        ValueError: it is not the file that its card describes.
    """
    path = folder / card.name / Described.of(card).file
    data = path.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != card.sha256:
        raise ValueError(f"{path.name} of {card.name} has SHA-256 {found}, its card says {card.sha256}")
    return data


def _place(name: str, folder: Path) -> Path:
    known = names(folder)
    if name not in known:
        raise LookupError(f"there is no outside model {name!r}; there is {', '.join(known) or 'none'}")
    return folder / name


@contextmanager
def _taken(name: str, target: Path) -> Iterator[None]:
    """Turns a clash into a sentence, whether the other model was there before or came meanwhile."""
    clash = FileExistsError(17, "there is a model of that name; remove it first, or choose another with --name", name)
    if target.exists():
        raise clash
    try:
        yield
    except OSError as error:
        if target.exists() and not isinstance(error, FileExistsError):
            raise clash from error
        raise


def _to_bytes(card: ModelCard) -> bytes:
    return (json.dumps(asdict(card), indent=2) + "\n").encode()
