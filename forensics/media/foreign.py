"""What a file is that is no supported image or video: its class of error and its name, by its first bytes."""

from __future__ import annotations

from typing import BinaryIO

from forensics.errors import MediaError

HELD = (
    (b"PK\x03\x04", "a ZIP archive or Office document"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"\x04\x22\x4d\x18", "an LZ4 archive"),
    (b"\x78\x9f\x3e\x22", "an Outlook attachment (winmail.dat)"),
    (b"%PDF", "a PDF document"),
)
"""Containers; who may look into them does (`forensics.containers`)."""

_CLOSED = (
    (0, b"Rar!\x1a\x07", "a RAR archive"),
    (0, b"PK\x07\x08", "a part of a ZIP archive that was split"),
    (0, b"MSCF", "a CAB archive"),
    (7, b"**ACE**", "an ACE archive"),
    (2, b"-lh", "an LHA archive"),
    (0, b"\x60\xea", "an ARJ archive"),
    (0, b"\x1f\x9d", "an archive of compress (.Z)"),
    (0, b"LZIP", "an lzip archive"),
    (0, b"\x5d\x00\x00", "an LZMA archive"),
    (0, b"070701", "a cpio archive"),
    (0, b"070702", "a cpio archive"),
    (0, b"070707", "a cpio archive"),
    (0, b"!<arch>\n", "an ar archive or Debian package"),
    (0, b"\xed\xab\xee\xdb", "an RPM package"),
    (0, b"xar!", "a XAR archive"),
    (0, b"MSWIM\0\0\0", "a Windows image (WIM)"),
)
_DISKS = (
    (0, b"hsqs", "a SquashFS image"),
    (0, b"EVF\x09\x0d\x0a\xff\x00", "an EnCase image"),
    (0, b"KDMV", "a virtual disk"),
    (0, b"vhdxfile", "a virtual disk"),
    (0, b"conectix", "a virtual disk"),
    (0, b"QFI\xfb", "a virtual disk"),
    (510, b"\x55\xaa", "a disk image"),
    (1080, b"\x53\xef", "a disk image"),
)
_OLD = ((0, b"\xd0\xcf\x11\xe0", "an Outlook message, or an Office file of before 2007 or with a password"),)
_LOCKED = (
    (0, b"-----BEGIN PGP MESSAGE-----", "a PGP message"),
    (0, b"age-encryption.org/", "a file locked by age"),
    (0, b"LUKS\xba\xbe", "a LUKS disk"),
    (3, b"-FVE-FS-", "a BitLocker disk"),
    (0, b"Salted__", "a file locked by OpenSSL"),
)
_PICTURES = (
    (0, b"8BPS", "a Photoshop document"),
    (0, b"DDS ", "a DDS texture"),
    (0, b"qoif", "a QOI picture"),
    (0, b"\xff\x0a", "a JPEG XL picture"),
    (0, b"\x00\x00\x00\x0cJXL ", "a JPEG XL picture"),
    (0, b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 picture"),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (128, b"DICM", "a DICOM picture"),
    (0, b"\x00\x00\x01\x00", "a Windows icon"),
    (0, b"\x00\x00\x01\xb3", "an MPEG video stream"),
    (0, b"\x76\x2f\x31\x01", "an OpenEXR picture"),
    (0, b"gimp xcf", "a GIMP picture"),
    (0, b"\xd7\xcd\xc6\x9a", "a Windows metafile picture"),
    (0, b"\x01\xda\x00", "an SGI picture"),
    (0, b"\x01\xda\x01", "an SGI picture"),
    (4, b"\x11\xaf", "an Autodesk FLIC animation"),
    (4, b"\x12\xaf", "an Autodesk FLIC animation"),
)
_NO_PICTURES = (
    (b"ID3", "an MP3 sound file"),
    (b"\xff\xfb", "an MP3 sound file"),
    (b"OggS", "an Ogg sound file"),
    (b"fLaC", "a FLAC sound file"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a Windows program"),
    (b"%!PS", "a PostScript document"),
    (b"{\\rtf", "an RTF document"),
)
_NETPBM = frozenset(b"P%d%c" % (i, space) for i in range(1, 8) for space in b" \t\r\n")

_ISO_AT = 32769
_ISO_MARKS = (b"CD001", b"BEA01")
"""Of a volume descriptor (ECMA-119, ECMA-167), behind 16 sectors that are anybody's."""

_DMG_TRAILER_BYTES = 512


def refusal(head: bytes) -> MediaError:
    """Why a file is not examined.

    Args:
        head: the first `sniff.HEAD_BYTES` of a file of no supported format, or all of it.
    """
    for signature, words in (*HELD, *_NO_PICTURES):
        if head.startswith(signature):
            return MediaError("not-media", f"this is {words}, not a supported image or video")
    for code, formats, ending in (
        ("encrypted", _LOCKED, "and what is in it could not be looked at"),
        ("unsupported", _PICTURES, "not a supported image or video"),
        ("unsupported", _CLOSED, "which is not opened: unpack it first"),
        ("unsupported", _OLD, "which is not opened: save it as a file of today first"),
        ("unsupported", _DISKS, "which is not opened: mount it and scan the folder"),
    ):
        for at, signature, words in formats:
            if head.startswith(signature, at):
                return MediaError(code, f"this is {words}, {ending}")
    if head[:3] in _NETPBM:
        return MediaError("unsupported", "this is a Netpbm picture, not a supported image or video")
    if head[:4] == b"\x01\x00\x00\x00" and head[40:44] == b" EMF":
        return MediaError("unsupported", "this is a Windows metafile picture, not a supported image or video")
    if head[257:262] == b"ustar":
        return MediaError("not-media", "this is a tar archive, not an image or a video")
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return MediaError("not-media", "this is a WAV sound file, not an image or a video")
    return _text(head) or MediaError("not-media", "the content is not of any supported image or video format")


def disk_image(file: BinaryIO, size: int) -> MediaError | None:
    """Why a disk image is not opened that its first bytes do not tell; None for anything else.

    Args:
        file: seekable; it is left anywhere.
        size: in bytes.
    """
    file.seek(_ISO_AT)
    is_found = file.read(len(_ISO_MARKS[0])) in _ISO_MARKS
    if not is_found and size > _DMG_TRAILER_BYTES:
        file.seek(size - _DMG_TRAILER_BYTES)
        is_found = file.read(4) == b"koly"
    words = "this is a disk image (ISO, UDF or DMG), which is not opened: mount it and scan the folder"
    return MediaError("unsupported", words) if is_found else None


def _text(head: bytes) -> MediaError | None:
    start = head[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<svg", b"<?xml")):
        return MediaError("not-media", "this is an SVG or XML document: it has no pixels of its own to examine")
    if start.startswith((b"<!doctype", b"<html", b"<head", b"<body")):
        return MediaError("not-media", "this is a web page, not an image or a video")
    sample = head[:512]
    if sum(32 <= byte < 127 or byte in b"\t\r\n" for byte in sample) > 0.95 * len(sample):
        return MediaError("not-media", "this is text, not an image or a video")
    return None
