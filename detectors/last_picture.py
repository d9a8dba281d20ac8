"""What was worked out of the last picture, for detectors that ask the same of one picture after each other."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar
from weakref import ref

from generators.images import Pixels

P = ParamSpec("P")
T = TypeVar("T")


def once_a_picture(
    function: Callable[Concatenate[Pixels, P], T],
) -> Callable[Concatenate[Pixels, P], T]:
    """Remember what a function gave for the last picture, by its other arguments; the picture itself is not kept alive.

    Pictures that can be written to are asked about anew each time: nobody would see that they have changed.
    """
    last: tuple[ref[Pixels], dict[Hashable, T]] | None = None

    @wraps(function)
    def asked(pixels: Pixels, /, *args: P.args, **kwargs: P.kwargs) -> T:
        nonlocal last
        if pixels.flags.writeable:
            return function(pixels, *args, **kwargs)
        known = last[1] if last is not None and last[0]() is pixels else {}
        key = (args, tuple(sorted(kwargs.items())))
        if key not in known:
            known[key] = function(pixels, *args, **kwargs)
            last = ref(pixels), known
        return known[key]

    return asked
