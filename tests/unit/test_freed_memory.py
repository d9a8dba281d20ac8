"""A worker gives back what was freed when that pays, and not after every file."""

from __future__ import annotations

from forensics.freed_memory import KEPT_BYTES, FreedMemory


class Heap:
    """Grows with every file by what was freed and kept; giving back takes it down to what is in use."""

    def __init__(self, used: int) -> None:
        self.used, self.kept, self.n_given = used, 0, 0

    def resident(self) -> int:
        return self.used + self.kept

    def give_back(self) -> None:
        self.kept = 0
        self.n_given += 1


def settled(growth: list[int]) -> Heap:
    """A heap after files that each left so much behind."""
    heap = Heap(500 << 20)
    freed = FreedMemory(heap.resident, heap.give_back)
    freed.settle()
    heap.n_given = 0
    for left in growth:
        heap.kept = max(heap.kept, left)
        freed.settle()
    return heap


def test_what_small_files_leave_behind_is_kept_for_the_next_one() -> None:
    assert settled([KEPT_BYTES] * 1000).n_given == 0


def test_what_a_large_file_leaves_behind_is_given_back_at_once() -> None:
    heap = settled([1 << 20, KEPT_BYTES + 1, 1 << 20])
    assert heap.n_given == 1 and heap.resident() <= heap.used + KEPT_BYTES


def test_no_more_than_that_is_ever_kept() -> None:
    for left in (1 << 20, 30 << 20, 200 << 20):
        assert settled([left] * 5).kept <= KEPT_BYTES
