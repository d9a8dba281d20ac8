"""Marks that encoders write beside the tables: Photoshop notes the quality it was asked for in segments of its own."""

from __future__ import annotations

from forensics.analyzers.jpeg.coefficients import segments

MAX_TEXT = 80
"""Comments are shown as far as a table row goes."""


def encoder_marks(data: bytes) -> tuple[tuple[str, str], ...]:
    """What the segments before the picture say about the encoder.

    Args:
        data: the whole file.

    Returns:
        (label, text) rows; comments are hostile text.

    Raises:
        MediaError: the segments cannot be walked.

    Source:
        Adobe Photoshop File Formats Specification (resource 0x0406 JPEG quality); "Ducky" segments of Save for Web as
        described by Phil Harvey's ExifTool.
    """
    rows: list[tuple[str, str]] = []
    for marker, start, end in segments(data):
        body = data[start + 4 : end]
        if marker == 0xEC and body.startswith(b"Ducky") and body[5:9] == b"\x00\x01\x00\x04" and len(body) >= 13:
            rows.append(("Photoshop Save for Web", f"quality {int.from_bytes(body[9:13])} of 100"))
        elif marker == 0xED and body.startswith(b"Photoshop 3.0\x00"):
            quality = _photoshop_quality(body)
            if quality is not None:
                rows.append(("Photoshop Save As", f"quality {quality} of 12"))
        elif marker == 0xFE and body:
            rows.append(("comment", body[:MAX_TEXT].decode("latin-1")))
    return tuple(rows[:8])


def _photoshop_quality(body: bytes) -> int | None:
    """Quality 0..12 out of an image resource block, None if it holds none."""
    at = body.find(b"8BIM\x04\x06")
    # An empty Pascal name takes two bytes, the length four; the value itself is stored less 4.
    if at < 0 or len(body) < at + 14 or int.from_bytes(body[at + 8 : at + 12]) < 2:
        return None
    quality = int.from_bytes(body[at + 12 : at + 14], signed=True) + 4
    return quality if 0 <= quality <= 12 else None
