"""Tells pictures that this tool itself wrote from photos, by what each file says of itself, wherever it lies by now.

A folder of photos often holds the output of an earlier run: a mask is no photo, and neither is a fake.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from generators.labels import A_COPY, A_FAKE, A_SHEET, A_WASHED, TOOL
from generators.opening import DECODER_ERRORS, open_picture


class Own(StrEnum):
    """What a picture of this tool is, in words that follow a number."""

    DRAWN = "masks, sheets or drawings of unforged"
    FAKE = "fakes that unforged made"
    COPY = "copies that unforged made of photos"


def own_kind(path: Path) -> Own | None:
    """What this tool wrote there; None for everything else, washed photos among them, which are photos still.

    Only the header of a file is read. Whoever strips a fake of its label makes it a stranger's.
    """
    try:
        with open_picture(path) as image:
            software, comment = image.info.get("Software", ""), image.info.get("comment", b"")
            said = image.info.get("Description", "")
            if image.format != "PNG":
                # No JPEG names its program: only what is said of fakes and copies is ours beyond doubt.
                said = comment.decode("utf-8", "replace") if isinstance(comment, bytes) else ""
    except DECODER_ERRORS:
        return None
    is_ours = str(software).split(" ")[0] == TOOL
    if is_ours and said.endswith(A_SHEET):
        return Own.DRAWN
    if said.startswith(A_FAKE):
        return Own.FAKE
    if said.startswith(A_COPY):
        return Own.COPY
    return Own.DRAWN if is_ours and not said.startswith(A_WASHED) else None
