"""The file of API keys: a name, its tenant, its scopes, its limits and a salted scrypt hash a line.

A key is "name.secret" with 256 random bits, shown once. As scrypt costs a tenth of a second, a key that was right is
remembered by its SHA-256 in memory until the file changes; wrong ones are checked one at a time.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from forensics.password_file import NOBODY, fits, hashed, write_private

SCOPES = ("scan", "read", "admin")
"""Submit files; ask how they stand and fetch reports; read the figures of the whole server."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
"""Of keys and tenants: fit for a log, a header and a line of the file as they are."""

_HEAD = "# API keys of `unforged serve`: name:tenant:scopes:requests:bytes:hash, written by `unforged serve-keys`.\n"


@dataclass(frozen=True)
class Key:
    """One line.

    Attributes:
        name: of the key, in logs.
        tenant: whose files it sees.
        scopes: some of SCOPES.
        secret: "scrypt$..."; "" for whoever needs no key.
        requests_per_min, bytes_per_min: its own limits; None takes the server's.
    """

    name: str
    tenant: str
    scopes: tuple[str, ...]
    secret: str = ""
    requests_per_min: int | None = None
    bytes_per_min: int | None = None

    def __post_init__(self) -> None:
        for what, text in (("key", self.name), ("tenant", self.tenant)):
            if _NAME.fullmatch(text) is None:
                raise ValueError(f"the name of a {what} has 1 to 64 letters, digits, - and _, not {text!r}")
        if not self.scopes or not set(self.scopes) <= set(SCOPES):
            raise ValueError(f"scopes are some of {', '.join(SCOPES)}, not {','.join(self.scopes)!r}")
        for limit in (self.requests_per_min, self.bytes_per_min):
            if limit is not None and limit < 1:
                raise ValueError(f"a limit per minute is 1 at least, not {limit}")


ANYBODY = Key("local", "local", SCOPES)
"""Who a server without keys takes everybody for."""


def read(path: Path) -> tuple[Key, ...]:
    """All lines of a key file.

    Raises:
        ValueError: a line is none, or a name comes twice.
        OSError: it cannot be read.
    """
    keys: dict[str, Key] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            name, tenant, scopes, requests, n_bytes, secret = line.split(":")
            key = Key(name, tenant, tuple(scopes.split(",")), secret, _limit(requests), _limit(n_bytes))
        except ValueError as error:
            raise ValueError(f"line {number} of {path} is no API key: {error}") from None
        if name in keys:
            raise ValueError(f"line {number} of {path} names {name!r} again")
        keys[name] = key
    return tuple(keys.values())


def write(path: Path, keys: Sequence[Key]) -> None:
    """Write it, readable by its owner only.

    Raises:
        OSError: the folder cannot be written.
    """
    lines = (
        f"{key.name}:{key.tenant}:{','.join(key.scopes)}:{key.requests_per_min or '-'}:{key.bytes_per_min or '-'}"
        f":{key.secret}\n"
        for key in keys
    )
    write_private(path, _HEAD + "".join(lines))


def new_secret(name: str) -> tuple[str, str]:
    """A new key as it is given to whoever shall use it, and as it is stored."""
    secret = secrets.token_urlsafe(32)
    return f"{name}.{secret}", hashed(secret)


class KeyRing:
    """The keys of a file, read again when it changes. Safe to use from several threads.

    Args:
        path: of the file.

    Raises:
        ValueError, OSError: as `read`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._stamp: tuple[int, int, int] | None = None
        self._keys: dict[str, Key] = {}
        self._right: dict[bytes, Key] = {}
        self._refresh()

    def remembered(self, token: str) -> Key | None:
        """Whose key this is, if it was right before; costs nothing.

        Raises:
            ValueError, OSError: as `find`.
        """
        with self._lock:
            self._refresh()
            return self._right.get(_digest(token))

    def find(self, token: str) -> Key | None:
        """Whose key this is; None for nobody's, after the same time whether the name exists or not.

        Args:
            token: as it was sent.

        Raises:
            ValueError, OSError: the file changed and cannot be read any more: then no key is good.
        """
        with self._lock:
            self._refresh()
            found = self._right.get(_digest(token))
            keys = self._keys
        if found is not None:
            return found
        name, _, secret = token.partition(".")
        key = keys.get(name)
        is_right = fits(NOBODY if key is None else key.secret, secret[:200])
        if key is None or not is_right:
            return None
        with self._lock:
            if self._keys is keys:
                self._right[_digest(token)] = key
        return key

    def _refresh(self) -> None:
        status = self._path.stat()
        stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
        if stamp != self._stamp:
            self._keys = {key.name: key for key in read(self._path)}
            self._right = {}
            self._stamp = stamp


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _limit(text: str) -> int | None:
    return None if text == "-" else int(text)
