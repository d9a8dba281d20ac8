"""Metadata: generator tags are found in each container, controls stay quiet, hostile text costs little."""

from __future__ import annotations

import io
import json
import struct
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from forensics.analyzers.metadata import MAX_ROWS, MAX_SHOWN, Metadata
from forensics.analyzers.tags.fields import MAX_UNPACKED, MAX_UNPACKED_TOTAL, read_tags
from forensics.analyzers.tags.signatures import find_stealth
from forensics.finding import Claim, Finding
from forensics.media import Media
from forensics.settings import ScanSettings
from tests.make_media import jpeg, photo, png

PICTURE = photo(1, width=160, height=120)
A1111 = "a castle\nNegative prompt: blur\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 42, Size: 160x120, Model: x"
WORKFLOW = json.dumps({"3": {"class_type": "KSampler", "inputs": {"seed": 1, "steps": 20}}})
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/"


def findings(data: bytes) -> list[Finding]:
    return list(Metadata(ScanSettings()).examine(Media.open(data)))


def generators(data: bytes) -> list[Finding]:
    return [f for f in findings(data) if f.llr is not None]


def exif(*tags: tuple[int, str], comment: bytes = b"") -> bytes:
    block = Image.Exif()
    for tag, text in tags:
        block[tag] = text
    if comment:
        block.get_ifd(0x8769)[0x9286] = comment
    return block.tobytes()


def saved(fmt: str, block: bytes = b"", **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(PICTURE).save(out, fmt, exif=block, **options)
    return out.getvalue()


def xmp(body: str) -> bytes:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description xmlns:i="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
        'xmlns:p="http://ns.adobe.com/photoshop/1.0/" xmlns:T="http://example.org/">'
        f"{body}</rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()


def with_chunk(kind: bytes, body: bytes, n: int = 1) -> bytes:
    data = png(PICTURE)
    chunk = struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return data[:33] + chunk * n + data[33:]


@pytest.mark.parametrize(
    ("text", "tool"),
    [
        ({"parameters": A1111}, "Stable Diffusion WebUI format"),
        ({"parameters": A1111 + ", Version: f2.0.1v1"}, "Forge"),
        ({"parameters": "x\nSteps: 20, Seed: 1, App: SD.Next, Version: abc"}, "SD.Next"),
        ({"prompt": WORKFLOW}, "ComfyUI"),
        ({"workflow": '{"last_node_id": 9, "nodes": []}'}, "ComfyUI"),
        ({"invokeai_metadata": "{}"}, "InvokeAI"),
        ({"Software": "NovelAI", "Comment": "{}"}, "NovelAI"),
        ({"parameters": '{"prompt": "x", "adm_guidance": "(1.5)"}', "fooocus_scheme": "fooocus"}, "Fooocus"),
        ({"parameters": '{"sui_image_params": {"prompt": "x"}}'}, "SwarmUI"),
        ({"AIGC": '{"Label": "1", "ContentProducer": "x"}'}, "AIGC"),
        ({"Description": "a cat --v 6 Job ID: 12345678-1234-1234-1234-123456789012"}, "Midjourney"),
    ],
)
def test_text_of_a_generator_in_a_png_is_named(text: dict[str, str], tool: str) -> None:
    (found,) = generators(png(PICTURE, text))
    assert found.llr == 2.5
    assert found.claim is Claim.SYNTHETIC
    assert tool in found.summary


@pytest.mark.parametrize("order", ["utf-16-be", "utf-16-le"])
def test_parameters_in_the_user_comment_are_read_in_both_byte_orders(order: str) -> None:
    (found,) = generators(saved("JPEG", exif(comment=b"UNICODE\0" + A1111.encode(order))))
    assert "Stable Diffusion WebUI format" in found.summary


def test_a_workflow_in_the_make_of_a_webp_is_a_generator_and_not_a_camera() -> None:
    found = findings(saved("WEBP", exif((0x010F, f"prompt:{WORKFLOW}"), (0x0110, "workflow:{}"))))
    assert "ComfyUI" in found[0].summary
    assert not any("names the camera" in f.summary for f in found)


@pytest.mark.parametrize(
    ("kind", "claim"),
    [
        ("trainedAlgorithmicMedia", Claim.SYNTHETIC),
        ("algorithmicMedia", Claim.SYNTHETIC),
        ("compositeWithTrainedAlgorithmicMedia", Claim.MANIPULATED),
    ],
)
def test_a_declared_digital_source_type_decides_the_claim(kind: str, claim: Claim) -> None:
    packet = xmp(f"<i:DigitalSourceType>{SOURCE_TYPE}{kind}</i:DigitalSourceType>")
    (found,) = generators(saved("JPEG", xmp=packet))
    assert found.claim is claim


@pytest.mark.parametrize("kind", ["digitalCapture", "negativeFilm", "compositeCapture", "humanEdits"])
def test_source_types_of_photographs_are_no_generator(kind: str) -> None:
    packet = xmp(f"<i:DigitalSourceType>{SOURCE_TYPE}{kind}</i:DigitalSourceType>")
    assert not generators(saved("JPEG", xmp=packet))


@pytest.mark.parametrize(
    "text",
    [
        {"Description": "Steps: leading to the castle, Sampler of cheese"},
        {"Credit": "Sora Kim"},
        {"Comment": "caption by ChatGPT"},
        {"Software": "GIMP 2.10"},
        {"AIGC": '{"Label": "2"}'},
        {"Title": "How AI generated images work"},
    ],
)
def test_everyday_words_are_no_generator(text: dict[str, str]) -> None:
    assert not generators(png(PICTURE, text))


def test_a_camera_and_an_editor_are_told_without_a_ratio() -> None:
    found = findings(saved("JPEG", exif((0x010F, "Canon"), (0x0110, "EOS R5"), (0x0131, "Adobe Photoshop 25.0"))))
    assert [f.llr for f in found] == [None]
    assert "Canon EOS R5" in found[0].summary
    assert "editor Adobe Photoshop" in found[0].summary


def test_no_metadata_is_said_to_mean_nothing() -> None:
    (found,) = findings(jpeg(PICTURE))
    assert found.llr is None
    assert "means nothing" in found.summary


def test_removing_the_tag_removes_the_finding() -> None:
    assert generators(png(PICTURE, {"parameters": A1111}))
    assert not generators(png(PICTURE))


def test_compressed_text_is_read() -> None:
    for kind, body in ((b"zTXt", b"parameters\0\0"), (b"iTXt", b"parameters\0\1\0\0\0")):
        assert generators(with_chunk(kind, body + zlib.compress(A1111.encode())))


def test_fill_bytes_before_a_marker_do_not_hide_a_comment() -> None:
    comment = b"\xff" * 3 + b"\xff\xfe" + struct.pack(">H", len(A1111) + 2) + A1111.encode()
    data = jpeg(PICTURE)
    assert generators(data[:2] + comment + data[2:])


def test_text_hidden_in_the_lowest_bits_of_alpha_is_found() -> None:
    bits = np.unpackbits(np.frombuffer(b"stealth_pnginfo", np.uint8))
    alpha = np.full((120, 160), 254, np.uint8)
    # The bits run down the columns.
    column, row = np.divmod(np.arange(len(bits)), 120)
    alpha[row, column] |= bits
    rgba = np.dstack([PICTURE, alpha])
    assert find_stealth(rgba) == "stealth_pnginfo"
    (found,) = generators(saved_rgba(rgba))
    assert "hides its settings" in found.summary
    assert not generators(saved_rgba(np.dstack([PICTURE, np.full((120, 160), 254, np.uint8)])))


def saved_rgba(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(
    "packet",
    [
        b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><x>&b;</x>',
        b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]><x>&a;</x>',
    ],
)
def test_entities_in_xmp_are_neither_expanded_nor_fetched(packet: bytes) -> None:
    (found,) = findings(with_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet))
    assert found.details == (("note", "The XMP packet tries to expand or fetch entities; it was not read."),)


