"""What pages offer to be taken away: as long as the page is open, for nobody else, and with words where it fails."""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from dashboard.backend.offers import MAX_OFFERS, Held, Offer, Offers, all_offers
from dashboard.downloads import PATH, ROUTES
from dashboard.roles import Role, User
from tests.make_dashboard import offered, open_page, prepare

ANN = User("ann", Role.ADMIN)


def offer(make: Callable[[], bytes] = lambda: b"file", now: User | None = ANN) -> Offer:
    return Offer(make, ANN, lambda: now)


@pytest.fixture
def browser() -> Iterator[TestClient]:
    with TestClient(Starlette(routes=ROUTES)) as client:
        yield client


def test_a_name_keeps_its_secret_from_run_to_run_and_stands_for_what_was_offered_last() -> None:
    offers = Offers()
    held = Held(offers)
    secret = held.renew("csv", offer(lambda: b"old"))
    assert held.renew("csv", offer(lambda: b"new")) == secret != held.renew("json", offer())
    found = offers.find(secret)
    assert found is not None and found.taken() == b"new"


def test_an_offer_ends_with_its_session_and_the_oldest_makes_room() -> None:
    offers = Offers()
    held = Held(offers)
    first, *others = (held.renew(f"file {number}", offer()) for number in range(MAX_OFFERS + 1))
    gc.collect()
    assert offers.find(first) is None and all(offers.find(secret) for secret in others)
    del held
    gc.collect()
    assert not any(offers.find(secret) for secret in others)


def test_the_browser_gets_bytes_to_save_for_a_secret_and_words_without(browser: TestClient) -> None:
    held = Held(all_offers())
    secret = held.renew("page", offer(lambda: b"<script>"))
    answer = browser.post(PATH, content=secret)
    assert answer.status_code == 200 and answer.content == b"<script>"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == "attachment" and answer.headers["cache-control"] == "no-store"
    for wrong in ("", "guess", secret[:-1], secret * 20):
        refused = browser.post(PATH, content=wrong)
        assert refused.status_code == 404 and "Load it anew" in refused.text
    assert browser.get(f"{PATH}?{secret}").status_code == 405


@pytest.mark.parametrize("now", [None, User("ann", Role.VIEWER), User("eve", Role.ADMIN)])
def test_who_was_signed_out_or_has_another_role_by_now_gets_nothing(now: User | None, browser: TestClient) -> None:
    held = Held(all_offers())
    answer = browser.post(PATH, content=held.renew("page", offer(now=now)))
    assert answer.status_code == 403 and "signed in" in answer.text


def test_a_file_that_cannot_be_made_is_told_in_a_line(browser: TestClient) -> None:
    def fail() -> bytes:
        raise OSError("no space\nleft on \u202edevice")

    held = Held(all_offers())
    answer = browser.post(PATH, content=held.renew("page", offer(fail)))
    assert answer.status_code == 503 and answer.text.startswith("No space") and "\u202e" not in answer.text
    assert "\n" not in answer.text


def secrets_of(app: AppTest) -> list[str]:
    return re.findall(r'"secret": ?"([^"]+)"', "".join(element.proto.json for element in app.get("bidi_component")))


def test_a_page_that_is_drawn_again_offers_the_same_files_under_the_same_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(monkeypatch, tmp_path)
    app = open_page("generators", timeout_s=60)
    app.number_input[0].set_value(1)
    app.button[0].click().run()
    (before,) = secrets_of(app)
    app.run()
    assert secrets_of(app) == [before] and next(iter(offered(app).values())).taken().startswith(b"PK")
