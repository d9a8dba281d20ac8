"""Files of every container, made at test time from pixels or packed by hand: colour profiles, lying headers, clips."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
STILL_FORMATS = ("jpeg", "png", "webp", "gif", "tiff", "bmp", "heic", "avif")
VIDEO_CODECS = {"mp4": "libx264", "mov": "libx264", "mkv": "libx264", "webm": "libvpx", "avi": "mpeg4"}
VIDEO_CODECS |= {"mpg": "mpeg2video", "ts": "libx264", "flv": "libx264", "wmv": "wmv2"}


def still(image: Image.Image, fmt: str, **options: Any) -> bytes:
    """A picture in a format that Unforged names, as good as that format allows."""
    best: dict[str, dict[str, Any]] = {
        "jpeg": {"quality": 95, "subsampling": 0},
        "webp": {"quality": 95},
        "heic": {"quality": 95},
        "avif": {"quality": 95, "subsampling": "4:4:4"},
    }
    out, chosen = io.BytesIO(), best.get(fmt, {}) | options
    if fmt == "heic":
        import pillow_heif

        pillow_heif.from_pillow(image).save(out, **chosen)
    else:
        image.save(out, fmt.upper(), **chosen)
    return out.getvalue()


def quadrants(width: int = 48, height: int = 32) -> Image.Image:
    """Red, green, blue and grey quarters: every turn and mirror of it looks different."""
    image = Image.new("RGB", (width, height), (200, 40, 40))
    image.paste((40, 180, 40), (width // 2, 0, width, height // 2))
    image.paste((40, 40, 200), (0, height // 2, width // 2, height))
    image.paste((150, 150, 150), (width // 2, height // 2, width, height))
    return image


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """A PNG chunk with its length and checksum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_header(width: int, height: int, bits: int = 8, colour: int = 2) -> bytes:
    """The magic and a header that claims a size."""
    return PNG_MAGIC + png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))


def gif(width: int, height: int, frames: Sequence[tuple[int, int]]) -> bytes:
    """A GIF that claims a canvas and pictures of some sizes at its corner, each with a few coded bytes."""
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(3) + b"\xff" * 3
    pictures = (b"\x2c" + struct.pack("<HHHHB", 0, 0, w, h, 0) + b"\x02\x02\x44\x01\x00" for w, h in frames)
    return head + b"".join(pictures) + b";"


def bmp_header(width: int, height: int) -> bytes:
    """A BMP header that claims a size, and a few bytes after it."""
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + 12, 0, 0, 54) + info + bytes(12)


def tiff_header(entries: Sequence[tuple[int, int, int, int]], following: int = 0) -> bytes:
    """A TIFF of one directory of (tag, type, count, value) at byte 8, and a few bytes after it."""
    packed = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + packed + struct.pack("<I", following) + bytes(256)


def box(kind: bytes, content: bytes) -> bytes:
    """A box of ISO base media."""
    return struct.pack(">I", 8 + len(content)) + kind + content


def icc(space: bytes, tags: dict[bytes, bytes], connection: bytes = b"XYZ ") -> bytes:
    """A version 2 colour profile (ICC.1:2001-04) of packed tags, with a name and a white point."""
    d50 = b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(v * 65536) for v in (0.9642, 1.0, 0.8249)))
    name = b"planted\0"
    desc = b"desc\0\0\0\0" + struct.pack(">I", len(name)) + name + bytes(78)
    tags = {b"desc": desc, b"wtpt": d50, b"cprt": b"text\0\0\0\0none\0"} | tags
    at = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for kind, content in tags.items():
        table += kind + struct.pack(">II", at + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    head = bytes(8) + b"\x02\x20\0\0" + (b"prtr" if space == b"CMYK" else b"mntr") + space + connection
    head = head.ljust(36, b"\0") + b"acsp" + bytes(28) + struct.pack(">3i", 63190, 65536, 54061)
    whole = head.ljust(128, b"\0") + table + body
    return struct.pack(">I", len(whole)) + whole[4:]


def xyz_tag(values: Sequence[float]) -> bytes:
    """An XYZ number of a colour profile."""
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(v * 65536) for v in values))


def gamma_tag(gamma: float) -> bytes:
    """A tone curve of a colour profile."""
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))


def numbered(n: int, *, width: int = 96, height: int = 64) -> list[Pixels]:
    """n flat frames whose level tells their number modulo 20, with a red mark at the top left."""
    frames = []
    for i in range(n):
        pixels = np.full((height, width, 3), 40 + i % 20 * 10, np.uint8)
        pixels[:16, :32] = (230, 20, 20)
        frames.append(pixels)
    return frames


def number_of(pixels: Pixels) -> int:
    """The number modulo 20 of a frame of `numbered`."""
    return round((float(pixels[-20:, -20:, :].mean()) - 40) / 10)


def video(
    frames: Sequence[Pixels],
    fmt: str = "mp4",
    *,
    codec: str = "",
    times_ms: Sequence[int] = (),
    gop: int = 12,
    seekable: bool = True,
    options: dict[str, str] | None = None,
    rotation_deg: int = 0,
) -> bytes:
    """Frames as a clip of 25 frames a second, or with the time stamps given.

    Args:
        frames: all of one size.
        fmt: container: mp4 mov mkv webm avi mpg ts flv wmv.
        codec: encoder; the usual one of the container if empty.
        times_ms: when each frame is shown; evenly if empty.
        gop: frames from one key frame to the next.
        seekable: False writes as a live stream, which never learns its length.
        options: of the muxer.
        rotation_deg: clockwise turn that players undo, written by hand into the header of an MP4.
    """
    import av

    sink: Any = io.BytesIO() if seekable else _Pipe()
    container_name = {"mkv": "matroska", "mpg": "vob", "ts": "mpegts", "wmv": "asf"}.get(fmt, fmt)
    with av.open(sink, "w", format=container_name, options=options or {}) as container:
        stream = container.add_stream(codec or VIDEO_CODECS[fmt], rate=25)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt, stream.bit_rate = "yuv420p", 400_000
        stream.codec_context.gop_size = gop
        # Without these x264 puts key frames where scenes change, and vpx takes seconds.
        x264, vpx = {"x264-params": f"keyint={gop}:scenecut=0"}, {"deadline": "realtime", "cpu-used": "8"}
        stream.options = {"libx264": x264, "libvpx": vpx}.get(codec or VIDEO_CODECS[fmt], {})
        if times_ms:
            stream.codec_context.time_base = Fraction(1, 1000)
        for i, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            if times_ms:
                frame.pts, frame.time_base = times_ms[i], Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    data: bytes = sink.getvalue()
    return _turned(data, rotation_deg) if rotation_deg else data


def sound(fmt: str = "mp4") -> bytes:
    """A second of silence."""
    import av

    out = io.BytesIO()
    with av.open(out, "w", format=fmt) as container:
        stream = container.add_stream("aac", rate=44100, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 44100
        for i in range(40):
            frame.pts = i * 1024
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()


class _Pipe:
    """A stream that cannot go back."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def getvalue(self) -> bytes:
        return b"".join(self._parts)


def _turned(mp4: bytes, clockwise_deg: int) -> bytes:
    """With the matrix of the track header (ISO 14496-12, 8.3.2) replaced."""
    cosine, sine = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[clockwise_deg]
    matrix = [cosine << 16, sine << 16, 0, -sine << 16, cosine << 16, 0, 0, 0, 1 << 30]
    at = mp4.index(b"tkhd") + 4 + 40
    return mp4[:at] + struct.pack(">9i", *matrix) + mp4[at + 36 :]