HOSTILE = {
    "nested json": with_chunk(b"tEXt", b"prompt\0" + b"[" * 100_000 + b"]" * 100_000),
    "a number of a megabyte": with_chunk(b"tEXt", b"prompt\0{" + b"9" * 1_000_000 + b"}"),
    "repeated starts of a pattern": with_chunk(b"tEXt", b"a\0" + b"Steps: 1, " * 26_000, n=20),
    "zip bombs": with_chunk(b"zTXt", b"k\0\0" + zlib.compress(b"A" * (4 << 20), 9), n=500),
    "deep xml": with_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + b"<a>" * 100_000 + b"</a>" * 100_000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_costs_little(name: str) -> None:
    media = Media.open(HOSTILE[name])
    _ = media.pixels
    started = time.process_time()
    found = list(Metadata(ScanSettings()).examine(media))
    # Measured 0.05-0.3 s; patterns that spanned text took 65 s on the repeated starts.
    assert time.process_time() - started < 5
    assert found


def test_compressed_texts_share_one_budget_for_unpacking() -> None:
    one = with_chunk(b"zTXt", b"k\0\0" + zlib.compress(b"A" * MAX_UNPACKED), n=60)
    texts = [f.text for f in read_tags(Media.open(one)).fields]
    full = MAX_UNPACKED_TOTAL // MAX_UNPACKED
    assert len(texts[0]) > 0
    assert sum(bool(text) for text in texts) <= full


def test_long_text_is_cut_with_a_note_and_kept_as_text() -> None:
    (found,) = [f for f in findings(png(PICTURE, {"note": "<script>" + "x" * 9000})) if f.details]
    (text,) = [text for label, text in found.details if label == "PNG text: note"]
    assert text.startswith("<script>")
    assert len(text) < MAX_SHOWN + 60
    assert "more characters" in text


def test_a_broken_exif_block_does_not_hide_a_comment() -> None:
    broken = with_chunk(b"eXIf", b"II*\0\x08\0\0\0\xff\xff" + b"\xff" * 40)
    text = b"parameters\0" + A1111.encode()
    chunk = struct.pack(">I", len(text)) + b"tEXt" + text + struct.pack(">I", zlib.crc32(b"tEXt" + text))
    assert generators(broken[:33] + chunk + broken[33:])


def test_one_entry_is_called_one() -> None:
    (one,) = findings(png(PICTURE, {"note": "x"}))
    assert one.summary == "The file carries 1 metadata entry, which names no camera or program."
    many = findings(png(PICTURE, {f"note {i}": "x" for i in range(MAX_ROWS + 1)}))
    assert ("note", "1 more entry is not shown.") in many[-1].details
