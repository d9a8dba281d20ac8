"""How well the words of a page stand out from their ground."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

CONTRAST = Path(__file__).with_name("measure_contrast.js").read_text(encoding="utf-8")

GROUND = {False: "#ffffff", True: "#171614"}
"""Of the page in the light and in the dark, as in the style sheet."""


def faint_words(page: Page, *, dark: bool = False) -> list[str]:
    """Words of less contrast than WCAG 2.2 asks for (1.4.3, level AA), with their ratios."""
    found: list[str] = page.evaluate(CONTRAST, GROUND[dark])
    return found
