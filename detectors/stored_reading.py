"""What detectors share whose linear reading is stored: where its weights lie, its card, and other versions of it."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

from numpy.typing import NDArray

from detectors.reading import Reading
from detectors.synthetic import ZOO
from generators.weights import ModelCard, load


class StoredReading:
    """A reading read from its file when it is first needed.

    Args:
        zoo: folder with the weights and the card.
        stored_as: name and version of the weights; those that ship if "".

    Attributes:
        stored_as: name and version of the weights that ship.
    """

    stored_as: ClassVar[str]

    def __init__(self, zoo: Path = ZOO, *, stored_as: str = "") -> None:
        self._zoo = zoo
        self._stored_as = stored_as or self.stored_as

    @classmethod
    def of_version(cls, folder: Path, stem: str) -> Self:
        """See `Relearnable.of_version`; a tower stays the shipped one."""
        return cls(folder, stored_as=stem)

    @property
    def card(self) -> ModelCard:
        """Card of the reading; a tower has one of its own."""
        return self._stored[1]

    @cached_property
    def _stored(self) -> tuple[dict[str, NDArray[Any]], ModelCard]:
        return load(self._stored_as, self._zoo)

    @cached_property
    def _reading(self) -> Reading:
        return Reading.of(self._stored[0])
