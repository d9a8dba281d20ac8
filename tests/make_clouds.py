"""As much of Google Cloud Storage and of Azure Blob Storage as reading takes, served on this machine."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

import pytest

BUCKET = "evidence"
ACCOUNT = "devaccount"
SPEAKERS = {"gs": "gcsfs", "abfs": "adlfs"}
"""Protocol -> what speaks it."""

_WHEN = "Thu, 01 Jan 2026 00:00:00 GMT"


def missing(protocol: str) -> str:
    """Why a protocol cannot be spoken; "" when it can."""
    name = SPEAKERS[protocol]
    return "" if find_spec(name) is not None else f"{name} not installed"


@dataclass
class Cloud:
    """A bucket, the same by both protocols.

    Attributes:
        files: name -> content; may be changed while it is served.
        page: objects of a page of the listing.
        n_lists, read: pages that were asked for; names of objects whose content was, each once.
        status: 200, or that of the error which answers every request.
    """

    files: dict[str, bytes]
    page: int = 1000
    n_lists: int = 0
    read: set[str] = field(default_factory=set)
    status: int = 200

    def listed(self, prefix: str, marker: str) -> tuple[list[str], str]:
        """Names of a page, and where the next one begins; "" after the last."""
        self.n_lists += 1
        names = sorted(name for name in self.files if name.startswith(prefix) and name >= marker)
        return names[: self.page], names[self.page] if len(names) > self.page else ""


@contextmanager
def cloud(protocol: str, files: dict[str, bytes], patch: pytest.MonkeyPatch) -> Iterator[tuple[str, Cloud]]:
    """Serve files, and let every client of this process find them. Yields the URL of the bucket, and its files."""
    from fsspec import get_filesystem_class

    held = Cloud(files)
    handler = type("Answering", (_Google if protocol == "gs" else _Azure,), {"cloud": held})
    with _Serving(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        root = f"http://127.0.0.1:{server.server_address[1]}"
        patch.setenv("STORAGE_EMULATOR_HOST", root)
        patch.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
        patch.setenv("NO_GCE_CHECK", "true")
        key = base64.b64encode(b"no secret").decode()
        words = f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={key};BlobEndpoint={root}/{ACCOUNT};"
        patch.setenv("AZURE_STORAGE_CONNECTION_STRING", words)
        # Clients that were made for another server are kept.
        get_filesystem_class(protocol).clear_instance_cache()
        yield f"{protocol}://{BUCKET}", held
        server.shutdown()


class _Serving(ThreadingHTTPServer):
    def handle_error(self, *_: Any) -> None:
        """Clients hang up when they have enough."""


class _Answering(BaseHTTPRequestHandler):
    cloud: Cloud
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.cloud.status != 200:
            self.answer(self.cloud.status, b"refused")
            return
        asked = urlsplit(self.path)
        self.respond(asked.path, {name: values[0] for name, values in parse_qs(asked.query).items()})

    do_HEAD = do_GET

    def respond(self, path: str, query: dict[str, str]) -> None:
        raise NotImplementedError

    def content(self, name: str, headers: dict[str, str]) -> None:
        """An object, or the part of it that is asked for."""
        data = self.cloud.files[name]
        if self.command == "GET":
            self.cloud.read.add(name)
        asked = self.headers.get("x-ms-range") or self.headers.get("Range")
        if asked is None:
            self.answer(200, data, headers)
            return
        first, _, last = asked.removeprefix("bytes=").partition("-")
        start, end = int(first), min(int(last or len(data)), len(data) - 1)
        more = {"Content-Range": f"bytes {start}-{end}/{len(data)}"}
        self.answer(206, data[start : end + 1], headers | more)

    def answer(self, status: int, data: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *_: Any) -> None: ...


class _Google(_Answering):
    def respond(self, path: str, query: dict[str, str]) -> None:
        _, _, way = path.partition(f"/b/{BUCKET}/o")
        name = unquote(way.removeprefix("/"))
        if not name:
            names, following = self.cloud.listed(query.get("prefix", ""), query.get("pageToken", ""))
            page = {"kind": "storage#objects", "items": [self._told(one) for one in names]}
            self._json(page | ({"nextPageToken": following} if following else {}))
        elif name not in self.cloud.files:
            self.answer(404, b'{"error": {"code": 404, "message": "No such object"}}')
        elif query.get("alt") == "media":
            self.content(name, {"Content-Type": "image/jpeg"})
        else:
            self._json(self._told(name))

    def _told(self, name: str) -> dict[str, Any]:
        data = self.cloud.files[name]
        root = f"http://{self.headers['Host']}/download/storage/v1/b/{BUCKET}/o/"
        return {
            "kind": "storage#object",
            "name": name,
            "bucket": BUCKET,
            "size": str(len(data)),
            "etag": _etag(data),
            "updated": "2026-01-01T00:00:00.000Z",
            "timeCreated": "2026-01-01T00:00:00.000Z",
            "mediaLink": f"{root}{name}?alt=media",
        }

    def _json(self, told: dict[str, Any]) -> None:
        self.answer(200, json.dumps(told).encode(), {"Content-Type": "application/json"})


class _Azure(_Answering):
    def respond(self, path: str, query: dict[str, str]) -> None:
        name = unquote(path.removeprefix(f"/{ACCOUNT}/{BUCKET}").removeprefix("/"))
        if query.get("comp") == "list":
            names, following = self.cloud.listed(query.get("prefix", ""), query.get("marker", ""))
            told = "".join(map(self._told, names))
            head = f'<EnumerationResults ServiceEndpoint="http://here/" ContainerName="{BUCKET}">'
            ending = f"<NextMarker>{escape(following)}</NextMarker></EnumerationResults>"
            text = f'<?xml version="1.0" encoding="utf-8"?>{head}<Blobs>{told}</Blobs>{ending}'
            self.answer(200, text.encode(), {"Content-Type": "application/xml"})
        elif name not in self.cloud.files:
            self.answer(404, b"", {"x-ms-error-code": "BlobNotFound"})
        else:
            etag = f'"{_etag(self.cloud.files[name])}"'
            self.content(name, {"ETag": etag, "Last-Modified": _WHEN, "x-ms-blob-type": "BlockBlob"})

    def _told(self, name: str) -> str:
        data = self.cloud.files[name]
        properties = (
            f"<Last-Modified>{_WHEN}</Last-Modified><Etag>{_etag(data)}</Etag><BlobType>BlockBlob</BlobType>"
            f"<Content-Length>{len(data)}</Content-Length>"
        )
        return f"<Blob><Name>{escape(name)}</Name><Properties>{properties}</Properties><Metadata/></Blob>"


def _etag(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
