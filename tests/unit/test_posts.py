"""Which graphics cards of a cluster have a process, whatever becomes of machines and processes. This needs no Ray."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event

import numpy as np
import pytest

from detectors.served_tower import ServedTower
from detectors.tower_server import line_to
from detectors.vision_tower import SIDE_PX
from forensics.engine import Cluster
from forensics.ray_engine import posts
from forensics.ray_engine.post import Post
from forensics.ray_engine.posts import Posts
from tests.make_tower import ColourTower
from tests.unit.cluster_of_threads import Threads
from tests.unit.failing_towers import mortal, refusing


class Idle:
    """Stands for a `Post`; serves until it is lost."""

    def __init__(self, device: str, load: object) -> None:
        self._ended = Event()

    def serve(self) -> None:
        """Until then."""
        self._ended.wait()

    def close(self) -> None:
        """It is lost."""
        self._ended.set()


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[Threads]:
    made = Threads()
    monkeypatch.setattr(posts, "Post", Idle)
    yield made
    for placed in made.placed:
        placed.lose()


def counts(manned: Posts) -> dict[str, int]:
    return {machine: len(here) for machine, here in manned.by_machine().items()}


def test_each_card_has_a_process_also_of_a_machine_that_joins_later(threads: Threads) -> None:
    manned = Posts(threads, "cuda")
    for cards in ({"a": 2}, {"a": 2, "b": 1}, {"b": 1}):
        threads.with_cards = cards
        manned.look_after()
        assert counts(manned) == cards
    assert len(threads.placed) == 3


def test_without_a_device_no_card_is_used(threads: Threads) -> None:
    threads.with_cards = {"a": 1}
    manned = Posts(threads, None)
    manned.look_after()
    assert counts(manned) == {} and threads.placed == []


def test_a_process_that_ends_is_started_again_once_and_then_its_machine_goes_on_without(threads: Threads) -> None:
    threads.with_cards = {"a": 1, "b": 1}
    manned = Posts(threads, "cuda")
    manned.look_after()
    first = threads.placed[0]
    for lost, left in ((first, {"a": 1, "b": 1}), (None, {"b": 1})):
        (lost or threads.placed[-1]).lose()
        manned.look_after()
        assert counts(manned) == left
    assert len(threads.placed) == 3


def test_a_machine_whose_cards_torch_does_not_find_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Threads()
    made.with_cards = {"a": 1}
    monkeypatch.setattr(posts, "shipped_on", refusing)
    manned = Posts(made, "cuda")
    manned.look_after()
    made.placed[0].serve.remote().exception()
    with pytest.raises(ValueError, match=r"^there is no device cuda here"):
        manned.look_after()


def test_a_post_says_where_it_listens_as_soon_as_it_does() -> None:
    post = Post("cpu", mortal)
    pixels = np.full((1, SIDE_PX, SIDE_PX, 3), 7, np.uint8)
    found = ServedTower(line_to(post.address())).tokens(pixels)
    assert np.array_equal(found[1], ColourTower().tokens(pixels)[1])


def test_a_device_of_a_cluster_has_no_number() -> None:
    with pytest.raises(ValueError, match="the device of a cluster is cuda, not cuda:1"):
        Cluster(device="cuda:1")
