"""Versions of detectors on the command line and in scans: every report names the one that spoke."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from detectors.registry import Registry
from forensics import installed, versions
from forensics.cli import main
from forensics.media import Media
from forensics.promoting import promote, roll_back
from forensics.report_files import render
from forensics.scanner import Scanner
from forensics.settings import ScanSettings
from forensics.store import AuditLog, Store, StoreError, check
from generators.weights import save
from tests.make_media import png
from tests.make_versions import CARD, install, learn

Run = tuple[int, str, str]

GREY = png(np.full((64, 64, 3), 102, np.uint8))  # 0.4 of white


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A registry with three versions of `level`, of which none is promoted."""
    install(monkeypatch)
    monkeypatch.setenv("UNFORGED_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    registry = Registry(tmp_path / "models")
    learn(registry, 2)
    learn(registry, 1.5, parent="1+1", round_number=2)
    return tmp_path / "models"


def unforged(capsys: pytest.CaptureFixture[str], *words: object) -> Run:
    code = main([str(word) for word in words])
    said = capsys.readouterr()
    return code, said.out, said.err


def stands(models: Path) -> str:
    return Registry(models).promoted("level").version


def test_what_was_trained_is_kept_and_can_be_promoted(
    models: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    save({"weight": np.full(1, 3.0)}, CARD, tmp_path / "trained")
    code, out, _ = unforged(capsys, "models", "keep", tmp_path / "trained")
    assert code == 0 and out == "kept\tlevel\t1+3\ttrained here, beside version 1\n" and stands(models) == "1"
    assert unforged(capsys, "models", "promote", "level", "1+3", "--reason", "ours")[0] == 0 and stands(models) == "1+3"
    code, _, err = unforged(capsys, "models", "keep", tmp_path)
    assert code == 2 and len(err.splitlines()) == 1 and "holds no card" in err


def test_promote_and_rollback_change_what_stands_and_say_so(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ("--reason", "catches more", "--as", "ann")
    code, out, _ = unforged(capsys, "models", "promote", "level", "1+2", *given)
    assert code == 0 and out == "promoted\tlevel\t1+2\tlearned in round 2 of the race 'toy' from version 1+1\n"
    assert stands(models) == "1+2"
    code, out, _ = unforged(capsys, "models", "rollback", "level", *given)
    assert code == 0 and out == "promoted\tlevel\t1\tas it ships\n" and stands(models) == "1"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("promote", "level", "1+9", "--reason", "x"), "level has no version '1+9'; it has 1, 1+1, 1+2"),
        (("promote", "nobody", "1+1", "--reason", "x"), "no detector 'nobody' is installed"),
        (("promote", "level", "1", "--reason", "x"), "version 1 of level is promoted already"),
        (("promote", "level", "1+1", "--reason", " "), "needs the name of who makes it and a reason"),
        (("promote", "level", "1+1"), "--reason"),
        (("rollback", "level", "--reason", "x"), "nothing to roll back: no version of level was promoted"),
        (("show", "level", "--version", "7"), "level has no version '7'; it has 1, 1+1, 1+2"),
        (("promote", "level", "1+1", "--reason", "x", "--store", "nowhere://"), "the store takes an address"),
    ],
)
def test_bad_input_is_one_line_and_code_2_and_changes_nothing(
    models: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], told: str
) -> None:
    code, out, err = unforged(capsys, "models", *words)
    assert (code, out) == (2, "") and told in err and err.count("\n") == 1
    assert stands(models) == "1" and Registry(models).history("level") == ()


