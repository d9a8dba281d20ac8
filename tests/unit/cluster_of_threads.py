"""A cluster that is threads of this process and loses what it is told to, where only the driver's part is tested."""

from __future__ import annotations

from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from functools import partial
from threading import Thread
from typing import Any

from detectors.cluster import GoneError


class Call(Future[Any]):
    """One of a method."""

    def future(self) -> Call:
        """As that of Ray has it."""
        return self


class Placed:
    """What was put on a machine: `placed.method.remote(...).future()` is a call under way."""

    def __init__(self, made: Any) -> None:
        self._made = made
        self._calls: list[Call] = []
        self._is_gone = False

    def lose(self) -> None:
        """Its machine dies."""
        self._is_gone = True
        for call in self._calls:
            _end(call, error=GoneError("it was told to go"))
        Thread(target=self._made.close, daemon=True).start()

    def __getattr__(self, name: str) -> Any:
        return type(name, (), {"remote": partial(self._call, name)})

    def _call(self, name: str, *given: object) -> Call:
        call = Call()
        self._calls.append(call)
        if self._is_gone:
            _end(call, error=GoneError("it is gone"))
        else:
            Thread(target=self._work, args=(call, name, *given), daemon=True).start()
        return call

    def _work(self, call: Call, name: str, *given: object) -> None:
        try:
            _end(call, getattr(self._made, name)(*given))
        except Exception as error:  # noqa: BLE001 - all of them are the caller's
            _end(call, error=error)


class Threads:
    """Stands for `detectors.cluster.OnRay`.

    Attributes:
        placed: everything that was ever put on it.
        with_cards: machine -> how many graphics cards it has.
    """

    def __init__(self) -> None:
        self.placed: list[Placed] = []
        self.with_cards: dict[str, int] = {}

    def n_places(self, memory_bytes: int) -> int:
        """One."""
        return 1

    def put(self, made: type, *given: object, n_calls: int, memory_bytes: int) -> Placed:
        """Make it here."""
        self.placed.append(Placed(made(*given)))
        return self.placed[-1]

    def cards(self) -> dict[str, int]:
        """As they are by now."""
        return dict(self.with_cards)

    def put_on_card(self, made: type, *given: object, machine: str, n_calls: int) -> Placed:
        """Make it here."""
        return self.put(made, *given, n_calls=n_calls, memory_bytes=0)

    def answer(self, call: Call) -> Any:
        """What a call gave."""
        return call.result()

    def end(self, placed: Placed) -> None:
        """Lose it."""
        placed.lose()


def _end(call: Call, result: object = None, error: Exception | None = None) -> None:
    with suppress(InvalidStateError):
        call.set_result(result) if error is None else call.set_exception(error)
