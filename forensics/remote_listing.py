"""What lies under a URL: handed on page by page, so that work begins before the listing ends."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from glob import has_magic
from pathlib import Path
from typing import Any

from forensics.addresses import shown_url
from forensics.messages import Task
from forensics.remote import protocol_of, system

PAGE = 1000
"""Objects of a page; no cloud tells more at once by default."""

_UNLISTED = ("http", "https")
"""Have no folders: listing a page would follow its links."""


@dataclass(frozen=True)
class _Found:
    """An object.

    Attributes:
        name: in its file system.
        version: its ETag, which another content does not have; "" where the place has none.
    """

    name: str
    version: str


def listing(url: str) -> Iterator[Task]:
    """Files under a URL: one object, all below a prefix, or what a pattern matches.

    A place that cannot be listed is one task, after what came before it failed, and fetching it says why.

    Raises:
        ValueError: no protocol that leads to files elsewhere.
        ImportError: what speaks it is not installed.
    """
    protocol = protocol_of(url)
    # fsspec chains by "::"; a chain may end anywhere.
    if "::" in url:
        raise ValueError(f"{shown_url(url)!r} is a chain of places; name the one to fetch files from")
    try:
        files, path = system(url)
    except ImportError:
        raise
    except Exception:  # noqa: BLE001 - some connect here; as below
        yield _task(url, "")
        return
    if protocol in _UNLISTED:
        yield _task(url, "")
        return
    try:
        yield from _tasks(files, protocol, path, url)
    except Exception:  # noqa: BLE001 - every cloud has its own errors; fetching it raises them again, for its own line
        yield _task(url, "")


def _tasks(files: Any, protocol: str, path: str, url: str) -> Iterator[Task]:
    files.invalidate_cache()
    root, base = path.rstrip("/"), url.rstrip("/")
    is_found = False
    for one in _below(files, protocol, root):
        is_found = True
        yield _task(base + one.name[len(root) :], one.version)
    if is_found:
        return
    if not has_magic(path):
        yield _task(url, _version(files.info(path)))
        return
    root = path[: re.search(r"[*?[]", path).start()].rpartition("/")[0]  # type: ignore[union-attr]
    base = url[: len(url) - len(path) + len(root)]
    matched = _pattern(path)
    for one in _below(files, protocol, root):
        if matched(one.name):
            is_found = True
            yield _task(base + one.name[len(root) :], one.version)
    if not is_found:
        yield _task(url, "")


def _task(url: str, version: str) -> Task:
    shown = shown_url(url)
    # A signature that is renewed makes no other file of it.
    return Task(Path(shown), shown, _name(shown), url=url, version=version)


def _name(shown: str) -> str:
    place = re.split("[?#]", shown)[0] if protocol_of(shown) in _UNLISTED else shown
    return place.rstrip("/").rpartition("/")[2] or shown


def _pattern(path: str) -> Callable[[str], object]:
    from fsspec.utils import glob_translate

    return re.compile(glob_translate(path)).match


def _below(files: Any, protocol: str, root: str) -> Iterator[_Found]:
    """All below a folder. Whole buckets are read a page at a time, other places a folder at a time."""
    if protocol not in _PAGED:
        if not files.isdir(root or "/"):
            return
        for _, _, found in files.walk(root or "/", detail=True, on_error="raise"):
            for _, info in sorted(found.items()):
                yield _Found(info["name"], _version(info))
        return
    from fsspec.asyn import sync

    bucket, _, prefix = root.partition("/")
    objects = _PAGED[protocol](files, bucket, f"{prefix}/" if prefix else "")
    while page := sync(files.loop, _next_page, objects):
        yield from page


async def _next_page(objects: AsyncIterator[_Found]) -> list[_Found]:
    page: list[_Found] = []
    async for one in objects:
        page.append(one)
        if len(page) == PAGE:
            break
    return page


async def _s3(files: Any, bucket: str, prefix: str) -> AsyncIterator[_Found]:
    async for info in files._iterdir(bucket, delimiter="", prefix=prefix):
        if not _is_folder(info["name"], info["size"]):
            yield _Found(info["name"], _version(info))


async def _google(files: Any, bucket: str, prefix: str) -> AsyncIterator[_Found]:
    asked: dict[str, object] = {"prefix": prefix, "maxResults": PAGE}
    while True:
        page = await files._call("GET", "b/{}/o", bucket, json_out=True, **asked)
        for info in page.get("items", ()):
            if not _is_folder(info["name"], int(info["size"])):
                yield _Found(f"{bucket}/{info['name']}", _version(info))
        if "nextPageToken" not in page:
            return
        asked["pageToken"] = page["nextPageToken"]


async def _azure(files: Any, container: str, prefix: str) -> AsyncIterator[_Found]:
    async with files.service_client.get_container_client(container) as client:
        async for blob in client.list_blobs(name_starts_with=prefix, include=["metadata"]):
            # Data Lake storage marks a folder so.
            if not _is_folder(blob.name, blob.size) and "hdi_isfolder" not in (blob.metadata or {}):
                yield _Found(f"{container}/{blob.name}", _version(blob))


_PAGED = {"s3": _s3, "s3a": _s3, "gs": _google, "gcs": _google, "az": _azure, "abfs": _azure, "abfss": _azure}


def _is_folder(name: str, size: int) -> bool:
    """Whether an object stands for a folder, as the consoles of the clouds make them."""
    return name.endswith("/") and size == 0


def _version(info: Mapping[str, Any]) -> str:
    return str(info.get("ETag") or info.get("etag") or "").strip('"')
