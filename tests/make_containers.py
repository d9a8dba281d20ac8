"""Containers made at test time: archives, mail, documents, and archives that lie."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from email.message import EmailMessage

import pyarrow

Files = Mapping[str, bytes]

DOCUMENT_FOLDERS = {"docx": "word/media", "xlsx": "xl/media", "pptx": "ppt/media", "odt": "Pictures", "odp": "Pictures"}


def zipped(files: Files, *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP archive; names are written as they are."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo("x", (2024, 1, 1, 0, 0, 0))
            info.filename = name
            archive.writestr(info, data, method)
    return out.getvalue()


def zip_with_link(name: str, target: str) -> bytes:
    """A ZIP archive that holds a symbolic link."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0))
        info.create_system, info.external_attr = 3, 0o120777 << 16
        archive.writestr(info, target)
    return out.getvalue()


def encrypted_zip(files: Files) -> bytes:
    """A ZIP archive whose members claim to be encrypted."""
    data = bytearray(zipped(files))
    for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = data.find(signature)
        while start >= 0:
            data[start + at] |= 1
            start = data.find(signature, start + 4)
    return bytes(data)


def overlapping_zip(n: int, content: bytes) -> bytes:
    """A ZIP archive of n members that all share the same packed bytes."""
    packed = zlib.compress(content, 9)[2:-4]
    sums = (zlib.crc32(content), len(packed), len(content))
    local = struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", 20, 0, 8, 0, 33, *sums, 1, 0) + b"a" + packed
    entries = b""
    for i in range(n):
        name = f"{i}.jpg".encode()
        head = struct.pack(
            "<4sHHHHHHIIIHHHHHII", b"PK\x01\x02", 20, 20, 0, 8, 0, 33, *sums, len(name), 0, 0, 0, 0, 0, 0
        )
        entries += head + name
    return local + entries + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, n, n, len(entries), len(local), 0)


def tarred(
    files: Files, *, links: Mapping[str, str] | None = None, devices: Sequence[str] = (), kind: bytes = tarfile.SYMTYPE
) -> bytes:
    """A tar archive; its links are of that kind."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            archive.addfile(info)
        for name in devices:
            info = tarfile.TarInfo(name)
            info.type = tarfile.CHRTYPE
            archive.addfile(info)
    return out.getvalue()


def seven_zipped(files: Files, *, password: str | None = None) -> bytes:
    """A 7z archive; needs py7zr."""
    import py7zr

    out = io.BytesIO()
    with py7zr.SevenZipFile(out, "w", password=password) as archive:
        for name, data in files.items():
            archive.writef(io.BytesIO(data), name)
    return out.getvalue()


def mail(attachments: Files, text: str = "See attached.") -> bytes:
    """A mail with attachments."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@example.org", "b@example.org", "pictures"
    message.set_content(text)
    message.add_alternative("<p>See attached.</p>", subtype="html")
    for name, data in attachments.items():
        message.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()


def mail_box(mails: Sequence[bytes]) -> bytes:
    """A mail box."""
    return b"".join(b"From a@example.org Thu Jan  1 00:00:00 2026\n" + data.rstrip() + b"\n\n" for data in mails)


def document(kind: str, pictures: Files) -> bytes:
    """An Office or OpenDocument file that holds pictures; as much of one as a reader of its pictures needs."""
    folder = DOCUMENT_FOLDERS[kind]
    media = {f"{folder}/{name}": data for name, data in pictures.items()}
    if kind.startswith("od"):
        return zipped({"mimetype": b"application/vnd.oasis.opendocument.text", "content.xml": b"<x/>"} | media)
    return zipped({"[Content_Types].xml": b"<Types/>", "_rels/.rels": b"<r/>", f"{folder[:4]}.xml": b"<w/>"} | media)


def pdf(streams: Sequence[tuple[str, bytes]]) -> bytes:
    """A PDF document with the given streams, each with the text of its dictionary."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [] /Count 0 >>"]
    objects += [
        b"<< " + words.encode() + b" /Length %d >>\nstream\n" % len(data) + data + b"\nendstream"
        for words, data in streams
    ]
    out, places = b"%PDF-1.7\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n" % number + content + b"\nendobj\n"
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    trailer = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(out))
    return out + head + table + trailer


def jpeg_stream(data: bytes, width: int, height: int) -> tuple[str, bytes]:
    """A picture as a PDF document holds it: the JPEG file itself."""
    words = f"/Subtype /Image /Width {width} /Height {height} /BitsPerComponent 8 /ColorSpace /DeviceRGB"
    return f"{words} /Filter /DCTDecode", data


def sample_stream(samples: bytes, width: int, height: int) -> tuple[str, bytes]:
    """A picture as a PDF document holds it: bare samples, packed."""
    words = f"/Subtype /Image /Width {width} /Height {height} /BitsPerComponent 8 /ColorSpace /DeviceRGB"
    return f"{words} /Filter /FlateDecode", zlib.compress(samples)


def winmail(attachments: Files) -> bytes:
    """Attachments as Outlook packs them (MS-OXTNEF)."""

    def attribute(number: int, data: bytes, *, level: int = 2) -> bytes:
        return struct.pack("<BII", level, number, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)

    out = struct.pack("<IH", 0x223E9F78, 1) + attribute(0x00089006, b"\0\0\1\0", level=1)
    for name, data in attachments.items():
        out += attribute(0x00069002, bytes(14)) + attribute(0x0006800F, data)
        out += attribute(0x00018010, name.encode("cp1252") + b"\0")
    return out


def _arrow(codec: str) -> Callable[[bytes], bytes]:
    """Packs one file as a stream of frames."""

    def packed(data: bytes) -> bytes:
        sink = pyarrow.BufferOutputStream()
        with pyarrow.CompressedOutputStream(sink, codec) as stream:
            stream.write(data)
        return sink.getvalue().to_pybytes()

    return packed


PACKERS = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": _arrow("zstd"),
    "lz4": _arrow("lz4"),
}
"""Ending -> what packs one file."""
