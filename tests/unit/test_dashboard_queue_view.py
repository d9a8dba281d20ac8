"""The page Queue: a file comes, is decided with a reason, the next one comes; roles are held up behind the page."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.backend.queue import Decision, Desk
from dashboard.backend.words import as_markdown
from dashboard.roles import LOCAL_USER, NotAllowedError, Role, User
from dashboard.widgets.worklist import clock
from forensics.store import AuditLog, Queue, QueueItem, State, Store, StoreError, check
from forensics.store.archive import Archive
from tests.make_dashboard import listed, prepare
from tests.make_dashboard import open_page as open_slowly
from tests.unit.test_store import report

HOSTILE = "![x](http://evil) <script>alert(1)</script> :red[*x*].jpg"


def open_page(path: str, **query: str) -> AppTest:
    """On a crowded machine the first page imports for many seconds."""
    return open_slowly(path, timeout_s=120.0, **query)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Three files wait; the heaviest has a hostile name."""
    prepare(monkeypatch, tmp_path)
    opened = Store(f"sqlite:///{tmp_path / 'scans.db'}")
    for number, name in ((1, "light.jpg"), (2, "middle.jpg"), (3, HOSTILE)):
        opened.save(report(number, name=name, llr=number - 0.5), elapsed_s=1.0, folder="")
    Queue(opened).add(opened.find(), actor="scanner")
    return opened


def items(store: Store, *states: State) -> list[QueueItem]:
    return Queue(store).items(states=states)


