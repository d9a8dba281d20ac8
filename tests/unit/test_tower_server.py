"""What several processes ask of one tower goes through it together, and whoever says nonsense harms nobody else."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.served_tower import LOST, MAX_PICTURES, ServedTower, TowerLostError
from detectors.tower_server import TowerServer, line_to, listen_at
from detectors.vision_tower import GRID, PATCH_PX, SIDE_PX, Tokens
from tests.make_tower import ColourTower

Serve = Callable[[TowerServer], Path]

PICTURE_BYTES = SIDE_PX * SIDE_PX * 3


class Counting(ColourTower):
    """Remembers how many pictures it was given at once."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def tokens(self, pixels: NDArray[np.uint8]) -> tuple[Tokens, ...]:
        """Those of the colours."""
        self.sizes.append(len(pixels))
        return super().tokens(pixels)


class Held(Counting):
    """Goes on when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.go_on = Event(), Event()

    def tokens(self, pixels: NDArray[np.uint8]) -> tuple[Tokens, ...]:
        """Those of the colours."""
        self.begun.set()
        self.go_on.wait()
        return super().tokens(pixels)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Lets a server answer at an address."""
    listeners = []

    def begin(server: TowerServer) -> Path:
        address = tmp_path / f"tower-{len(listeners)}"
        listeners.append(listen_at(address))
        Thread(target=server.serve, args=(listeners[-1],), daemon=True).start()
        return address

    yield begin
    for listener in listeners:
        listener.close()


def pictures(n: int, seed: int, side_px: int = SIDE_PX) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (n, side_px, side_px, 3), np.uint8)


def same(found: tuple[Tokens, ...], wanted: tuple[Tokens, ...]) -> bool:
    return len(found) == len(wanted) and all(map(np.array_equal, found, wanted))


def test_what_is_asked_while_a_batch_is_under_way_is_the_next_one_and_each_gets_its_own(serve: Serve) -> None:
    tower = Held()
    server = TowerServer(tower, gather_s=0.0)
    address = serve(server)
    seen = [pictures(1 + number, number) for number in range(4)]
    with ThreadPoolExecutor(len(seen)) as pool:
        calls = [pool.submit(ServedTower(line_to(address)).tokens, seen[0])]
        tower.begun.wait()
        calls += [pool.submit(ServedTower(line_to(address)).tokens, pixels) for pixels in seen[1:]]
        until_s = time.monotonic() + 60
        while server._waiting.qsize() < len(seen) - 1 and time.monotonic() < until_s:
            time.sleep(0.001)
        tower.go_on.set()
        assert all(same(call.result(), ColourTower().tokens(pixels)) for call, pixels in zip(calls, seen, strict=True))
    assert tower.sizes == [1, 2 + 3 + 4]


def test_a_batch_takes_in_no_more_once_it_is_full(serve: Serve) -> None:
    tower, n_lines = Counting(), 3
    address = serve(TowerServer(tower, max_batch=2, gather_s=10.0))
    towers = [ServedTower(line_to(address)) for _ in range(n_lines)]
    with ThreadPoolExecutor(n_lines) as pool:
        list(pool.map(lambda one: one.tokens(pictures(2, 0)), towers))
    assert tower.sizes == [2, 2, 2]


def test_a_lone_process_does_not_wait_for_others(serve: Serve) -> None:
    one = ServedTower(line_to(serve(TowerServer(Counting(), gather_s=3600.0))))
    assert same(one.tokens(pictures(1, 0)), ColourTower().tokens(pictures(1, 0)))


def test_many_pictures_go_in_several_requests(serve: Serve) -> None:
    tower, seen = Counting(), pictures(MAX_PICTURES + 1, 0)
    found = ServedTower(line_to(serve(TowerServer(tower)))).tokens(seen)
    assert tower.sizes == [MAX_PICTURES, 1] and same(found, ColourTower().tokens(seen))


def test_pictures_of_every_side_are_answered_and_a_batch_has_those_of_one(serve: Serve) -> None:
    tower = Held()
    address = serve(TowerServer(tower))
    seen = [pictures(2, number, side_px) for number, side_px in enumerate((SIDE_PX, 128, PATCH_PX, 128))]
    with ThreadPoolExecutor(len(seen)) as pool:
        clients = [ServedTower(line_to(address)) for _ in seen]
        calls = [pool.submit(client.tokens, pixels) for client, pixels in zip(clients, seen, strict=True)]
        tower.go_on.set()
        assert all(same(call.result(), ColourTower().tokens(pixels)) for call, pixels in zip(calls, seen, strict=True))
    assert tower.sides_px == {SIDE_PX, 128, PATCH_PX}


@pytest.mark.parametrize("side_px", [0, PATCH_PX - 1, 100, SIDE_PX + PATCH_PX])
def test_pictures_that_no_tower_can_look_at_are_not_sent(side_px: int) -> None:
    here, there = Pipe()
    with pytest.raises(ValueError, match=r"^pixels must be "):
        ServedTower(here).tokens(pictures(1, 0, side_px))
    assert not there.poll()


@pytest.mark.parametrize(
    ("grid", "n_bytes"),
    [
        (0, 0),
        (0, PICTURE_BYTES),
        (GRID + 1, ((GRID + 1) * PATCH_PX) ** 2 * 3),
        (GRID, 0),
        (GRID, PICTURE_BYTES - 1),
        (GRID, (MAX_PICTURES + 1) * PICTURE_BYTES),
        (1, (MAX_PICTURES + 1) * PATCH_PX**2 * 3),
    ],
)
def test_who_sends_no_pictures_or_too_many_is_hung_up_on_and_nobody_else(serve: Serve, grid: int, n_bytes: int) -> None:
    tower = Counting()
    address = serve(TowerServer(tower))
    sound, hostile = ServedTower(line_to(address)), line_to(address)
    sound.tokens(pictures(1, 0))
    with suppress(BrokenPipeError):
        hostile.send_bytes(bytes([grid]) + bytes(n_bytes))
    assert is_hung_up(hostile)
    assert same(sound.tokens(pictures(1, 1)), ColourTower().tokens(pictures(1, 1)))
    assert tower.sizes == [1, 1]


def is_hung_up(line: Connection) -> bool:
    assert line.poll(10.0)
    try:
        line.recv_bytes()
    except (EOFError, ConnectionResetError):
        return True
    return False


def test_who_stops_in_the_middle_of_a_picture_holds_up_nobody(serve: Serve) -> None:
    address = serve(TowerServer(Counting(), gather_s=0.0))
    halting = line_to(address)
    os.write(halting.fileno(), (1 + PICTURE_BYTES).to_bytes(4, "big") + bytes([GRID]) + bytes(1000))
    assert same(ServedTower(line_to(address)).tokens(pictures(1, 1)), ColourTower().tokens(pictures(1, 1)))


@pytest.mark.parametrize("answer", [None, b"", bytes(4), bytes(2 * PICTURE_BYTES * 100)])
def test_a_process_whose_tower_is_gone_or_talks_nonsense_ends(answer: bytes | None) -> None:
    here, there = Pipe()

    def reply() -> None:
        there.recv_bytes()
        if answer is not None:
            there.send_bytes(answer)
        there.close()

    Thread(target=reply, daemon=True).start()
    with pytest.raises(SystemExit) as caught:
        ServedTower(here).tokens(pictures(1, 0))
    assert isinstance(caught.value, TowerLostError) and caught.value.code == LOST
