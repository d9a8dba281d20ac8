"""A queue gives each file to one person at most, heaviest first, and keeps what they decided and why."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from threading import Barrier

import pytest

from forensics.finding import Claim
from forensics.store import AuditLog, Decision, Queue, State, Store, check
from tests.unit.queue_workers import take_all
from tests.unit.test_store import report


class Clock:
    """Time that passes when told to."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


def filled(store: Store, weights: dict[int, float]) -> Queue:
    for number, llr in weights.items():
        store.save(report(number, name=f"{number}.jpg", llr=llr), elapsed_s=1.0)
    queue = Queue(store)
    queue.add(store.find(limit=1000), actor="scanner")
    return queue


def numbers(items: object) -> list[int]:
    assert isinstance(items, list)
    return [int(item.sha256, 16) for item in items]


def test_files_wait_in_the_order_of_their_weight(url: str) -> None:
    with Store(url) as store:
        queue = filled(store, {1: 0.5, 2: 3.0, 3: 1.5})
        assert numbers(queue.items()) == [2, 3, 1]
        assert numbers(queue.items(limit=1, offset=1)) == [3]
        assert [int(item.sha256, 16) for who in "abc" if (item := queue.take(who))] == [2, 3, 1]
        assert queue.take("d") is None
        assert queue.n_held() == 3


