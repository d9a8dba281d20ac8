"""The audit log tells when it was changed: each kind of tampering is done to a database and found."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context

import pytest
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError

from forensics.store import AuditLog, Decision, Queue, Store, check
from tests.unit.queue_workers import append_many
from tests.unit.test_store import report


@contextmanager
def intruder(url: str) -> Iterator[Connection]:
    """Somebody who may do anything to the database, and first removes what refuses changes."""
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("DROP TRIGGER audit_append_only ON audit"))
        else:
            for act in ("update", "delete"):
                connection.execute(text(f"DROP TRIGGER audit_no_{act}"))
        yield connection
    engine.dispose()


@pytest.fixture
def decided(url: str) -> str:
    """A store with three queued files, of which two were decided: five entries."""
    with Store(url) as store:
        for number in (1, 2, 3):
            store.save(report(number, name=f"{number}.jpg", llr=float(number)), elapsed_s=1.0)
        queue = Queue(store)
        queue.add(store.find(), actor="ann")
        for decision in (Decision.REJECT, Decision.ESCALATE):
            item = queue.take("bob")
            assert item is not None
            queue.decide("bob", item.sha256, decision, "six fingers")
    return url


def test_an_untouched_log_is_intact_and_its_head_is_that_of_its_last_entry(decided: str) -> None:
    with Store(decided) as store:
        found = check(store)
        last = AuditLog(store).entries(limit=1)[0]
        assert found.is_intact and (found.n_entries, found.head) == (5, last.hash)
        assert (last.number, last.actor, last.action, last.details["reason"]) == (5, "bob", "escalate", "six fingers")


def test_an_empty_log_is_intact(url: str) -> None:
    with Store(url) as store:
        assert check(store).is_intact and check(store).n_entries == 0


def test_hashes_are_those_of_the_published_rule(decided: str) -> None:
    with Store(decided) as store:
        entries = AuditLog(store).entries()[::-1]
    previous = "0" * 64
    for entry in entries:
        plain = {
            "action": entry.action,
            "actor": entry.actor,
            "at": entry.at,
            "details": dict(sorted(entry.details.items())),
            "number": entry.number,
            "subject": entry.subject,
        }
        written = json.dumps(plain, separators=(",", ":"), ensure_ascii=False)
        previous = hashlib.sha256((previous + written).encode()).hexdigest()
        assert entry.hash == previous


@pytest.mark.parametrize("column", ["at", "actor", "action", "subject", "details", "previous", "hash"])
def test_a_changed_row_is_named(decided: str, column: str) -> None:
    with intruder(decided) as connection:
        value = '{"reason":"five fingers"}' if column == "details" else "f" * 16
        connection.execute(text(f"UPDATE audit SET {column} = :value WHERE number = 3"), {"value": value})
    with Store(decided) as store:
        found = check(store)
    assert not found.is_intact and found.n_entries == 2
    assert found.broken.startswith("entry 3 ")


def test_details_that_were_only_spaced_otherwise_are_a_change(decided: str) -> None:
    with intruder(decided) as connection:
        connection.execute(text("""UPDATE audit SET details = replace(details, '":"', '": "') WHERE number = 4"""))
    with Store(decided) as store:
        assert check(store).broken.startswith("entry 4 was changed")


def test_a_removed_entry_is_named(decided: str) -> None:
    with intruder(decided) as connection:
        connection.execute(text("DELETE FROM audit WHERE number = 2"))
    with Store(decided) as store:
        assert check(store).broken.startswith("entry 2 is missing")


def test_a_removed_entry_is_found_though_later_ones_were_numbered_anew(decided: str) -> None:
    with intruder(decided) as connection:
        connection.execute(text("DELETE FROM audit WHERE number = 2"))
        for number in (3, 4, 5):
            connection.execute(
                text("UPDATE audit SET number = :new WHERE number = :n"), {"n": number, "new": number - 1}
            )
    with Store(decided) as store:
        assert check(store).broken.startswith("entry 2 is chained to another entry")


def test_an_inserted_entry_is_found(decided: str) -> None:
    with intruder(decided) as connection:
        connection.execute(
            text(
                "INSERT INTO audit (number, at, actor, action, subject, details, previous, hash) "
                "SELECT 6, at, actor, 'approve', subject, details, hash, :hash FROM audit WHERE number = 5"
            ),
            {"hash": "0" * 64},
        )
    with Store(decided) as store:
        assert check(store).broken.startswith("entry 6 was changed")


def test_a_tail_that_was_cut_off_is_found_by_a_head_a_count_and_the_queue(decided: str) -> None:
    with Store(decided) as store:
        head = check(store).head
    with intruder(decided) as connection:
        connection.execute(text("DELETE FROM audit WHERE number = 5"))
    with Store(decided) as store:
        assert not check(store).broken
        assert any("which the log no longer has" in problem for problem in check(store).problems)
        assert any(head in problem for problem in check(store, head=head).problems)
        assert any("entry 5 is missing" in problem for problem in check(store, n_least=5).problems)


def test_a_tail_cut_off_together_with_its_queue_rows_is_found_only_against_what_was_written_down(decided: str) -> None:
    with Store(decided) as store:
        head = check(store).head
    with intruder(decided) as connection:
        connection.execute(text("DELETE FROM audit WHERE number = 5"))
        connection.execute(
            text(
                "UPDATE queue SET state = 'waiting', entry = 2, reason = '', acted_by = 'ann',"
                " acted_at = (SELECT at FROM audit WHERE number = 2) WHERE entry = 5"
            )
        )
    with Store(decided) as store:
        # What the pages say a chain cannot show.
        assert check(store).is_intact
        assert not check(store, head=head).is_intact
        assert not check(store, n_least=5).is_intact


def test_a_chain_made_anew_is_found_only_against_a_head(decided: str) -> None:
    with Store(decided) as store:
        head = check(store).head
        entries = AuditLog(store).entries()[::-1]
    previous = "0" * 64
    with intruder(decided) as connection:
        connection.execute(text("DELETE FROM audit"))
        for entry in entries:
            details = dict(entry.details) | ({"reason": "forged"} if entry.number == 5 else {})
            plain = {**{k: v for k, v in vars(entry).items() if k not in ("previous", "hash")}, "details": details}
            digest = hashlib.sha256(
                (previous + json.dumps(plain, sort_keys=True, separators=(",", ":"))).encode()
            ).hexdigest()
            row = {**plain, "details": json.dumps(details, sort_keys=True, separators=(",", ":"))}
            connection.execute(
                text("INSERT INTO audit VALUES (:number, :at, :actor, :action, :subject, :details, :previous, :hash)"),
                {**row, "previous": previous, "hash": digest},
            )
            previous = digest
        connection.execute(text("UPDATE queue SET reason = 'forged' WHERE entry = 5"))
    with Store(decided) as store:
        assert check(store).is_intact
        assert not check(store, head=head).is_intact


def test_an_older_head_still_holds_when_the_log_has_grown(decided: str) -> None:
    with Store(decided) as store:
        head = check(store).head
        AuditLog(store).append("ann", "note", "anything")
        assert check(store, head=head[:12], n_least=5).is_intact
        with pytest.raises(ValueError, match="hex digits"):
            check(store, head="abc")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE queue SET state = 'approved' WHERE entry = 4", "says approved, but entry 4 says reject"),
        ("UPDATE queue SET reason = 'other' WHERE entry = 4", "tells who decided what"),
        ("UPDATE queue SET weight = -9 WHERE entry = 3", "has the weight"),
        ("UPDATE queue SET entry = 1 WHERE entry = 4", "its last entry is 4"),
        ("DELETE FROM queue WHERE entry = 4", "is missing; entry 4 says reject"),
        ("UPDATE queue SET sha256 = 'ffff' WHERE entry = 4", "is not in the log"),
    ],
)
def test_a_queue_that_disagrees_with_the_log_is_found(decided: str, change: str, said: str) -> None:
    with intruder(decided) as connection:
        connection.execute(text(change))
    with Store(decided) as store:
        found = check(store)
    assert any(said in problem for problem in found.problems), found


def test_the_database_itself_refuses_changes(decided: str) -> None:
    engine = create_engine(decided.replace("postgresql:", "postgresql+psycopg:"))
    for change in ("UPDATE audit SET actor = 'x'", "DELETE FROM audit"):
        with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
            connection.execute(text(change))
    engine.dispose()
    with Store(decided) as store:
        assert check(store).is_intact


def test_processes_that_append_at_once_do_not_fork_the_chain(url: str) -> None:
    n_processes, n_entries = 2, 15
    Store(url).close()
    with ProcessPoolExecutor(n_processes, mp_context=get_context("forkserver")) as processes:
        started = [processes.submit(append_many, url, f"p{i}", n_entries) for i in range(n_processes)]
        assert sum(future.result(60) for future in started) == n_processes * n_entries
    with Store(url) as store:
        found = check(store)
        assert found.is_intact and found.n_entries == n_processes * n_entries
        entries = AuditLog(store).entries(limit=100)
    for process in range(n_processes):
        own = [int(entry.subject) for entry in entries[::-1] if entry.actor == f"p{process}"]
        assert own == list(range(n_entries))


def test_an_entry_needs_somebody_who_did_it(url: str) -> None:
    with Store(url) as store, pytest.raises(ValueError, match="name of who"):
        AuditLog(store).append(" ", "note", "x")


def test_entries_are_found_by_subject_and_actor_newest_first(url: str) -> None:
    with Store(url) as store:
        log = AuditLog(store)
        log.append("ann", "note", "a_1", {"odd": "\0 \udcff\u202e"})
        log.append("bob", "note", "ab1")
        log.append("ann", "note", "a_2")
        assert [entry.subject for entry in log.entries(subject="a_")] == ["a_2", "a_1"]
        assert [entry.number for entry in log.entries(actor="ann")] == [3, 1]
        assert [entry.number for entry in log.entries(limit=1)] == [3]
        assert check(store).is_intact
