"""An opinion where only text can stand: its shape and its words, so that no meaning hangs on colour."""

from __future__ import annotations

from dashboard.backend.viewing import KINDS
from dashboard.overlay import LETTERS

WEIGHT = "log10 likelihood ratio: +1 stands for ten to one, -1 for one to ten"
"""What the weight beside it means."""

_SHAPES = {str(opinion): LETTERS[kind] for opinion, kind in KINDS.items()}


def shaped(opinion: str) -> str:
    """Such as "◆ likely synthetic"."""
    return f"{_SHAPES.get(opinion, '■')} {opinion}"
