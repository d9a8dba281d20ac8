"""Finds perceptual hashes that differ in few bits from one, among many, without looking at all of them.

Of two hashes that differ in at most 31 of 256 bits, one of the 16 words of 16 bits at least differs in one bit or none.
So only hashes are compared that share a word, or all but one bit of it: of random ones 1 in 240.

Source: Norouzi, Punjani, Fleet, "Fast Exact Search in Hamming Space with Multi-Index Hashing", IEEE TPAMI 36(6), 2014.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.perceptual_hash import distances, packed

N_BYTES = 32
N_WORDS = 16
N_VALUES = 1 << 16
"""Of a word."""

TURNS = np.concatenate([[0], 1 << np.arange(16)]).astype(np.uint16)
"""What turns a word into itself and into those that differ in one bit."""

MAX_INDEXED_BITS = 2 * N_WORDS - 1
"""Up to here two hashes share a word but for one bit; further apart, all hashes are looked at."""

MIN_UNSORTED = 1 << 14
UNSORTED_SHARE = 1 / 64
"""Hashes that came last are compared one by one, until they are so many; then all are sorted anew."""


class HashIndex:
    """Hashes in the order in which they came; 96 bytes of memory each, and 8 MB for all.

    Attributes:
        n: how many there are.
    """

    def __init__(self) -> None:
        self.n = 0
        self._hashes: NDArray[np.uint8] = np.zeros((1024, N_BYTES), np.uint8)
        self._n_sorted = 0
        # For each word: the places of the sorted hashes by its value, and where each value begins among these.
        self._order: NDArray[np.uint32] = np.zeros(0, np.uint32)
        self._starts: NDArray[np.int64] = np.zeros((N_WORDS, N_VALUES + 1), np.int64)

    def add(self, hashes: NDArray[np.uint8]) -> None:
        """Add more.

        Args:
            hashes: (n, 32) uint8.
        """
        n = self.n + len(hashes)
        if n > len(self._hashes):
            grown = np.zeros((max(n, 2 * len(self._hashes)), N_BYTES), np.uint8)
            grown[: self.n] = self._hashes[: self.n]
            self._hashes = grown
        self._hashes[self.n : n] = hashes
        self.n = n
        if n - self._n_sorted > max(MIN_UNSORTED, UNSORTED_SHARE * self._n_sorted):
            self._sort()

    def close(self, pdq: str, max_distance_bits: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """All that are close to a hash.

        Args:
            pdq: 64 hex digits.
            max_distance_bits: 0..256; over MAX_INDEXED_BITS it takes as long as looking at all.

        Returns:
            Places in the order of coming, ascending, and the distance of each in bits.
        """
        places = np.arange(self.n)
        if self._n_sorted and max_distance_bits <= MAX_INDEXED_BITS:
            places = np.concatenate([self._sharing(pdq), places[self._n_sorted :]])
        bits = distances(self._hashes[places], pdq)
        near = bits <= max_distance_bits
        return places[near], bits[near]

    def _sharing(self, pdq: str) -> NDArray[np.int64]:
        """Places of the sorted hashes that share a word with this one, or all but one bit of it; ascending."""
        wanted = packed(pdq).view(np.uint16)[:, None] ^ TURNS  # (N_WORDS, 17)
        row = np.arange(N_WORDS)[:, None]
        first, last = self._starts[row, wanted].ravel(), self._starts[row, wanted.astype(np.int64) + 1].ravel()
        counts = last - first
        # All stretches of the order, one after the other.
        before = np.cumsum(counts) - counts
        found = self._order[np.repeat(first - before, counts) + np.arange(counts.sum())]
        return np.unique(found).astype(np.int64)

    def _sort(self) -> None:
        words = self._hashes[: self.n].view(np.uint16)  # (n, N_WORDS)
        # The earlier one is let go first, and no word needs more than its own part of memory on the way.
        self._order = np.zeros(0, np.uint32)
        self._order = np.empty(N_WORDS * self.n, np.uint32)
        for i in range(N_WORDS):
            self._order[i * self.n : (i + 1) * self.n] = np.argsort(words[:, i], kind="stable")
            counts = np.bincount(words[:, i], minlength=N_VALUES)
            self._starts[i] = i * self.n + np.concatenate([[0], np.cumsum(counts)])
        self._n_sorted = self.n