def test_of_several_scans_of_a_file_the_newest_counts_whatever_their_order(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("forensics.store.queue.ADDED_AT_A_TIME", 2)
    with Store(url) as store:
        for llr in (1.0, 1.5, 2.0, 3.0, 2.5):
            store.save(report(1, name="1.jpg", llr=llr), elapsed_s=1.0)
        scans, queue = store.find(limit=10), Queue(store)
        assert queue.add(scans, actor="scanner") == 1 and queue.items()[0].weight == 2.5
        assert queue.add(reversed(scans), actor="scanner") == 0 and queue.items()[0].weight == 2.5


def test_a_file_that_was_taken_stays_with_who_took_it_and_comes_back_to_them(url: str) -> None:
    with Store(url) as store, Store(url) as other:
        filled(store, {1: 1.0, 2: 2.0})
        mine, theirs = Queue(store).take("ann"), Queue(other).take("bob")
        assert mine is not None and theirs is not None and mine.sha256 != theirs.sha256
        again = Queue(other).take("ann")
        assert again is not None and again.sha256 == mine.sha256
        assert Queue(other).held("ann") == again
        assert Queue(other).take("bob", sha256=mine.sha256) is None


def test_a_lease_that_ran_out_frees_the_file_and_one_that_is_renewed_does_not(url: str) -> None:
    clock = Clock()
    with Store(url) as store:
        filled(store, {1: 1.0})
        queue = Queue(store, lease_s=60.0, clock=clock)
        item = queue.take("ann")
        assert item is not None and item.held_until_s == 1060.0
        clock.now_s += 59.0
        assert queue.take("bob") is None
        assert queue.renew("ann", item.sha256)
        clock.now_s += 59.0
        assert queue.take("bob") is None
        clock.now_s += 2.0
        assert queue.held("ann") is None
        taken = queue.take("bob")
        assert taken is not None and taken.holder == "bob"
        assert not queue.renew("ann", item.sha256)
        with pytest.raises(ValueError, match="held by bob"):
            queue.decide("ann", item.sha256, Decision.APPROVE, "late")
        assert queue.counts()[State.WAITING] == 1


def test_a_late_decision_counts_as_long_as_nobody_else_took_the_file(url: str) -> None:
    clock = Clock()
    with Store(url) as store:
        filled(store, {1: 1.0})
        queue = Queue(store, lease_s=60.0, clock=clock)
        item = queue.take("ann")
        assert item is not None
        clock.now_s += 600.0
        assert queue.decide("ann", item.sha256, Decision.APPROVE, "slow").state is State.APPROVED


def test_without_a_clock_the_databases_own_is_asked(url: str) -> None:
    import time

    with Store(url) as store:
        item = filled(store, {1: 1.0}).take("ann")
        assert item is not None and item.held_until_s is not None
        assert abs(item.held_until_s - time.time() - 600.0) < 30.0


def test_what_was_put_back_or_skipped_goes_to_others(url: str) -> None:
    with Store(url) as store:
        queue = filled(store, {1: 1.0, 2: 2.0})
        first = queue.take("ann")
        assert first is not None
        queue.release("bob", first.sha256)
        assert queue.held("ann") is not None
        queue.release("ann", first.sha256)
        second = queue.take("ann", skip=[first.sha256])
        assert second is not None and second.sha256 != first.sha256
        assert queue.take("bob") == replace(first, holder="bob", held_until_s=queue.item(first.sha256).held_until_s)


def test_a_decision_ends_the_waiting_and_tells_who_when_and_why(url: str) -> None:
    with Store(url) as store:
        queue = filled(store, {1: 1.0, 2: 2.0})
        item = queue.take("ann")
        assert item is not None
        done = queue.decide("ann", item.sha256, Decision.REJECT, "  six fingers\0 ", claim=Claim.SYNTHETIC)
        assert (done.state, done.acted_by, done.reason) == (State.REJECTED, "ann", "six fingers\\x00")
        assert (done.claim, done.holder) == (Claim.SYNTHETIC, None)
        entry = AuditLog(store).entries(limit=1)[0]
        assert (entry.number, entry.at, entry.details["reason"]) == (done.entry, done.acted_at, done.reason)
        with pytest.raises(ValueError, match="was rejected by ann"):
            queue.decide("ann", item.sha256, Decision.APPROVE, "changed my mind")
        assert numbers(queue.items()) == [1]
        assert numbers(queue.items(states=[State.REJECTED])) == [2]
        assert check(store).is_intact


def test_a_rejected_file_is_held_for_what_the_verdict_said_unless_told_otherwise(url: str) -> None:
    with Store(url) as store:
        queue = filled(store, {1: 2.0, 2: 0.6})
        item = queue.take("ann")
        assert item is not None and item.opinion == "likely manipulated"
        assert queue.decide("ann", item.sha256, Decision.REJECT, "copied").claim is Claim.MANIPULATED
        item = queue.take("ann")
        assert item is not None and item.opinion == "inconclusive"
        with pytest.raises(ValueError, match="say what it is"):
            queue.decide("ann", item.sha256, Decision.REJECT, "odd")
        assert queue.decide("ann", item.sha256, Decision.REJECT, "odd", claim=Claim.SYNTHETIC).claim is Claim.SYNTHETIC


@pytest.mark.parametrize("reason", ["", " \n", "x" * 2001])
def test_a_decision_without_a_reason_or_with_a_book_is_refused_and_leaves_no_entry(url: str, reason: str) -> None:
    with Store(url) as store:
        queue = filled(store, {1: 1.0})
        item = queue.take("ann")
        assert item is not None
        with pytest.raises(ValueError, match="reason"):
            queue.decide("ann", item.sha256, Decision.APPROVE, reason)
        assert len(AuditLog(store).entries()) == 1


def test_only_a_file_in_hands_can_be_decided(url: str) -> None:
    with Store(url) as store:
        queue = filled(store, {1: 1.0})
        with pytest.raises(ValueError, match="take it first"):
            queue.decide("ann", f"{1:064x}", Decision.APPROVE, "fine")
        with pytest.raises(LookupError, match="holds no file"):
            queue.decide("ann", "f" * 64, Decision.APPROVE, "fine")
        with pytest.raises(ValueError, match="name"):
            queue.take(" ")


def test_an_escalated_file_waits_for_those_who_take_escalated_ones(url: str) -> None:
    with Store(url) as store:
        queue = filled(store, {1: 1.0})
        item = queue.take("ann")
        assert item is not None
        assert queue.decide("ann", item.sha256, Decision.ESCALATE, "unsure").state is State.ESCALATED
        assert queue.take("ann") is None and queue.take("bob") is None
        taken = queue.take("chief", states=[State.ESCALATED, State.WAITING])
        assert taken is not None and taken.reason == "unsure"
        with pytest.raises(ValueError, match="escalated already"):
            queue.decide("chief", item.sha256, Decision.ESCALATE, "who else")
        assert queue.decide("chief", item.sha256, Decision.APPROVE, "fine").state is State.APPROVED
        assert check(store).is_intact


def test_a_decided_file_waits_again_when_it_is_reopened(url: str) -> None:
    with Store(url) as store:
        queue = filled(store, {1: 1.0})
        item = queue.take("ann")
        assert item is not None
        with pytest.raises(ValueError, match="waiting already"):
            queue.reopen("chief", item.sha256, "look again")
        queue.decide("ann", item.sha256, Decision.REJECT, "odd")
        assert queue.reopen("chief", item.sha256, "look again").state is State.WAITING
        again = queue.take("bob")
        assert again is not None and (again.acted_by, again.reason, again.claim) == ("chief", "look again", None)
        assert check(store).is_intact


def test_a_scan_made_again_changes_the_weight_of_what_waits_and_leaves_decisions(url: str) -> None:
    with Store(url) as store:
        queue = filled(store, {1: 1.0, 2: 2.0})
        item = queue.take("ann")
        assert item is not None
        queue.decide("ann", item.sha256, Decision.APPROVE, "fine")
        n_entries = check(store).n_entries
        assert queue.add(store.find(), actor="scanner") == 0
        assert check(store).n_entries == n_entries
        for number in (1, 2):
            store.save(report(number, name=f"{number}.jpg", llr=2.9), elapsed_s=1.0)
        assert queue.add(store.find(), actor="scanner") == 0
        assert [item.weight for item in queue.items()] == [2.9]
        assert queue.item(f"{2:064x}").weight == 2.0
        assert check(store).is_intact and check(store).n_entries == n_entries + 1


def test_two_who_ask_at_the_same_moment_never_get_the_same_file(url: str) -> None:
    n_people, n_files = 6, 6
    with Store(url) as store:
        filled(store, dict.fromkeys(range(n_files), 1.0))
    start = Barrier(n_people)

    def take(who: int) -> str | None:
        with Store(url) as store:
            start.wait(30)
            item = Queue(store).take(f"person {who}")
            return None if item is None else item.sha256

    with ThreadPoolExecutor(n_people) as threads:
        had = [sha256 for sha256 in threads.map(take, range(n_people)) if sha256]
    assert len(set(had)) == len(had)
    assert len(had) == n_files


def test_processes_that_work_off_one_queue_decide_each_file_once(url: str) -> None:
    n_people, n_files = 2, 24
    with Store(url) as store:
        filled(store, {number: number / 10 for number in range(n_files)})
    with ProcessPoolExecutor(n_people, mp_context=get_context("forkserver")) as processes:
        had = [processes.submit(take_all, url, f"person {who}") for who in range(n_people)]
        everything = [sha256 for future in had for sha256 in future.result(60)]
    assert sorted(everything) == [f"{number:064x}" for number in range(n_files)]
    with Store(url) as store:
        found = check(store)
        assert found.is_intact and found.n_entries == 2 * n_files
