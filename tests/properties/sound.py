"""Sound files for every parser there is, to be damaged: small, so that most of their bytes decide something."""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec

from PIL import Image

from tests.make_c2pa import action, sign, signer
from tests.make_compound import message, outlook
from tests.make_containers import (
    DOCUMENT_FOLDERS,
    PACKERS,
    document,
    jpeg_stream,
    mail,
    mail_box,
    pdf,
    sample_stream,
    seven_zipped,
    tarred,
    winmail,
    zip_with_link,
    zipped,
)
from tests.make_files import STILL_FORMATS, VIDEO_CODECS, icc, numbered, quadrants, still, video
from tests.make_media import jpeg, photo, png
from tests.make_tiffs import ASCII, UNDEFINED, Sheet, sheet, tiff

MOVING = ("gif animation", "webp animation", "png animation")
MEDIA_KINDS = (*STILL_FORMATS, *MOVING, "jpeg progressive", "tiff packed", *VIDEO_CODECS)
TARS = ("tar", *(f"tar.{ending}" for ending in PACKERS))
CONTAINER_KINDS = ("zip", "docx", *TARS, "eml", "mbox", "tnef", "msg", "pdf", "7z", "tiff", "tiff big")

ESCAPES = ("../../escaped.jpg", "/escaped.jpg", "..\\..\\escaped.jpg", "a/../../../../escaped.jpg")
"""Names of members that lead out of the folder they are unpacked to, if anybody made paths of them."""


@cache
def medium(kind: str) -> bytes:
    """A sound file of a kind, with metadata and a profile where there is room for them."""
    image = Image.fromarray(photo(1, width=48, height=32))
    if kind in VIDEO_CODECS:
        return video(numbered(8, width=48, height=32), kind)
    fmt, _, how = kind.partition(" ")
    if how == "animation":
        return still(image, fmt, save_all=True, append_images=[quadrants(), image], duration=50)
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "planted"
    options = {
        "jpeg": {"exif": exif, "icc_profile": icc(b"RGB ", {}), "comment": b"planted"},
        "png": {"exif": exif, "icc_profile": icc(b"RGB ", {})},
        "webp": {"exif": exif},
        "tiff": {"exif": exif},
    }.get(fmt, {})
    packed = {"progressive": {"progressive": True}, "packed": {"compression": "tiff_lzw"}}.get(how, {})
    return still(image, fmt, **options, **packed)


@cache
def container(kind: str) -> bytes:
    """A sound container of a kind, with another one in it."""
    picture = jpeg(photo(1, width=32, height=24), 60)
    files = {"a.jpg": picture, "b/c.txt": b"text", "in.zip": zipped({"d.jpg": picture + b"x"})}
    if kind.startswith("tar"):
        data = tarred(files, links={"l": "a.jpg"})
        return data if kind == "tar" else PACKERS[kind.removeprefix("tar.")](data)
    if kind in DOCUMENT_FOLDERS:
        return document(kind, files)
    made = {
        "zip": lambda: zipped(files),
        "eml": lambda: mail(files),
        "mbox": lambda: mail_box([mail(files), mail({"e.jpg": picture + b"y"})]),
        "tnef": lambda: winmail(files),
        "msg": lambda: outlook({**files, "fwd": message({"e.jpg": picture + b"y"})}),
        "pdf": lambda: pdf([jpeg_stream(picture, 32, 24), sample_stream(bytes(32 * 24 * 3), 32, 24)]),
        "7z": lambda: seven_zipped(files),
        "tiff": lambda: tiff(_sheets()),
        "tiff big": lambda: tiff(_sheets(), order=">", is_big=True),
    }
    return made[kind]()


def _sheets() -> list[Sheet]:
    """Three pages, with a smaller version and Exif below the first, and a profile."""
    small, *whole = (sheet(photo(seed, width=32, height=24)[..., 0].copy()) for seed in range(4))
    exif = Sheet((), {36867: (ASCII, b"2024:01:01 10:00:00\0")})
    profile = {34675: (UNDEFINED, icc(b"GRAY", {}))}
    return [Sheet(whole[0].strips, {**whole[0].tags, **profile}, {330: [small], 34665: [exif]}), *whole[1:]]