def test_a_mistyped_folder_is_not_made(tmp_path: Path, models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    elsewhere = tmp_path / "modles"
    for words in (("promote", "level", "1+1"), ("rollback", "level")):
        assert unforged(capsys, "models", *words, "--reason", "x", "--models", elsewhere)[0] == 2
    assert not elsewhere.exists()


def test_list_shows_what_scans_use_and_all_versions_on_demand(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    promote(models, "level", "1+1", by="ann", reason="better")
    _, out, _ = unforged(capsys, "models", "list")
    assert "detector\tlevel\t1+1\tsays how bright a picture is\n" in out and "1+2" not in out
    _, out, _ = unforged(capsys, "models", "list", "--all")
    rows = [row.split("\t") for row in out.splitlines() if row.startswith("detector\tlevel")]
    assert [(row[2], row[3]) for row in rows] == [("1", ""), ("1+1", "promoted"), ("1+2", "")]
    assert rows[0][4] == "as it ships" and "round 2" in rows[2][4]
    _, out, _ = unforged(capsys, "models", "list", "--all", "--json")
    assert json.loads(out.splitlines()[1]) == {
        "kind": "detector", "name": "level", "version": "1+1", "state": "promoted",
        "origin": "learned in round 1 of the race 'toy' from version 1",
    }  # fmt: skip


def test_a_damaged_version_is_listed_with_its_fault(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (models / "versions" / "level" / "level-1+1.lineage.json").write_text("[]", encoding="utf-8")
    _, out, _ = unforged(capsys, "models", "list", "--all")
    assert re.search(r"level\t1\+1\t\tlevel-1\+1\.lineage\.json is no lineage", out)
    code, _, err = unforged(capsys, "models", "show", "level", "--version", "1+1")
    assert code == 2 and "is no lineage" in err


def test_show_tells_lineage_and_who_promoted_it_why(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    promote(models, "level", "1+2", by="ann", reason="catches more")
    _, out, _ = unforged(capsys, "models", "show", "level")
    rows = dict(row.split("\t", 1) for row in out.splitlines())
    assert rows["version"] == "1+2" and rows["where it comes from"].endswith(
        "round 2 of the race 'toy' from version 1+1"
    )
    assert rows["learned from, SHA-256: fakes"] == "cd" * 32 and rows["setting of the race: seed"] == "3"
    assert rows["measured in the race: auroc eval"] == "0.75" and rows["promoted"].endswith("by ann: catches more")
    _, out, _ = unforged(capsys, "models", "show", "level", "--version", "1")
    assert "version\t1\n" in out and "where it comes from" not in out
    _, out, _ = unforged(capsys, "models", "show", "level", "--version", "1+1", "--json")
    assert json.loads(out)["lineage"]["round"] == 1 and json.loads(out)["version"] == "1+1"


def test_the_audit_log_of_a_store_is_told_and_stays_whole(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "scans.db"
    told = ("--reason", "catches more", "--as", "ann", "--store", kept)
    assert unforged(capsys, "models", "promote", "level", "1+1", *told)[0] == 0
    assert unforged(capsys, "models", "rollback", "level", *told)[0] == 0
    with Store(f"sqlite:///{kept}") as store:
        back, forth = AuditLog(store).entries()
        assert (forth.actor, forth.action, forth.subject) == ("ann", "promote", "level 1+1")
        assert (back.action, back.subject) == ("roll back", "level 1")
        assert forth.details["was"] == "1" and forth.details["reason"] == "catches more"
        assert forth.details["weights"] == Registry(models).version("level", "1+1").card.sha256
        assert check(store).is_intact


def test_a_change_that_fails_leaves_no_entry(models: Path, tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path / 'scans.db'}") as store:
        with pytest.raises(ValueError, match="nothing to roll back"):
            roll_back(models, "level", by="ann", reason="x", store=store)
        with pytest.raises(LookupError):
            promote(models, "level", "1+9", by="ann", reason="x", store=store)
        assert AuditLog(store).entries() == []


def test_a_log_that_cannot_be_written_stops_the_change(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy.exc import OperationalError

    from forensics.store import audit

    def full(*_: object) -> None:
        raise OperationalError("INSERT", {}, Exception("database or disk is full"))

    with Store(f"sqlite:///{tmp_path / 'scans.db'}") as store:
        monkeypatch.setattr(audit, "lock", full)
        with pytest.raises(StoreError, match="full"):
            promote(models, "level", "1+1", by="ann", reason="x", store=store)
    assert stands(models) == "1"


def scanned(models: Path | None) -> Scanner:
    return Scanner(ScanSettings(analyzers=("learned",), models=models))


def test_a_scanner_that_runs_already_uses_the_promoted_version_and_its_report_names_it(models: Path) -> None:
    scanner = scanned(models)
    before = scanner.scan(Media.open(GREY))
    promote(models, "level", "1+2", by="ann", reason="better")
    after = scanner.scan(Media.open(GREY))
    (was, _), (now, _) = before.findings, after.findings
    assert was.measures["score"] == pytest.approx(0.4) and now.measures["score"] == pytest.approx(0.6)
    rows = dict(now.details)
    assert rows["version"] == "1+2" and rows["learned from"] == f"fakes: {'cd' * 32}"
    assert rows["this version"] == "learned in round 2 of the race 'toy' from version 1+1"
    assert "this version" not in dict(was.details)
    assert "learned in round 2" in after.versions["version of level"] and "version of level" not in before.versions
    for form in ("json", "html"):
        assert b"learned in round 2 of the race" in render(after, {}, form)


def test_after_a_promotion_no_earlier_result_is_taken_for_a_new_one(models: Path) -> None:
    scanner = scanned(models)
    digests = [versions.digest(scanner.versions)]
    for change in ("1+1", "1+2"):
        promote(models, "level", change, by="ann", reason="better")
        digests.append(versions.digest(scanner.versions))
    assert len(set(digests)) == 3
    for earlier in reversed(digests[:2]):
        roll_back(models, "level", by="ann", reason="worse")
        assert versions.digest(scanner.versions) == earlier


def test_a_damaged_promoted_version_costs_its_own_finding_only(models: Path) -> None:
    promote(models, "level", "1+1", by="ann", reason="better")
    path = models / "versions" / "level" / "level-1+1.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    report = scanned(models).scan(Media.open(GREY))
    level, fixed = report.findings
    assert level.llr is None and level.summary.startswith("Not tested by the detector level: level-1+1.safetensors has")
    assert fixed.measures["score"] == pytest.approx(0.4) and not report.failed
    path.unlink()
    (level, _) = scanned(models).scan(Media.open(GREY)).findings
    assert level.summary.startswith("Not tested by the detector level")


def test_a_damaged_record_of_promotions_is_told_and_costs_its_own_finding_only(models: Path) -> None:
    promote(models, "level", "1+1", by="ann", reason="better")
    (models / "versions" / "level" / "history.jsonl").write_text("?\n", encoding="utf-8")
    report = scanned(models).scan(Media.open(GREY))
    assert "history.jsonl, line 1" in report.findings[0].summary and len(report.findings) == 2 and not report.failed
    assert report.versions["version of level"].startswith("cannot be used")
    (model, *_) = installed.models(models)
    assert model.card is None and "history.jsonl, line 1" in model.missing


def test_a_scan_without_a_folder_of_models_uses_what_ships(models: Path) -> None:
    promote(models, "level", "1+1", by="ann", reason="better")
    finding, _ = scanned(None).scan(Media.open(GREY)).findings
    assert finding.measures["score"] == pytest.approx(0.4) and dict(finding.details)["version"] == "1"


def test_the_own_folder_is_used_as_soon_as_it_holds_a_version(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("UNFORGED_MODELS")
    assert "\tlevel\t1\t" in unforged(capsys, "models", "list")[1]
    own = tmp_path / "data" / "unforged" / "models"
    learn(Registry(own), 2)
    promote(own, "level", "1+1", by="ann", reason="better")
    assert "\tlevel\t1+1\t" in unforged(capsys, "models", "list")[1]


def test_no_outside_model_takes_the_name_of_the_folder_of_versions() -> None:
    from detectors.outside.model_folder import check_name

    with pytest.raises(ValueError, match="folder of versions"):
        check_name("versions")


def test_a_version_is_measured_before_anybody_promotes_it(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for place, level in ((("real", "a"), 60), (("fake", "b"), 100)):
        folder = tmp_path.joinpath("set", *place)
        folder.mkdir(parents=True)
        for i in range(3):
            (folder / f"{i}.png").write_bytes(png(np.full((64, 64, 3), level + i, np.uint8)))
    blind = learn(Registry(models), 0.0).version
    words = ("evaluate", "--detector", "level", "--data", tmp_path / "set", "--conditions", "original")
    areas = {v: unforged(capsys, *words, "--version", v)[1].split("\t")[4] for v in ("1", "1+1", blind)}
    assert areas == {"1": "1.000", "1+1": "1.000", blind: "0.500"}
    code, _, err = unforged(capsys, *words, "--version", "1+7")
    assert code == 2 and "level has no version '1+7'; it has 1, 1+1, 1+2" in err
