"""Profiles: each is a bundle of settings, single options change it, and less is asked without other answers."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import click
import numpy as np
import pytest

from detectors.base import Pictures, Scores
from detectors.catalog import DETECTORS
from forensics import PROFILES, Media, Scanner, ScanSettings
from forensics.cli.scan import scan, scan_settings
from forensics.report import ScanReport
from forensics.report_words import command
from generators.weights import ModelCard
from tests.make_media import jpeg, photo


class Counting:
    """Scores brightness, and counts how often it is asked."""

    n_asked = 0

    def score(self, images: Pictures) -> Scores:
        type(self).n_asked += 1
        return Scores(np.array([pixels.mean() / 255 for pixels in images], np.float32))


class Synthetic(Counting):
    """Stands for the shipped one."""

    name = "synthetic"
    card = ModelCard(name="synthetic", version="1", task="brightness")


class Glance(Counting):
    """Stands in for that one."""

    name = "glance"
    card = ModelCard(name="glance", version="1", task="brightness")


class Face(Counting):
    """Another one."""

    name = "face"
    card = ModelCard(name="face", version="1", task="brightness")


@pytest.fixture(autouse=True)
def three_detectors(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = {"face": Face, "synthetic": Synthetic, "glance": Glance}
    places = {name: f"{__name__}:{kind.__name__}" for name, kind in kinds.items()}
    monkeypatch.setattr(DETECTORS, "places", lambda: places)
    for kind in kinds.values():
        monkeypatch.setattr(kind, "n_asked", 0)


def examined(settings: ScanSettings) -> ScanReport:
    return Scanner(settings).scan(Media.open(jpeg(photo(1, width=192, height=144)), name="a.jpg"))


def typed(*arguments: str) -> ScanSettings:
    return scan_settings(
        scan.make_context("scan", [*arguments, "--cameras", "none", "--models", "none", "a.jpg"]).params
    )


def test_standard_is_what_a_scan_does_without_a_profile() -> None:
    assert PROFILES["standard"] == ScanSettings() == typed()


def test_fast_says_what_standard_says_of_its_part_and_asks_nobody_else() -> None:
    fast = examined(PROFILES["fast"])
    assert (Synthetic.n_asked, Face.n_asked) == (1, 0)
    assert {*fast.timings_s} == {"decode", "hash", "metadata", "provenance", "learned"}
    standard = examined(PROFILES["standard"])
    assert Face.n_asked == 1
    shared = [one for one in standard.to_dict()["findings"] if ("learned", "face") not in _asked(one)]
    wanted = [one for one in shared if one["analyzer"] in ("metadata", "provenance", "learned")]
    assert fast.to_dict()["findings"] == wanted and fast.pdq == standard.pdq


def _asked(finding: dict[str, Any]) -> list[tuple[str, str]]:
    return [(finding["analyzer"], text) for label, text in finding["details"] if label == "detector"]


def test_triage_asks_the_stand_in_alone_and_nobody_else_asks_it() -> None:
    triage = examined(PROFILES["triage"])
    assert (Glance.n_asked, Synthetic.n_asked, Face.n_asked) == (1, 0, 0)
    assert {*triage.timings_s} == {"decode", "hash", "metadata", "provenance", "learned"}
    for name in ("fast", "standard", "deep"):
        examined(PROFILES[name])
    assert Glance.n_asked == 1 and Synthetic.n_asked == 3


def test_deep_allows_nothing_less_than_standard_and_asks_everybody() -> None:
    deep, standard = PROFILES["deep"], PROFILES["standard"]
    assert replace(deep, limits=standard.limits) == standard
    usual = asdict(standard.limits)
    assert all(value >= usual[name] for name, value in asdict(deep.limits).items()) and deep != standard


def test_the_help_tells_the_limits_of_deep_beside_the_usual_ones() -> None:
    usual, deep = asdict(PROFILES["standard"].limits), asdict(PROFILES["deep"].limits)
    told = {option.name: option.help or "" for option in scan.params if isinstance(option, click.Option)}
    for name, value in deep.items():
        if value != usual[name]:
            assert f"[default: {usual[name]:g}; deep: {value:g}]" in told[name]


def test_options_change_single_settings_of_a_profile() -> None:
    assert typed("--profile", "deep") == PROFILES["deep"]
    deep = typed("--profile", "deep", "--frames", "8", "--detectors", "face", "--prior", "0.1")
    limits = replace(PROFILES["deep"].limits, n_frames=8)
    assert deep == replace(PROFILES["deep"], limits=limits, detectors=("face",), prior=0.1)
    assert typed("--profile", "fast", "--analyzers", "ela").analyzers == ("ela",)
    assert typed("--profile", "fast", "--detectors", "face,synthetic").detectors == ("face", "synthetic")


def test_detectors_are_asked_in_the_order_in_which_they_are_named() -> None:
    report = examined(ScanSettings(analyzers=("learned",), detectors=("synthetic", "face")))
    assert [name for one in report.to_dict()["findings"] for _, name in _asked(one)] == ["synthetic", "face"]


def test_a_detector_that_there_is_not_is_refused_before_a_file_is_opened() -> None:
    with pytest.raises(LookupError, match="no detector 'fase'; there is face, synthetic, glance"):
        Scanner(ScanSettings(detectors=("fase",)))
    with pytest.raises(click.UsageError, match="no detector 'fase'"):
        typed("--detectors", "fase")


def test_stored_scans_from_before_there_was_a_choice_of_detectors_keep_their_digest() -> None:
    settings = ScanSettings(analyzers=("ela",))
    before = {"limits", "analyzers", "prior", "likely_llr", "inconclusive_llr", "trust_list", "cameras", "models"}
    assert {*settings.to_dict()} == before | {"fusion"}
    assert ScanSettings.from_dict(settings.to_dict()) == settings
    chosen = replace(settings, detectors=("face",))
    assert ScanSettings.from_dict(chosen.to_dict()) == chosen and chosen.digest != settings.digest


def test_the_command_that_repeats_a_scan_names_the_detectors() -> None:
    words = command(examined(PROFILES["fast"])).split()
    repeated = typed(*words[words.index("scan") + 1 : -1])
    assert repeated == PROFILES["fast"]