def click(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click().run()
    assert not app.exception
    return app


def send(app: AppTest, label: str) -> AppTest:
    """Press a button of a form."""
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception
    return app


def test_a_file_is_taken_rejected_with_a_ready_reason_and_the_next_one_comes(store: Store) -> None:
    app = click(open_page("queue"), "take next")
    assert app.subheader[0].value.endswith("jpg") and "evil" in app.subheader[0].value
    click(app, "decide reject")
    click(app, "reason reject 1")
    (done,) = items(store, State.REJECTED)
    assert (done.filename, done.reason, done.acted_by) == (HOSTILE, "Made by a machine", LOCAL_USER.name)
    assert app.subheader[0].value == "middle\\.jpg"
    assert check(store).is_intact


def test_what_the_moderator_says_it_is_becomes_the_label(store: Store) -> None:
    app = click(click(open_page("queue"), "take next"), "decide reject")
    key = f"claim {3:064x}"
    assert app.segmented_control(key=key).value == "manipulated"
    app.segmented_control(key=key).set_value("synthetic").run()
    click(app, "reason reject 4")
    assert str(items(store, State.REJECTED)[0].claim) == "synthetic"


@pytest.mark.parametrize(("number", "claim"), [(1, "synthetic"), (2, "manipulated"), (3, "manipulated")])
def test_a_reason_that_says_what_it_is_becomes_the_label(store: Store, number: int, claim: str) -> None:
    app = click(click(open_page("queue"), "take next"), "decide reject")
    other = {"synthetic": "manipulated", "manipulated": "synthetic"}[claim]
    app.segmented_control(key=f"claim {3:064x}").set_value(other).run()
    click(app, f"reason reject {number}")
    assert str(items(store, State.REJECTED)[0].claim) == claim


def test_a_reason_of_ones_own_is_kept_and_none_is_refused_in_plain_words(store: Store) -> None:
    app = click(click(open_page("queue"), "take next"), "decide approve")
    send(app, "Approve with this reason")
    assert "needs a reason" in app.error[0].value and not items(store, State.APPROVED)
    app.text_input(key=f"words {3:064x}").set_value("I was there")
    send(app, "Approve with this reason")
    assert items(store, State.APPROVED)[0].reason == "I was there"


def test_a_result_is_sent_to_the_queue_once_however_often_it_is_pressed(store: Store) -> None:
    fourth = store.save(report(4, name="fourth.jpg", llr=0.1), elapsed_s=1.0, folder="")
    app = click(click(open_page("scan", id=str(fourth)), f"send {fourth} admin"), f"send {fourth} admin")
    assert [item.filename for item in items(store, State.WAITING)].count("fourth.jpg") == 1
    assert "0 sent" in app.toast[-1].value
    assert not [
        button for button in click(open_page("queue"), "take next").button if button.label == "Send to the queue"
    ]


def test_a_decision_can_be_left_and_a_file_be_skipped(store: Store) -> None:
    app = click(click(open_page("queue"), "take next"), "decide approve")
    send(app, "Cancel")
    assert app.button(key="skip")
    click(app, "skip")
    assert app.subheader[0].value == "middle\\.jpg"
    click(click(app, "skip"), "skip")
    assert "evil" in app.subheader[0].value
    assert len(items(store, State.WAITING)) == 3
    assert Queue(store).n_held() == 1


def test_keys_are_those_that_the_page_tells_and_none_is_streamlits_own(store: Store) -> None:
    app = open_page("queue")
    told = " ".join(caption.value for caption in app.caption)
    keys = [app.button(key="take next").proto.shortcut]
    click(app, "take next")
    keys += [
        app.button(key=key).proto.shortcut for key in ("decide approve", "decide reject", "decide escalate", "skip")
    ]
    assert [key.upper() for key in keys] == ["N", "A", "X", "E", "S"]
    assert all(f"{key.upper()} " in told for key in keys)


def test_two_browsers_never_hold_the_same_file_and_a_reload_leads_back_to_ones_own(store: Store) -> None:
    one, other = click(open_page("queue"), "take next"), click(open_page("queue"), "take next")
    assert one.subheader[0].value != other.subheader[0].value
    seat = one.query_params["seat"]
    again = open_page("queue", seat=seat if isinstance(seat, str) else seat[0])
    assert again.subheader[0].value == one.subheader[0].value


def test_a_click_begins_the_lease_anew_and_the_page_tells_until_when(store: Store) -> None:
    app = click(open_page("queue"), "take next")
    seat = app.query_params["seat"]
    holder = Queue(store).item(f"{3:064x}").holder
    assert holder is not None
    Queue(store, lease_s=60).renew(holder, f"{3:064x}")
    again = open_page("queue", seat=seat if isinstance(seat, str) else seat[0])
    said = next(caption.value for caption in again.caption if "yours until" in caption.value)
    assert f"{clock(Queue(store).item(f'{3:064x}').held_until_s)} UTC; every click begins the ten minutes anew" in said


def test_a_file_in_hands_is_told_of_as_one_of_those_that_wait(store: Store) -> None:
    app = click(open_page("queue"), "take next")
    assert any("**3** waiting, **0** escalated, of them **1** in somebody's hands" in e.value for e in app.markdown)


def test_a_file_that_somebody_else_decided_meanwhile_is_told_of(store: Store) -> None:
    app = click(click(open_page("queue"), "take next"), "decide approve")
    holder = Queue(store).item(f"{3:064x}").holder
    assert holder is not None
    Queue(store).decide(holder, f"{3:064x}", Decision.REJECT, "faster")
    # The bar still stands in the browser; its click comes too late.
    app.button(key="reason approve 1").click().run()
    assert not app.exception
    assert [item.reason for item in items(store, State.REJECTED)] == ["faster"]
    assert not items(store, State.APPROVED)


@pytest.mark.parametrize("view", ["Waiting", "Decided", "Log"])
def test_the_other_views_open_and_hostile_names_stay_text(store: Store, view: str) -> None:
    queue = Queue(store)
    item = queue.take("ann")
    assert item is not None
    queue.decide("ann", item.sha256, Decision.REJECT, "![y](http://evil)")
    app = open_page("queue")
    app.segmented_control(key="view").set_value(view).run()
    assert not app.exception
    assert listed(app)
    assert not any("](http" in element.value for element in (*app.markdown, *app.caption))


def test_a_file_inside_a_container_is_named_with_it(store: Store) -> None:
    inside = replace(report(9, name="b.jpg", llr=2.9), path="pages/case.pdf!/b.jpg")
    store.save(inside, elapsed_s=1.0, folder="")
    Queue(store).add(store.find(limit=1), actor="scanner")
    app = open_page("queue")
    app.segmented_control(key="view").set_value("Waiting").run()
    assert listed(app)[0]["File"] == "case.pdf › b.jpg"
    app = click(open_page("queue"), "take next")
    assert app.subheader[0].value == as_markdown("case.pdf › b.jpg")


def test_the_log_is_verified_on_the_page(store: Store) -> None:
    app = open_page("queue")
    app.segmented_control(key="view").set_value("Log").run()
    click(app, "verify")
    assert "Intact: 3 entries" in app.success[0].value
    assert any(re.search(r"weight: [+-]\d\.\d\d$", row["Details"]) for row in listed(app)), "not all of its digits"
    assert app.code[0].value == check(store).head


def test_an_empty_queue_says_so(store: Store) -> None:
    queue = Queue(store)
    while item := queue.take("ann"):
        queue.decide("ann", item.sha256, Decision.APPROVE, "fine")
    assert "No file awaits a decision" in open_page("queue").info[0].value


@pytest.mark.parametrize("page", ["queue", "archive"])
def test_a_store_that_fails_is_told_in_plain_words(store: Store, page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise StoreError("the store does not work: disk is full")

    monkeypatch.setattr(Queue, "items", fail)
    monkeypatch.setattr(Queue, "counts", fail)
    monkeypatch.setattr(Archive, "page", fail)
    app = open_page(page)
    assert not app.exception
    assert {error.value for error in app.error} == {"The store does not work\\: disk is full"}


def test_roles_are_held_up_whatever_the_page_shows(store: Store) -> None:
    sha256 = f"{3:064x}"
    viewer = Desk(store, User("vic", Role.VIEWER), "")
    moderator = Desk(store, User("mo", Role.MODERATOR), "")
    admin = Desk(store, User("ada", Role.ADMIN), "")
    for act in (
        lambda: viewer.take(),
        lambda: viewer.decide(sha256, Decision.APPROVE, "x"),
        lambda: viewer.send([]),
        lambda: viewer.reopen(sha256, "x"),
        lambda: moderator.reopen(sha256, "x"),
    ):
        with pytest.raises(NotAllowedError):
            act()
    assert moderator.take(sha256=sha256) is not None
    moderator.decide(sha256, Decision.ESCALATE, "unsure")
    assert moderator.take(sha256=sha256) is None
    with pytest.raises(NotAllowedError):
        moderator.decide(sha256, Decision.APPROVE, "mine after all")
    first = admin.take()
    assert first is not None and first.sha256 == sha256
    admin.decide(sha256, Decision.APPROVE, "fine")
    admin.reopen(sha256, "look again")
    assert [entry.actor for entry in AuditLog(store).entries(subject=sha256)] == ["ada", "ada", "mo", "scanner"]
    assert check(store).is_intact


def test_opening_another_file_puts_the_one_in_hands_back(store: Store) -> None:
    desk = Desk(store, User("mo", Role.MODERATOR), "")
    desk.take()
    desk.take(sha256=f"{1:064x}")
    held = desk.held()
    assert held is not None and held.filename == "light.jpg" and desk.overview().held == 1
