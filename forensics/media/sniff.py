"""What a file is, by its first bytes. Names and endings are never looked at: they are the sender's choice."""

from __future__ import annotations

from forensics.errors import MediaError

HEAD_BYTES = 4096
"""Enough for every signature below; a tar archive shows at byte 257."""

IMAGE_FORMATS = frozenset({"jpeg", "png", "webp", "gif", "tiff", "bmp", "heic", "avif"})
VIDEO_FORMATS = frozenset({"mp4", "mov", "mkv", "webm", "avi"})

_SIGNATURES = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"II+\x00", "tiff"),
    (b"MM\x00+", "tiff"),
)

_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_QUICKTIME_ATOMS = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})

_OTHERS = (
    (b"PK\x03\x04", "a ZIP archive or Office document"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"%PDF", "a PDF document"),
    (b"8BPS", "a Photoshop document"),
    (b"ID3", "an MP3 sound file"),
    (b"OggS", "an Ogg sound file"),
    (b"fLaC", "a FLAC sound file"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a Windows program"),
    (b"DDS ", "a DDS texture"),
    (b"qoif", "a QOI picture"),
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL picture"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 picture"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (b"FLV", "a Flash video"),
    (b"\x00\x00\x01\x00", "a Windows icon"),
    (b"\x00\x00\x01\xba", "an MPEG program stream"),
    (b"\x00\x00\x01\xb3", "an MPEG video stream"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a Windows Media file"),
    (b"\x76\x2f\x31\x01", "an OpenEXR picture"),
    (b"gimp xcf", "a GIMP picture"),
    (b"\xd7\xcd\xc6\x9a", "a Windows metafile picture"),
    (b"\x01\xda\x00", "an SGI picture"),
    (b"\x01\xda\x01", "an SGI picture"),
    (b"%!PS", "a PostScript document"),
    (b"{\\rtf", "an RTF document"),
    (b"\xd0\xcf\x11\xe0", "an old Office document"),
    (b"\xff\xfb", "an MP3 sound file"),
)
_UNSUPPORTED = ("picture", "texture", "Photoshop", "icon", "Flash", "MPEG", "Windows Media")
_NETPBM = frozenset(b"P%d%c" % (i, space) for i in range(1, 8) for space in b" \t\r\n")


def sniff(head: bytes) -> str:
    """Short lower-case name of the format.

    Args:
        head: the first HEAD_BYTES of the file, or all of it.

    Raises:
        MediaError: empty, a known format that is not examined, or nothing known; the message says which.
    """
    if not head:
        raise MediaError("empty", "the file is empty")
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            return name
    found = _riff(head) or _iso(head) or _matroska(head) or _bmp(head)
    if found:
        return found
    raise _refusal(head)


def _riff(head: bytes) -> str | None:
    if head[:4] != b"RIFF":
        return None
    return {b"WEBP": "webp", b"AVI ": "avi"}.get(head[8:12])


def _iso(head: bytes) -> str | None:
    """ISO base media (ISO 14496-12): the brands in `ftyp` say which."""
    if head[4:8] in _QUICKTIME_ATOMS:
        return "mov"
    if head[4:8] != b"ftyp":
        return None
    size = min(int.from_bytes(head[:4], "big"), len(head))
    brands = [head[8:12]] + [head[i : i + 4] for i in range(16, size - 3, 4)]
    if brands[0] == b"qt  ":
        return "mov"
    if _AVIF_BRANDS.intersection(brands):
        return "avif"
    if _HEIC_BRANDS.intersection(brands) or brands[0] in (b"mif1", b"msf1"):
        return "heic"
    return "mp4"


def _matroska(head: bytes) -> str | None:
    if head[:4] != b"\x1a\x45\xdf\xa3":
        return None
    return "webm" if b"webm" in head[:64] else "mkv"


def _bmp(head: bytes) -> str | None:
    # "BM" alone also begins words: a real header has one of the known sizes of the second header after it.
    known = {12, 16, 40, 52, 56, 64, 108, 124}
    return "bmp" if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in known else None


def _refusal(head: bytes) -> MediaError:
    for signature, words in _OTHERS:
        if head.startswith(signature):
            code = "unsupported" if any(w in words for w in _UNSUPPORTED) else "not-media"
            return MediaError(code, f"this is {words}, not a supported image or video")
    if head[:3] in _NETPBM:
        return MediaError("unsupported", "this is a Netpbm picture, not a supported image or video")
    if head[4:6] in (b"\x11\xaf", b"\x12\xaf"):
        return MediaError("unsupported", "this is an Autodesk FLIC animation, not a supported image or video")
    if head[:4] == b"\x01\x00\x00\x00" and head[40:44] == b" EMF":
        return MediaError("unsupported", "this is a Windows metafile picture, not a supported image or video")
    if head[:1] == head[188:189] == head[376:377] == b"G":
        return MediaError("unsupported", "this is an MPEG transport stream, not a supported image or video")
    if head[257:262] == b"ustar":
        return MediaError("not-media", "this is a tar archive, not an image or a video")
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return MediaError("not-media", "this is a WAV sound file, not an image or a video")
    start = head[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<svg", b"<?xml")):
        return MediaError("not-media", "this is an SVG or XML document: it has no pixels of its own to examine")
    if start.startswith((b"<!doctype", b"<html", b"<head", b"<body")):
        return MediaError("not-media", "this is a web page, not an image or a video")
    sample = head[:512]
    if sum(32 <= byte < 127 or byte in b"\t\r\n" for byte in sample) > 0.95 * len(sample):
        return MediaError("not-media", "this is text, not an image or a video")
    return MediaError("not-media", "the content is not of any supported image or video format")
