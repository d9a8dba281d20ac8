"""XMP packets (ISO 16684-1) to flat (name, text) pairs, by a parser that expands and fetches nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

MAX_PACKET = 4 << 20
MAX_PAIRS = 500
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_SOURCE_TYPE = re.compile(r"digitalsourcetype/(\w+)", re.IGNORECASE)


def read(packet: bytes) -> tuple[list[tuple[str, str]], str]:
    """Pairs of (local name, text) in document order, and a note if the packet could not be read.

    Nested names are joined with a slash: History/action.
    """
    from defusedxml import ElementTree
    from defusedxml.common import DefusedXmlException

    text = packet[:MAX_PACKET].strip(b"\0 \t\r\n")
    try:
        root = ElementTree.fromstring(text)
    except DefusedXmlException:
        return [], "The XMP packet tries to expand or fetch entities; it was not read."
    except (ElementTree.ParseError, ValueError, LookupError):
        # Broken XML still may name the one thing that matters most.
        types = _SOURCE_TYPE.findall(text.decode("utf-8", "replace"))
        return [("DigitalSourceType", t) for t in types[:4]], "The XMP packet is not well-formed XML."
    return list(islice(_walk(root, "", 0), MAX_PAIRS)), ""


def _walk(node: Any, path: str, depth: int) -> Iterator[tuple[str, str]]:
    if depth > 32:
        return
    for name, value in node.attrib.items():
        if not name.startswith(f"{{{_RDF}}}") and value.strip():
            yield _join(path, _local(name)), value.strip()
        elif name == f"{{{_RDF}}}resource":
            yield path, value.strip()
    if node.text and node.text.strip():
        yield path or _local(node.tag), node.text.strip()
    for child in node:
        structural = child.tag.startswith(f"{{{_RDF}}}") or _local(child.tag) == "xmpmeta"
        yield from _walk(child, path if structural else _join(path, _local(child.tag)), depth + 1)


def _local(tag: str) -> str:
    return str(tag).rpartition("}")[2]


def _join(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name
