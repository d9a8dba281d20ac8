"""A text file of who may sign in to the dashboard: a name, a role and a salted scrypt hash a line.

scrypt (RFC 7914) costs a guess 32 MB of memory and a tenth of a second, so that who steals the file has not the
passwords. Nobody's password is ever stored or shown, and the file is only readable by its owner.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROLES = ("viewer", "moderator", "admin")

MIN_CHARACTERS = 10
"""NIST SP 800-63B asks for 8, and for 15 where nothing else protects; guesses are slowed down as well."""

MAX_CHARACTERS = 1000

COST_LOG2, BLOCK, LANES = 15, 8, 1
"""scrypt N, r and p: the interactive parameters of RFC 7914 with twice the memory."""

OIDC = "oidc"
"""In place of a hash: signs in at the identity provider only."""

_HEAD = "# Who may sign in to `unforged dashboard`: name:role:hash, written by `unforged dashboard add-user`.\n"


@dataclass(frozen=True)
class Entry:
    """One line.

    Attributes:
        name: to sign in with; an address where the identity provider names people so.
        role: one of ROLES.
        secret: "scrypt$..." or OIDC.
    """

    name: str
    role: str
    secret: str

    def __post_init__(self) -> None:
        if not self.name.isprintable() or self.name != self.name.strip() or not 0 < len(self.name) <= 100:
            raise ValueError("a name has 1 to 100 visible characters, without blanks at its ends")
        if ":" in self.name or self.name.startswith("#"):
            raise ValueError("a name holds no colon and does not begin with #")
        if self.role not in ROLES:
            raise ValueError(f"there is no role {self.role!r}; there is {', '.join(ROLES)}")


def read(path: Path) -> tuple[Entry, ...]:
    """All lines of a password file.

    Raises:
        ValueError: a line is none.
        OSError: it cannot be read.
    """
    entries = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = line.split(":")
        if len(parts) != 3:
            raise ValueError(f"line {number} of {path} is not name:role:hash")
        entries.append(Entry(*parts))
    return tuple(entries)


def write(path: Path, entries: Sequence[Entry]) -> None:
    """Write it, readable by its owner only; the old one stays until the new one is whole.

    Raises:
        OSError: the folder cannot be written.
    """
    write_private(path, _HEAD + "".join(f"{entry.name}:{entry.role}:{entry.secret}\n" for entry in entries))


def write_private(path: Path, text: str) -> None:
    """Write a text file that only its owner can read; the old one stays until the new one is whole.

    Raises:
        OSError: the folder cannot be written.
    """
    unfinished = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        unfinished.replace(path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise


def hashed(password: str) -> str:
    """A password as it is stored, with a new salt.

    Raises:
        ValueError: it is too short, or too long.
    """
    if not MIN_CHARACTERS <= len(password) <= MAX_CHARACTERS:
        raise ValueError(f"a password has {MIN_CHARACTERS} to {MAX_CHARACTERS} characters")
    salt = secrets.token_bytes(16)
    digest = _scrypt(password, salt, COST_LOG2, BLOCK, LANES)
    return f"scrypt${COST_LOG2}${BLOCK}${LANES}${_text(salt)}${_text(digest)}"


def checked(entries: Sequence[Entry], name: str, password: str) -> Entry | None:
    """The line of whoever knows the password; None for anybody else, after the same time.

    Args:
        entries: of the file.
        name: as typed.
        password: as typed.
    """
    entry = next((entry for entry in entries if hmac.compare_digest(entry.name.encode(), name.encode())), None)
    # An unknown name costs as much as a wrong password, so that time tells nobody which names there are.
    secret = NOBODY if entry is None or entry.secret == OIDC else entry.secret
    is_right = fits(secret, password[: MAX_CHARACTERS + 1])
    return entry if is_right and entry is not None and entry.secret != OIDC else None


def fits(secret: str, password: str) -> bool:
    """Whether a stored hash is that of a password; costs what scrypt costs.

    Args:
        secret: from `hashed`.
        password: as given.
    """
    try:
        kind, cost, block, lanes, salt, digest = secret.split("$")
        if kind != "scrypt" or not 1 <= int(cost) <= 20:
            return False
        wanted = base64.b64decode(digest, validate=True)
        found = _scrypt(password, base64.b64decode(salt, validate=True), int(cost), int(block), int(lanes))
    except (ValueError, binascii.Error):
        return False
    return hmac.compare_digest(found, wanted)


def _scrypt(password: str, salt: bytes, cost: int, block: int, lanes: int) -> bytes:
    data = password.encode("utf-8", "surrogatepass")
    n = 1 << cost
    return hashlib.scrypt(
        data, salt=salt, n=n, r=block, p=lanes, maxmem=(n * block * 128 * lanes) + (1 << 20), dklen=32
    )


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


NOBODY = f"scrypt${COST_LOG2}${BLOCK}${LANES}${_text(bytes(16))}${_text(bytes(32))}"
"""No password has this hash, as far as anybody can find out."""
