"""An opinion where only text can stand: its shape and its words, so that no meaning hangs on colour."""

from __future__ import annotations

from dashboard.backend.viewing import KINDS
from dashboard.overlay import LETTERS

_SHAPES = {str(opinion): LETTERS[kind] for opinion, kind in KINDS.items()}


def shaped(opinion: str) -> str:
    """Such as "◆ likely synthetic"."""
    return f"{_SHAPES.get(opinion, '■')} {opinion}"
