"""The index of perceptual hashes finds exactly what looking at every hash finds."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors import hash_index
from detectors.hash_index import HashIndex
from detectors.perceptual_hash import distances


def hashes(n: int, seed: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (n, 32), dtype=np.uint8)


def turned(one: NDArray[np.uint8], n_bits: int, seed: int) -> NDArray[np.uint8]:
    """The same hash but for so many bits."""
    bits = np.unpackbits(one)
    bits[np.random.default_rng(seed).permutation(256)[:n_bits]] ^= 1
    return np.packbits(bits)


@pytest.fixture(autouse=True)
def sorts_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hash_index, "MIN_UNSORTED", 100)


@pytest.mark.parametrize("max_distance_bits", [0, 15, 31, 32, 110, 256])
def test_it_finds_what_looking_at_all_finds(max_distance_bits: int) -> None:
    many = hashes(700, 1)
    planted = [turned(many[i], n_bits, i) for i in range(0, 700, 50) for n_bits in (1, 15, 16, 31, 32, 33)]
    index, rng = HashIndex(), np.random.default_rng(2)
    everything = np.concatenate([many, planted])
    everything = everything[rng.permutation(len(everything))]
    for part in np.split(everything, [1, 60, 300, 430]):
        index.add(part)
    assert index.n == len(everything)
    for i in range(0, 700, 50):
        wanted = many[i].tobytes().hex()
        bits = distances(everything, wanted)
        expected = np.flatnonzero(bits <= max_distance_bits)
        places, found = index.close(wanted, max_distance_bits)
        assert places.tolist() == expected.tolist() and found.tolist() == bits[expected].tolist()


def test_an_empty_index_finds_nothing() -> None:
    places, bits = HashIndex().close("00" * 32, 31)
    assert places.size == bits.size == 0


def test_few_hashes_are_compared_of_many() -> None:
    index = HashIndex()
    index.add(hashes(50_000, 3))
    n_compared = len(index._sharing(hashes(1, 4).tobytes().hex()))
    # 16 words, each with 17 of 65,536 values.
    assert n_compared == pytest.approx(50_000 * 16 * 17 / 65_536, rel=0.2)
