"""The page Arms race: what is told of a race, and who may choose what scans use."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.backend import race
from dashboard.roles import NotAllowedError, Role, User
from detectors.lineage import Lineage
from detectors.race.course import Course
from detectors.registry import Registry
from forensics.store import AuditLog, Store, StoreError, check
from tests.make_dashboard import open_page, prepare
from tests.make_race import KNOWN, REFUSED, UNSEEN, kind, rounds, write_race
from tests.make_versions import CARD, install, learn

ADA, MAX = User("ada", Role.ADMIN), User("max", Role.MODERATOR)


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a race of four rounds and four versions of a toy detector, the last of which stands."""
    install(monkeypatch)
    prepare(monkeypatch, tmp_path)
    folder = tmp_path / "models"
    settings = {"name": "toy", "settings": {"detector": "level"}}
    (write_race(folder / "races" / "toy") / "race.json").write_text(json.dumps(settings), encoding="utf-8")
    registry = Registry(folder)
    parent = "1"
    for record in rounds(4):
        made = learn(registry, 1.0 + record.number / 10, parent=parent, round_number=record.number).version
        assert made == record.candidate
        if record.promoted:
            registry.promote("level", made, by="race", reason=f"round {record.number}")
            parent = made
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(f"sqlite:///{tmp_path / 'scans.db'}")


def stands(models: Path) -> str:
    return Registry(models).promoted("level").version


def told(app: AppTest) -> str:
    """All words of the page."""
    kinds = (app.markdown, app.caption, app.info, app.error, app.warning, app.success, app.get("html"))
    return "\n".join(str(getattr(element, "value", "") or element.proto.body) for kind in kinds for element in kind)


def test_a_race_is_told_round_by_round_with_the_reasons_of_its_gate(models: Path) -> None:
    app = open_page("race")
    assert not app.exception and app.tabs[0].label == "Rounds"
    listed = app.dataframe[0].value
    assert list(listed["gate"]) == ["● promoted", "● promoted", "✕ refused", "● promoted"]
    assert list(listed["made"]) == ["1+1", "1+2", "1+3", "1+4"]
    assert "over the ceiling of 8.0%" in told(app)


def test_the_matrix_holds_every_kind_and_figure_and_marks_what_was_not_learned(models: Path) -> None:
    page, course = told(open_page("race")), Course(rounds(4))
    for name in course.kinds:
        assert name in page
    for row in course.rows:
        for cell in row.cells.values():
            assert f"{cell.auroc.value:.3f}" in page and f"TPR {cell.tpr.value:.2f}" in page
    n_cells = sum(len(row.cells) for row in course.rows)
    assert page.count('<td class="u-unlearned"') == sum(len(row.not_learned) for row in course.rows)
    assert page.count('<td class="u-unmeasured"') == len(course.kinds) * len(course.rows) - n_cells
    assert UNSEEN in page and KNOWN in page and "✕ refused" in page


def test_attacks_are_told_with_success_before_and_after_and_the_quality_of_their_fakes(models: Path) -> None:
    app = open_page("race")
    page = told(app)
    attack = rounds(4)[3].attacks[0]
    assert f"{100 * attack.before.value:.0f}% (" in page and f"{100 * attack.after.value:.0f}% (" in page
    assert f"FD-lite0 {attack.fd_plain} → {attack.fd}" in page and "FD-lite0 not measured" in page
    app.segmented_control[0].set_value(1).run()
    assert f"→ {rounds(4)[1].attacks[0].fd}" in told(app)


def test_names_from_a_race_keep_no_power_over_the_page(models: Path) -> None:
    log = models / "races" / "toy" / "rounds.jsonl"
    evil = "<img src=x onerror=alert(1)>"
    log.write_text(log.read_text(encoding="utf-8").replace(kind("pgd", 1), evil), encoding="utf-8")
    page = told(open_page("race"))
    assert evil not in page and "&lt;img src=x" in page


