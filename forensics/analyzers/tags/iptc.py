"""IPTC-IIM records inside Photoshop resource blocks (IIM 4.2): keyword, credit, caption and the like."""

from __future__ import annotations

_NAMES = {
    5: "ObjectName",
    25: "Keywords",
    40: "SpecialInstructions",
    55: "DateCreated",
    65: "OriginatingProgram",
    80: "By-line",
    105: "Headline",
    110: "Credit",
    115: "Source",
    116: "CopyrightNotice",
    120: "Caption-Abstract",
    122: "Writer-Editor",
}
_IPTC_RESOURCE = 0x0404


def read(block: bytes) -> list[tuple[str, str]]:
    """(name, text) of the application records in a run of Photoshop resources, or in bare IIM data."""
    if block.startswith(b"\x1c"):
        return _records(block)
    found: list[tuple[str, str]] = []
    at = 0
    while block[at : at + 4] == b"8BIM" and at + 12 <= len(block):
        resource = int.from_bytes(block[at + 4 : at + 6], "big")
        name_length = block[at + 6] + 1
        at += 6 + name_length + (name_length & 1)
        length = int.from_bytes(block[at : at + 4], "big")
        if resource == _IPTC_RESOURCE:
            found += _records(block[at + 4 : at + 4 + length])
        at += 4 + length + (length & 1)
    return found


def _records(data: bytes) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at = 0
    while at + 5 <= len(data) and data[at] == 0x1C and len(found) < 200:
        record, number, length = data[at + 1], data[at + 2], int.from_bytes(data[at + 3 : at + 5], "big")
        if length & 0x8000:
            break  # extended lengths hold previews, not text
        if record == 2 and number in _NAMES:
            found.append((_NAMES[number], data[at + 5 : at + 5 + length].decode("utf-8", "replace")))
        at += 5 + length
    return found
