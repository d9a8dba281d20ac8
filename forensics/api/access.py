"""Who may do what, and how much of it: keys, scopes and limits, all checked before the body is read."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Annotated

from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from forensics.api.configuration import Configuration
from forensics.api.keys import ANYBODY, Key, KeyRing
from forensics.api.problems import Refusal, busy
from forensics.api.rates import Rates

_BEARER = HTTPBearer(auto_error=False, scheme_name="key", description="An API key of `unforged serve-keys add`.")

Given = Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)]


class Access:
    """The door of one server.

    Args:
        configuration: of the server.

    Raises:
        ValueError, OSError: the key file cannot be read.
    """

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._rates = Rates(configuration.clock)
        self._one_at_a_time = threading.Lock()
        self._ring = None if configuration.key_file is None else KeyRing(configuration.key_file)

    def who(self, request: Request, token: str | None) -> Key | None:
        """Whose key this is; None without one, or with a wrong one.

        Raises:
            Refusal: this address tried too many, or the key file cannot be read.
        """
        if self._ring is None:
            return ANYBODY
        if token is None:
            return None
        try:
            if (key := self._ring.remembered(token)) is not None:
                return key
            # Of many clients that come at once with one key, the first has it checked: it costs a tenth of a second.
            with self._one_at_a_time:
                return self._ring.remembered(token) or self._checked(self._ring, request, token)
        except (ValueError, OSError):
            raise busy("the keys of this server cannot be read", 60) from None

    def admit(self, request: Request, token: str | None, scope: str) -> Key:
        """Let a request in.

        Raises:
            Refusal: it has no key, or one that lacks the scope or has used up its limits.
        """
        key = self.who(request, token)
        if key is None:
            raise Refusal(401, "no-key", "this needs a valid API key", {"WWW-Authenticate": "Bearer"})
        request.state.facts.update(key=key.name, tenant=key.tenant)
        per_min = key.requests_per_min or self._configuration.requests_per_min
        self._take(key.name, "requests", 1, per_min, f"the key has used up its {per_min:,} requests a minute")
        if scope not in key.scopes:
            raise Refusal(403, "not-allowed", f"the key lacks the scope {scope!r}")
        self._measure(request, key)
        return key

    def _checked(self, ring: KeyRing, request: Request, token: str) -> Key | None:
        """Whose key this is; only wrong ones count for the address."""
        address = request.client.host if request.client is not None else ""
        per_min = self._configuration.checks_per_min
        self._take(address, "keys", 1, per_min, "this address tried too many keys")
        if (key := ring.find(token)) is not None:
            self._rates.charge(address, "keys", -1, per_min)
        return key

    def _measure(self, request: Request, key: Key) -> None:
        per_min = key.bytes_per_min or self._configuration.bytes_per_min
        length = request.headers.get("content-length", "")
        announced = int(length) if length.isdigit() else 0
        full = f"the key has used up its {per_min:,} bytes a minute"
        self._take(key.name, "bytes", announced or 1, per_min, full)
        if not announced:
            # It comes in chunks and is counted on the way.
            request.scope["state"]["charge"] = lambda n: self._rates.charge(key.name, "bytes", n, per_min)

    def _take(self, who: str, what: str, amount: int, per_min: int, message: str) -> None:
        wait_s = self._rates.take(who, what, amount, per_min)
        if wait_s:
            raise Refusal(429, "too-many", message, {"Retry-After": str(wait_s)})


def allowed_to(scope: str) -> Callable[[Request, Given], Key]:
    """What a route depends on: the key of whoever asks, which has this scope."""

    def admit(request: Request, given: Given) -> Key:
        door: Access = request.app.state.access
        return door.admit(request, None if given is None else given.credentials, scope)

    return admit