def test_a_promotion_is_confirmed_first_and_enters_the_audit_log_with_a_name(
    models: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.widgets.versions.current_user", lambda: ADA)
    app = open_page("race")
    app.selectbox(key="version to promote").select("1+2")
    app.text_input(key="reason for a change").set_value("the newest one accuses our holiday photos")
    button(app, "Promote…").click().run()
    assert stands(models) == "1+4" and "shall use version 1\\+2" in told(app)
    button(app, "Yes, promote").click().run()
    assert not app.exception and stands(models) == "1+2" and "stands now" in told(app)
    (entry,) = AuditLog(store).entries()
    assert (entry.actor, entry.action, entry.subject) == ("ada", "promote", "level 1+2")
    assert entry.details["reason"] == "the newest one accuses our holiday photos"
    assert check(store).is_intact
    assert app.dataframe[-1].value["by"][0] == "ada"


def test_a_change_that_is_not_confirmed_changes_nothing(models: Path, store: Store) -> None:
    app = open_page("race")
    app.text_input(key="reason for a change").set_value("to see")
    button(app, "Roll back to 1\\+2…").click().run()
    button(app, "Cancel").click().run()
    assert stands(models) == "1+4" and not AuditLog(store).entries()
    assert not [one for one in app.button if one.label.startswith("Yes")]


def test_a_rollback_leads_to_what_stood_before(models: Path, store: Store) -> None:
    app = open_page("race")
    app.text_input(key="reason for a change").set_value("to see")
    button(app, "Roll back to 1\\+2…").click().run()
    button(app, "Yes, roll back").click().run()
    assert stands(models) == "1+2"
    assert AuditLog(store).entries()[0].action == "roll back"


def test_a_change_needs_a_reason(models: Path) -> None:
    app = open_page("race")
    button(app, "Promote…").click().run()
    assert "needs a reason" in told(app) and not [one for one in app.button if one.label.startswith("Yes")]


def test_what_the_gate_refused_is_offered_last_and_said_again_before_it_is_promoted(models: Path) -> None:
    app = open_page("race")
    offered = app.selectbox(key="version to promote").options
    assert offered[-1] == "1+3 (✕ refused by the gate)"
    app.selectbox(key="version to promote").select("1+3")
    app.text_input(key="reason for a change").set_value("to see")
    button(app, "Promote…").click().run()
    assert "The gate of its race refused this version" in told(app) and "over the ceiling" in told(app)


def test_whoever_is_no_admin_sees_versions_and_changes_none(
    models: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.widgets.versions.current_user", lambda: MAX)
    app = open_page("race")
    assert "Only an admin may promote" in told(app) and not app.button
    given = {"stood": "1+4", "reason": "to see", "user": MAX, "store": store}
    with pytest.raises(NotAllowedError):
        race.promote(models, "level", "1+2", **given)
    with pytest.raises(NotAllowedError):
        race.roll_back(models, "level", **given)
    assert stands(models) == "1+4" and not AuditLog(store).entries()


def test_whoever_decided_on_what_no_longer_stands_is_asked_to_look_again(models: Path, store: Store) -> None:
    Registry(models).promote("level", "1+2", by="max", reason="first")
    given = {"stood": "1+4", "reason": "second", "user": ADA, "store": store}
    for change in (
        lambda: race.promote(models, "level", "1+1", **given),
        lambda: race.roll_back(models, "level", **given),
    ):
        with pytest.raises(race.StaleError, match=r"meanwhile version 1\+2 of level"):
            change()
    assert stands(models) == "1+2"


def test_the_earlier_version_is_the_one_that_a_rollback_leads_to(models: Path) -> None:
    registry, seen = Registry(models), []
    while (back := race.earlier(race.versions(models, "level"), race.changes(models, "level"))) is not None:
        registry.rollback("level", by="ada", reason="down to the ground")
        seen.append(back)
        assert stands(models) == back
    assert seen == ["1+2", "1+1", "1"]


def test_a_damaged_log_is_told_in_one_sentence_and_hides_no_version(models: Path) -> None:
    (models / "races" / "toy" / "rounds.jsonl").write_text("{}\n")
    app = open_page("race")
    assert not app.exception and "line 1: no record of a round" in told(app).replace("\\", "")
    assert "1+4" in list(app.dataframe[0].value["version"])


def test_a_damaged_version_is_told_and_cannot_be_promoted(models: Path) -> None:
    (models / "versions" / "level" / "level-1+2.card.json").write_text("{")
    app = open_page("race")
    assert not app.exception
    assert "1+2" not in app.selectbox(key="version to promote").options
    listed = next(frame.value for frame in app.dataframe if "state" in frame.value)
    assert dict(zip(listed["version"], listed["state"], strict=True))["1+2"] == "✕ damaged"


def test_a_round_that_ends_while_somebody_looks_is_seen_at_the_next_look(models: Path) -> None:
    write_race(models / "races" / "toy", 2)
    assert len(open_page("race").dataframe[0].value) == 2
    write_race(models / "races" / "toy", 3)
    assert len(open_page("race").dataframe[0].value) == 3


def test_the_newest_race_comes_first_and_the_address_chooses_another(models: Path) -> None:
    write_race(models / "races" / "later", 2)
    os.utime(models / "races" / "toy" / "rounds.jsonl", (1, 1))
    os.utime(models / "races" / "toy" / "race.json", (1, 1))
    assert [one.name for one in race.races(models)] == ["later", "toy"]
    assert open_page("race", race="toy").selectbox[0].value == "toy"
    assert open_page("race", race="../../etc").selectbox[0].value == "later"


def test_a_round_that_has_not_ended_is_told_step_by_step(models: Path) -> None:
    folder = models / "races" / "toy"
    steps = [{"round": 4, "step": step, "at": "", "took_s": 1.0} for step in ("attack", "forge")]
    (folder / "journal.jsonl").write_text("".join(json.dumps(step) + "\n" for step in steps))
    assert race.races(models)[0].under_way == "Round 4 has not ended: attack, forge done, next is launder."
    assert "next is launder" in told(open_page("race"))


def test_without_a_folder_of_models_there_is_no_race_and_no_version() -> None:
    assert race.races(None) == () and race.detectors(None) == () and race.stamp(None) == ()


def test_refusals_are_found_by_race_and_round_and_a_promotion_changes_the_stamp(models: Path) -> None:
    assert set(race.refusals(models)) == {("toy", REFUSED)}
    before = race.stamp(models)
    registry = Registry(models)
    registry.add("level", {"weight": np.array([2.0])}, CARD, Lineage("1", "other", 1))
    assert race.stamp(models) == before
    registry.promote("level", "1+5", by="ada", reason="to see")
    assert race.stamp(models) != before


def button(app: AppTest, label: str) -> Any:
    """The button of that label."""
    return next(one for one in app.button if one.label == label)


def test_the_page_models_shows_the_weights_that_scans_use_also_after_a_promotion(models: Path) -> None:
    for version in ("1+4", "1+2"):
        if version != stands(models):
            Registry(models).promote("level", version, by="ada", reason="to see")
        app = open_page("models", model="level")
        assert not app.exception
        assert app.code[0].value == Registry(models).version("level", version).card.sha256


def test_the_lineage_of_a_version_is_shown_down_to_its_data(models: Path) -> None:
    app = open_page("race")
    app.selectbox(key="lineage of").select("1+2").run()
    rows = next(frame.value for frame in app.dataframe if "value" in frame.value)
    (parts,) = rows[rows[""] == "data, SHA-256"]["value"]
    assert parts == "cd" * 32 and "Learned in round 1 of the race 'toy' from version 1\\+1" in told(app)


def test_a_log_that_cannot_be_written_stops_the_change_and_is_told(
    models: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_page("race")
    app.text_input(key="reason for a change").set_value("to see")
    button(app, "Roll back to 1\\+2…").click().run()

    def full(*_: object, **__: object) -> None:
        raise StoreError("the database is full")

    monkeypatch.setattr("forensics.store.audit.Chain.__init__", full)
    button(app, "Yes, roll back").click().run()
    assert not app.exception and "The database is full" in told(app)
    assert stands(models) == "1+4" and not AuditLog(store).entries()
