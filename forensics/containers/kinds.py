"""Which kind of container a file is, by its content; names are the sender's choice and are not looked at."""

from __future__ import annotations

import re
import tarfile
from pathlib import Path

from forensics.media.sniff import HEAD_BYTES
from forensics.media.tiff_directories import has_pages

_SIGNATURES = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"\x78\x9f\x3e\x22", "tnef"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
)

PDF_HEAD_BYTES = 1024
"""Readers look for `%PDF-` in the first kilobyte (ISO 32000-1, annex H)."""

_HEADER = re.compile(rb"(?i)([!-9;-~]{1,60}):")
_MAIL_HEADERS = frozenset(
    b"from to cc date subject sender reply-to message-id received return-path delivered-to mime-version content-type "
    b"dkim-signature arc-seal authentication-results x-received in-reply-to references".split()
)
MIN_MAIL_HEADERS = 2
"""Known headers (RFC 5322) at the start of what is taken for mail: one alone begins many a text."""


def container_kind(head: bytes) -> str | None:
    """Kind of a container, if its first bytes tell.

    Args:
        head: the first HEAD_BYTES of a file that is no media, or all of it.

    Returns:
        zip tar gzip bzip2 xz zstd lz4 7z tnef ole pdf eml mbox; None for anything else.
    """
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return kind
    if b"%PDF-" in head[:PDF_HEAD_BYTES]:
        return "pdf"
    if _is_tar(head):
        return "tar"
    if head.startswith(b"From ") and _is_mail(head.partition(b"\n")[2]):
        return "mbox"
    return "eml" if _is_mail(head) else None


def container_kind_of(path: Path) -> str | None:
    """Kind of the container that a file is, of `container_kind` or tiff, which is one of several pages.

    Returns:
        None as well for what cannot be read or is no regular file.
    """
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
            return "tiff" if has_pages(file) else container_kind(head)
    except OSError:
        return None


def _is_tar(head: bytes) -> bool:
    """By the checksum of the first header, which the oldest archives have as well."""
    if len(head) < tarfile.BLOCKSIZE:
        return False
    try:
        tarfile.TarInfo.frombuf(head[: tarfile.BLOCKSIZE], "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError, OverflowError):
        return False
    return True


def _is_mail(head: bytes) -> bool:
    n_known = 0
    for line in head.splitlines():
        if line[:1] in (b" ", b"\t"):
            continue
        found = _HEADER.match(line)
        if found is None:
            break
        n_known += found[1].lower() in _MAIL_HEADERS
    return n_known >= MIN_MAIL_HEADERS
