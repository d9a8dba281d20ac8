"""Who may sign in: names and passwords against the password file, and identities that a provider vouches for."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path

from dashboard.roles import Role, User
from forensics.password_file import OIDC, Entry, checked, read
from forensics.role_claim import RoleClaim

MAX_FAILURES = 5
"""Wrong passwords for one name before it has to wait."""

WAIT_S = 60.0

MAX_NAMES = 10_000
"""Names whose failures are remembered; who tries more of them pushes out the oldest."""

TICKET_S = 12 * 3600.0
"""A working day: after it everybody signs in again."""

SLIP_S = 60.0
"""Time to swap a slip for the ticket: a slow network and a busy browser."""


class SignIn:
    """Checks passwords, and remembers browsers for a day. One for all browsers.

    Args:
        password_file: read at every attempt, so that a change counts at once; None where only a provider lets in.
        clock: seconds since any moment.
    """

    def __init__(self, password_file: Path | None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._file = password_file
        self._clock = clock
        self._lock = threading.Lock()
        self._failures: dict[str, tuple[int, float]] = {}
        self._tickets: dict[str, tuple[str, float]] = {}
        self._slips: dict[str, tuple[str, float]] = {}

    def with_password(self, name: str, password: str) -> User | None:
        """Who that is; None for a wrong name or password.

        Raises:
            PermissionError: too many wrong passwords; the message says how long to wait.
            ValueError, OSError: the password file cannot be read.
        """
        with self._lock:
            n_failed, since_s = self._failures.get(name, (0, 0.0))
            left_s = since_s + WAIT_S - self._clock()
            if n_failed >= MAX_FAILURES and left_s > 0:
                raise PermissionError(f"too many wrong passwords for this name; wait {left_s:.0f} s")
            # Counted before the slow check: attempts side by side must not slip through.
            self._failures.pop(name, None)
            self._failures[name] = (n_failed + 1 if left_s > 0 else 1, self._clock())
            while len(self._failures) > MAX_NAMES:
                del self._failures[next(iter(self._failures))]
        entry = checked(self._entries(), name, password)
        if entry is None:
            return None
        with self._lock:
            self._failures.pop(name, None)
        return User(entry.name, Role.of(entry.role))

    def with_identity(self, name: str, told: Role | None = None) -> User | None:
        """Who that is for whom a provider vouches; None for a stranger.

        The role of who is listed is the one that is listed, whatever the provider tells. Nobody gets the name of
        somebody who signs in with a password.

        Args:
            name: their address.
            told: the role that the provider's claims give.

        Raises:
            ValueError, OSError: the password file cannot be read, or the name cannot be one.
        """
        name = name.casefold()
        entry = next((entry for entry in self._entries() if entry.name.casefold() == name), None)
        if entry is None and told is not None:
            entry = Entry(name, told.word, OIDC)
        return None if entry is None or entry.secret != OIDC else User(entry.name, Role.of(entry.role))

    def ticket(self, user: User) -> str:
        """A secret that the browser keeps, so that a reload asks for no password."""
        secret = secrets.token_urlsafe(32)
        with self._lock:
            now_s = self._clock()
            self._tickets = {key: kept for key, kept in self._tickets.items() if kept[1] > now_s}
            self._tickets[_digest(secret)] = (user.name, now_s + TICKET_S)
        return secret

    def with_ticket(self, secret: str) -> User | None:
        """Whose ticket that is, with the role they have now; None for none, or one that ran out.

        Raises:
            ValueError, OSError: the password file cannot be read.
        """
        with self._lock:
            name, until_s = self._tickets.get(_digest(secret), ("", 0.0))
        if not name or until_s <= self._clock():
            return None
        entry = next((entry for entry in self._entries() if entry.name == name), None)
        return None if entry is None else User(entry.name, Role.of(entry.role))

    def sign_out(self, secret: str) -> None:
        """Forget a ticket."""
        with self._lock:
            self._tickets.pop(_digest(secret), None)

    def slip(self, ticket: str) -> str:
        """What a page may hand to a script in place of the ticket: good once, for SLIP_S seconds."""
        secret = secrets.token_urlsafe(32)
        with self._lock:
            now_s = self._clock()
            self._slips = {key: kept for key, kept in self._slips.items() if kept[1] > now_s}
            self._slips[_digest(secret)] = (ticket, now_s + SLIP_S)
        return secret

    def swapped(self, slip: str) -> str | None:
        """The ticket for a slip, which is used up; None for none, or one that ran out."""
        with self._lock:
            ticket, until_s = self._slips.pop(_digest(slip), ("", 0.0))
        return ticket if until_s > self._clock() else None

    def _entries(self) -> tuple[Entry, ...]:
        return () if self._file is None else read(self._file)


@lru_cache(maxsize=4)
def gate_of(password_file: Path | None) -> SignIn:
    """The one gate of a password file, or of none: pages and the address of tickets share what it remembers."""
    return SignIn(password_file)


def told_role(section: object, claims: Mapping[str, object]) -> Role | None:
    """The role that a provider's claims give somebody; None for none.

    Args:
        section: [roles] of the secrets file; None where it has none.
        claims: of the ID token.

    Raises:
        ValueError: the section is damaged.
    """
    word = None if section is None else RoleClaim.from_section(section).role(claims)
    return None if word is None else Role.of(word)


def _digest(secret: str) -> str:
    # Looked up by its hash: how long that takes tells nothing about the secret.
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