def by_parser(url: str) -> Mapping[str, Mapping[str, bytes]]:
    """Parser -> name -> a sound file for it.

    Args:
        url: stands wherever a format may name something to be fetched.
    """
    archives = ("zip", *TARS, *(["7z"] if find_spec("py7zr") else []))
    stills = {kind: medium(kind) for kind in MEDIA_KINDS if kind not in VIDEO_CODECS}
    return {
        "images": stills,
        "video": {kind: medium(kind) for kind in VIDEO_CODECS},
        "metadata": _described(url),
        "C2PA": _signed(),
        "JPEG internals": _jpegs(),
        "archives": {kind: container(kind) for kind in archives} | _escaping(),
        "mail": {kind: container(kind) for kind in ("eml", "mbox", "tnef", "msg")},
        "PDF": {"pdf": container("pdf")},
        "pages": {kind: container(kind) for kind in ("tiff", "tiff big")},
        "Office": {kind: container(kind) for kind in DOCUMENT_FOLDERS},
    }


def _described(url: str) -> dict[str, bytes]:
    """Pictures that say much about themselves."""
    image = Image.fromarray(photo(2, width=48, height=32))
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0131], exif[0x0132] = "Canon", "EOS", "Adobe Photoshop", "2024:01:01 10:00:00"
    exif.get_ifd(0x8769)[0x9003] = "2020:01:01 10:00:00"
    exif.get_ifd(0x8825)[1] = "N"
    packet = (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description xmlns:t="http://purl.org/dc/terms/" t:provenance="{url}"/></rdf:RDF></x:xmpmeta>'
    ).encode()
    entity = f'<!DOCTYPE x [<!ENTITY e SYSTEM "{url}">]>'.encode() + packet
    text = {"parameters": "a cat\nSteps: 20, Sampler: Euler", "prompt": '{"1": {"class_type": "KSampler"}}'}
    return {
        "jpeg": still(image, "jpeg", exif=exif, xmp=packet),
        "jpeg with an entity": still(image, "jpeg", xmp=entity),
        "webp": still(image, "webp", exif=exif, xmp=packet),
        "tiff": still(image, "tiff", exif=exif),
        "png": png(photo(2, width=48, height=32), text),
    }


def _signed() -> dict[str, bytes]:
    """Signed pictures, one with its history."""
    first = jpeg(photo(3, width=48, height=32))
    by = signer()
    made = sign(first, by, action("created", "trainedAlgorithmicMedia"))
    edited = sign(first, by, action("opened"), action("edited"), parent=made)
    return {
        "jpeg": made,
        "jpeg with a parent": edited,
        "png": sign(png(photo(3, width=48, height=32)), by, action("created"), mime="image/png"),
    }


def _jpegs() -> dict[str, bytes]:
    """JPEG files by other roads through the decoder of headers, tables and coefficients."""
    image = Image.fromarray(photo(4, width=64, height=48))
    grey, out = image.convert("L"), io.BytesIO()
    image.convert("CMYK").save(out, "JPEG")
    return {
        "baseline": still(image, "jpeg", quality=75, subsampling=2),
        "progressive": still(image, "jpeg", progressive=True),
        "restarts": still(image, "jpeg", restart_marker_blocks=2),
        "grey": still(grey, "jpeg"),
        "four colours": out.getvalue(),
        "optimised": still(image, "jpeg", optimize=True, quality=30),
    }


def _escaping() -> dict[str, bytes]:
    """Archives that lead out of themselves."""
    picture = jpeg(photo(5, width=32, height=24), 60)
    files = {name: picture + bytes([i]) for i, name in enumerate(ESCAPES)}
    return {
        "zip that leads out": zipped(files),
        "tar that leads out": tarred(files, links={"out": "/", "out/escaped.jpg": "/escaped.jpg"}),
        "zip with a link": zip_with_link("out", "/"),
    }
