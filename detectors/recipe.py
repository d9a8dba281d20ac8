"""Settings of training runs as JSON; those in `recipes` reproduce what ships."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True)
class Recipe:
    """Settings that can be read from a file."""

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a recipe.

        Raises:
            ValueError: it is no JSON, or holds a setting there is not.
        """
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
            values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in raw.items()}
            return cls(**values)
        except (TypeError, AttributeError, ValueError) as error:
            raise ValueError(f"{path} is no recipe of a training run: {error}") from error
