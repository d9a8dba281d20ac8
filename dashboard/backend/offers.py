"""Files that a page offers to be taken away, each made when somebody asks for it.

Streamlit's own download buttons name what one run of the script has made. The next run of the same page, or the end of
anybody else's, forgets it, so that a click while thumbnails still come leads nowhere. An offer keeps its secret through
all runs of a session, and ends with it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from weakref import WeakValueDictionary

from dashboard.roles import NotAllowedError, User

MAX_OFFERS = 60
"""Files that one session offers at a time: some pages of results, five at most each; the oldest go first."""


@dataclass(frozen=True, eq=False)
class Offer:
    """One file.

    Attributes:
        make: its bytes; for the user below and nobody else.
        user: whom it is offered to.
        user_now: who that is when it is asked for; None once they have been signed out.
    """

    make: Callable[[], bytes]
    user: User
    user_now: Callable[[], User | None]

    def taken(self) -> bytes:
        """Make it.

        Raises:
            NotAllowedError: who may have it is signed out, or has another role by now.
            Exception: whatever making it raises.
        """
        if self.user_now() != self.user:
            raise NotAllowedError("you are not signed in as you were; load the page anew")
        return self.make()


class Offers:
    """What all sessions offer; each session holds its own, and what nobody holds is gone."""

    def __init__(self) -> None:
        self._offers: WeakValueDictionary[str, Offer] = WeakValueDictionary()

    def find(self, secret: str) -> Offer | None:
        """The offer of that secret; None for none, or one whose session is over."""
        return self._offers.get(secret)

    def put(self, secret: str, offer: Offer) -> None:
        """Let a secret stand for an offer, as long as somebody holds the offer."""
        self._offers[secret] = offer


class Held:
    """What one session offers, by a name that stays the same from one run of its script to the next."""

    def __init__(self, offers: Offers) -> None:
        self._offers = offers
        self._held: dict[str, tuple[str, Offer]] = {}

    def renew(self, name: str, offer: Offer) -> str:
        """Offer it under the secret that the name had, or a new one.

        Returns:
            The secret.
        """
        secret, _ = self._held.pop(name, (secrets.token_urlsafe(32), None))
        self._held[name] = secret, offer
        self._offers.put(secret, offer)
        while len(self._held) > MAX_OFFERS:
            del self._held[next(iter(self._held))]
        return secret


@cache
def all_offers() -> Offers:
    """The one of this process: pages and the address of downloads share it."""
    return Offers()
