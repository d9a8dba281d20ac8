"""A catalogue of named pieces: built-in lines plus entry points, loaded one by one when asked for.

Listing imports nothing, so a broken plug-in or a missing extra cannot stop the rest.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Generic, TypeVar, cast

if TYPE_CHECKING:
    from generators.base import Generator

T = TypeVar("T")


@lru_cache(maxsize=32)
def _plug_ins(group: str, path: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Names and places of a group that packages on a path declare; reading all of them takes some ten milliseconds."""
    return tuple((point.name, point.value) for point in entry_points(group=group))


class Catalog(Generic[T]):
    """Written name -> "module:Class", with plug-ins from an entry-point group.

    Args:
        group: entry-point group that outside packages register under, such as "unforged.analyzers".
        built_in: the pieces of this project, in the order in which they are listed.
    """

    def __init__(self, group: str, built_in: Mapping[str, str]) -> None:
        self.group = group
        self._built_in = dict(built_in)

    def places(self) -> dict[str, str]:
        """Every name with the place it is loaded from; nothing is imported.

        Raises:
            ValueError: two pieces claim one name. A silent winner would change results by install order.
        """
        places = dict(self._built_in)
        for name, value in _plug_ins(self.group, tuple(sys.path)):
            if name in places and places[name] != value:
                raise ValueError(f"two pieces of {self.group} are called {name!r}: {places[name]} and {value}")
            places[name] = value
        return places

    def names(self) -> tuple[str, ...]:
        """All names, built-in ones first."""
        return tuple(self.places())

    def load(self, name: str) -> type[T]:
        """Import the class behind a name.

        Raises:
            LookupError: there is no such name; the message lists those there are.
        """
        places = self.places()
        if name not in places:
            raise LookupError(f"no {name!r} in {self.group}; there is {', '.join(places) or 'nothing'}")
        module, _, attribute = places[name].partition(":")
        return cast("type[T]", getattr(import_module(module), attribute))

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __len__(self) -> int:
        return len(self.names())


GENERATORS: Catalog[Generator] = Catalog(
    "unforged.generators",
    {
        "face-64": "generators.gan.sampler:Face64",
        "photo-64": "generators.gan.sampler:Photo64",
        "reconstruct-f4": "generators.reconstruct:ReconstructF4",
        "reconstruct-f8": "generators.reconstruct:ReconstructF8",
        "superres-x2": "generators.superres:SuperresX2",
        "superres-x4": "generators.superres:SuperresX4",
        "inpaint": "generators.inpaint:Inpaint",
        "splice": "generators.splice:Splice",
        "copy_move": "generators.copy_move:CopyMove",
        "removal": "generators.removal:Removal",
        "selfblend": "generators.selfblend:SelfBlend",
        "launder": "generators.laundered:Launder",
        "attributes": "generators.attributes.generator:AttributeEditor",
    },
)
"""Adding one costs a file and a line here; plug-ins register under the entry-point group."""
