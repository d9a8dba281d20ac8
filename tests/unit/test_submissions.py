"""What was accepted is examined once, belongs to one tenant, and is gone when its time is over."""

from __future__ import annotations

from dataclasses import replace

import pytest

from forensics.store import AuditLog, Store, check
from forensics.store.submission_words import Submission, SubmissionState
from forensics.store.submissions import Submissions
from tests.make_report import report

NOW_S = 1_800_000_000.0


def submitted(submissions: Submissions, tenant: str, *keys: str) -> None:
    submissions.add(
        [Submission(key, tenant, f"key of {tenant}", f"{key}.jpg", upload=f"copy of {key}") for key in keys]
    )


def test_tenants_take_turns(store: Store) -> None:
    submissions = Submissions(store, "here")
    submitted(submissions, "many", "m1", "m2", "m3")
    submitted(submissions, "few", "f1")
    claimed = [submissions.claim() for _ in range(5)]
    assert [one and one.key for one in claimed] == ["m1", "f1", "m2", "m3", None]


def test_no_question_is_answered_across_tenants(store: Store) -> None:
    submissions = Submissions(store, "here")
    submitted(submissions, "a", "a1")
    claimed = submissions.claim()
    assert claimed is not None
    found = report()
    submissions.finish(claimed, found, {"json": b"{}"}, "digest", 0.1)
    assert submissions.known("a", found.sha256, "digest") == b"{}"
    assert submissions.known("b", found.sha256, "digest") is None
    assert submissions.known("a", found.sha256, "other settings") is None
    assert submissions.page("a", "a1", "json", actor="x")[1] == b"{}"
    assert submissions.newest("b") == [] and submissions.newest("b", sha256=found.sha256) == []
    for ask in (lambda: submissions.get("b", "a1"), lambda: submissions.page("b", "a1", "json", actor="x")):
        with pytest.raises(LookupError):
            ask()


def test_a_server_that_died_goes_on_and_gives_up_a_file_that_kills_it_twice(store: Store) -> None:
    submitted(Submissions(store, "here"), "a", "a1")
    for _ in range(2):
        server = Submissions(store, "here")
        assert server.recover() == {"copy of a1"}
        assert server.claim() is not None
    assert Submissions(store, "here").recover() == set()
    found = Submissions(store, "here").get("a", "a1")
    assert (found.state, found.code) == (SubmissionState.FAILED, "crashed")


def test_a_stop_costs_no_try_and_other_servers_are_left_alone(store: Store) -> None:
    here, there = Submissions(store, "here"), Submissions(store, "there")
    submitted(here, "a", "a1")
    assert there.claim() is None
    for _ in range(5):
        assert here.claim() is not None
        there.put_back()
        there.recover()
        assert here.claim() is None
        here.put_back()
    assert here.get("a", "a1").n_tries == 0


def test_a_result_is_gone_when_its_time_is_over(store: Store) -> None:
    now_s = [NOW_S]
    submissions = Submissions(store, "here", keep_s=3600.0, clock=lambda: now_s[0])
    submitted(submissions, "a", "a1", "a2")
    claimed = submissions.claim()
    assert claimed is not None
    submissions.finish(claimed, report(), {"json": b"{}"}, "digest", 0.1)
    now_s[0] += 3599.0
    assert submissions.sweep() == 0 and submissions.get("a", "a1").state is SubmissionState.DONE
    now_s[0] += 1.0
    with pytest.raises(LookupError):
        submissions.get("a", "a1")
    assert submissions.sweep() == 1
    assert [one.key for one in submissions.newest("a")] == ["a2"]


def test_submissions_and_fetches_enter_the_audit_log(store: Store) -> None:
    submissions = Submissions(store, "here")
    submitted(submissions, "a", "a1")
    claimed = submissions.claim()
    assert claimed is not None
    submissions.finish(claimed, replace(report(), sha256="ab" * 32), {"html": b"<p>"}, "digest", 0.1)
    submissions.page("a", "a1", "html", actor="reader")
    entries = AuditLog(store).entries()
    assert [(e.actor, e.action) for e in entries] == [("reader", "api fetch"), ("key of a", "api submit")]
    assert entries[0].subject == "ab" * 32 and check(store).is_intact
