"""Reports in other languages: what our analyzers say has words for all of it, in every combination they say it in."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from detectors.base import Neighbour, Scores, Spot
from detectors.calibration import LlrModel
from detectors.lineage import Lineage
from forensics.analyzers import learned, learned_words
from forensics.analyzers.tags.signatures import _RULES
from forensics.analyzers.video import statements
from forensics.analyzers.video.cuts import Cut
from forensics.analyzers.video.earlier import Break, Earlier
from forensics.analyzers.video.reel import Reel
from forensics.analyzers.video.repeats import Repeat
from forensics.analyzers.video.stills import Beat, Still
from forensics.analyzers.video.structure import Structure
from forensics.analyzers.video.timing import Gap, Rate, Timing
from forensics.finding import Claim, Finding, Trace
from forensics.fusion import spoken as fused
from forensics.languages import Language, codes, language
from forensics.media import Media
from forensics.media.tracks import Packets
from forensics.report_files import render
from forensics.report_html import render_html
from forensics.report_language import spoken
from forensics.report_page import page
from forensics.report_pdf import render_pdf
from forensics.scanner import Scanner
from forensics.seen_before import _finding as seen_before
from forensics.settings import ScanSettings
from forensics.store import NearMatch
from forensics.store.store import ScanRow
from generators.weights import ModelCard, read_card
from tests.make_c2pa import action, sign, signer
from tests.make_language import untold, untold_of
from tests.make_media import clip, decode, jpeg, moving_scene, photo, png
from tests.make_report import HOSTILE, pixels, report
from tests.unit.test_report_pdf import text_of
from tests.upkeep.documents import ROOT

OTHERS = [language(code) for code in codes()[1:]]
GERMAN = language("de")
KNOWN = "The spectrum has no clear peaks of up-sampling; this is for the eye"
CLASSICAL = (
    "metadata",
    "provenance",
    "jpeg_history",
    "ela",
    "noise",
    "resampling",
    "spectrum",
    "copy_move",
    "timeline",
)

REEL = Reel(
    times_s=np.arange(400) / 25,
    pictures=np.zeros((400, 4, 4), np.uint8),
    change=np.zeros(400, np.float32),
    likeness=np.ones(400, np.float32),
    fine_change=np.zeros(400, np.float32),
    types=("P",) * 400,
    sizes_px=((8, 8),),
    complete=True,
)
SHORT = replace(REEL, complete=False, sizes_px=((8, 8), (16, 8)))
PACKETS = Packets(np.arange(400) / 25, np.full(400, 9), np.ones(400, bool), np.zeros(400, bool), 0.001, 0, 0, True)
BROKEN = replace(PACKETS, complete=False, n_promised=500, n_untimed=3)


@pytest.fixture(params=OTHERS, ids=lambda spoken: spoken.code)
def tongue(request: pytest.FixtureRequest) -> Language:
    return request.param


def test_every_verdict_can_be_told(tongue: Language) -> None:
    for first, second in itertools.product((None, 0.0, 0.2, 0.8, 2.4, -0.01, -0.4, -3.0), repeat=2):
        for other in Claim:
            findings = (
                Finding("noise", Trace.SENSOR, KNOWN, first, Claim.MANIPULATED),
                Finding("spectrum", Trace.SENSOR, KNOWN, second, Claim.MANIPULATED),
                Finding("copy_move", Trace.GEOMETRY, "No part of the picture occurs twice", second, other),
            )
            assert untold(report(findings, skipped={}, failed={}), tongue) == []


@pytest.mark.parametrize("prior", [0.001, 0.25, 0.9999])
def test_every_assumption_can_be_told(tongue: Language, prior: float) -> None:
    for llr in (None, 0.1, 3.0, -2.0):
        found = (Finding("noise", Trace.SENSOR, KNOWN, llr, Claim.SYNTHETIC),)
        assert untold(report(found, settings=ScanSettings(prior=prior), skipped={}, failed={}), tongue) == []


def test_a_finding_about_both_explanations_can_be_told(tongue: Language) -> None:
    assert (
        untold_of([Finding("noise", Trace.SENSOR, KNOWN, -0.8), Finding("ela", Trace.SENSOR, KNOWN, -0.01)], tongue)
        == []
    )


def pictures() -> dict[str, bytes]:
    small = {"width": 320, "height": 256}
    pasted = decode(jpeg(photo(4, **small), 70))
    pasted[64:160, 96:208] = photo(5, noise=6.0, **small)[64:160, 96:208]
    copied = photo(6, **small)
    copied[40:120, 180:280] = copied[140:220, 40:140]
    prompt = "a lighthouse\nSteps: 28, Sampler: DPM++ 2M, CFG scale: 6, Seed: 42"
    by = signer("Demo Signer")
    captured = bytearray(sign(jpeg(photo(10, **small), 90), by, action("created", "digitalCapture"), action("cropped")))
    changed = captured.copy()
    changed[-40] ^= 1
    return {
        "pasted.jpg": jpeg(pasted, 95),
        "copied.jpg": jpeg(copied, 92),
        "prompt.png": png(photo(7, **small), {"parameters": prompt, "Software": "GIMP <b>2</b>"}),
        "captured.jpg": bytes(captured),
        "changed.jpg": bytes(changed),
        "flat.png": png(np.full((200, 200, 3), 90, np.uint8)),
        "tiny.png": png(photo(8, width=24, height=20)),
    }


def test_whole_scans_can_be_told(tmp_path: Path) -> None:
    files = pictures()
    frames = moving_scene(8, 60, width=160, height=120)
    files["repeated.mp4"] = clip(tmp_path / "repeated.mp4", frames[:40] + frames[10:35] + frames[40:]).read_bytes()
    scanner = Scanner(ScanSettings(analyzers=CLASSICAL))
    for name, data in files.items():
        found = scanner.scan(Media.open(data, name=name))
        assert not found.failed
        for tongue in OTHERS:
            assert untold(found, tongue) == [], name


@pytest.mark.parametrize("reel", [REEL, SHORT], ids=["watched", "cut short"])
def test_every_statement_about_a_time_line_can_be_told(tongue: Language, reel: Reel) -> None:
    runs = [Repeat(10, 60, 8, False, 9.0, 0.1), Repeat(10, 14, 40, False, 9.0, 0.1), Repeat(10, 60, 8, True, 9.0, 0.1)]
    gaps = [Gap(3, 0.12, 0.2, 1), Gap(20, 0.8, 1.0, 4), *(Gap(i, i / 25, i / 25 + 0.08, 1) for i in (50, 60, 70, 80))]
    said = [statements.repeats_finding(reel, some, 1.0, {}) for n in range(4) for some in (runs[:n], runs[-n:])]
    rates = [Timing(rate, 0.04, 1.0, (), 2) for rate in Rate]
    rates += [Timing(Rate.CONSTANT, 0.04, 1.0, tuple(some), 0) for some in (gaps[:1], gaps[1:2], gaps[:2], gaps[2:])]
    builds = [Structure(0, (), 0, 0), Structure(12, (40, 80), 1, 3)]
    for timing, packets, build in itertools.product(rates, (PACKETS, BROKEN), builds):
        said.append(statements.stream_finding(packets, timing, build, reel, []))
    cuts = [Cut(30, False, 9.0), Cut(90, True, 9.0), Cut(150, False, 9.0), Cut(200, True, 9.0)]
    for some in (cuts[:1], cuts[1:2], cuts[:2], cuts[1:3], cuts, [cuts[1], cuts[3]], [cuts[0], cuts[2]]):
        said.append(statements.scenes_finding(reel, some))
    said += [statements.stills_finding(reel, [Still(30, 50, 1.0)] * n) for n in (1, 2, 3)]
    for n in (1, 2):
        said += [
            statements.beat_finding(timing, Beat(5, n)) for timing in (rates[0], Timing(Rate.UNKNOWN, 0, 1, (), 0))
        ]
    broken = (Break(100, 110, 1), Break(200, 210, 3))
    said += [statements.earlier_finding(reel, Earlier(12, 2.0, 0.9, some)) for some in ((), broken[:1], broken[1:])]
    assert untold_of(said, tongue) == []


class Stub:
    """A detector that scores as it is told."""

    name = "stub"

    def __init__(self, card: ModelCard, scores: Scores) -> None:
        self.card, self._scores = card, scores

    def score(self, images: list[np.ndarray]) -> Scores:  # type: ignore[type-arg]
        return self._scores


def scores(value: float, llr: float | None, reason: str | None = None) -> Scores:
    return Scores(
        np.array([value], np.float32),
        None if llr is None else np.array([0.0 if reason else llr], np.float32),
        [np.ones((8, 8), np.float32)],
        (reason,),
        ((Spot(1, 1, 9, 9, value, "face"),),),
        ((Neighbour(True, "some/project", "paint-1", 1.23), Neighbour(False, "a, from b", "-", 4.0)),),
    )


def told_by(detectors: list[Stub], monkeypatch: pytest.MonkeyPatch) -> list[Finding]:
    by_name = {str(i): stub for i, stub in enumerate(detectors)}
    lineage = Lineage("1", "race", 2, {"fakes": "ab"}, {}, {}, "2026-01-01")
    monkeypatch.setattr(learned, "usually_asked", lambda models: tuple(by_name))
    monkeypatch.setattr(learned, "load", lambda name, models: by_name[name])
    monkeypatch.setattr(learned, "lineage_of", lambda card, models: lineage)
    media = Media.open(png(photo(1, width=96, height=80)), name="x.png")
    return list(learned.Learned(ScanSettings()).examine(media))


def test_every_answer_of_a_detector_can_be_told(tongue: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    card = ModelCard(
        "stub", "1", "a task", claim="synthetic", sets={"0.05": (0.2, 0.8)}, thresholds={"0.01": 0.7, "0.05": 0.4}
    )
    cards = [card, replace(card, sets={}, thresholds={}), replace(card, says="perturbed to fool a detector")]
    cards.append(replace(card, claim="manipulated", measures={"AUROC": 0.9}))
    cards += [replace(card, n_reals=n) for n in (12, 44, 2470)]
    reason = "it is smaller than 64 pixels"
    stubs = [Stub(c, scores(v, llr)) for c in cards for v in (0.1, 0.5, 0.9) for llr in (1.2, -1.2, None)]
    findings = told_by([*stubs, Stub(card, scores(0.5, 1.0, reason))], monkeypatch)
    assert len(findings) == len(stubs) + 1 and untold_of(findings, tongue) == []


def test_what_a_detector_of_clips_says_can_be_told(tongue: Language) -> None:
    card = ModelCard("stub", "1", "a task", claim="synthetic", thresholds={"0.05": 0.4})
    whole = Scores(np.array([0.7], np.float32), np.array([0.5], np.float32), None, (None,))
    cards = (card, replace(card, clips=True), replace(card, n_reals=44))
    said = [learned._of_clip(Stub(c, whole), whole, 12) for c in cards]  # type: ignore[arg-type]
    assert untold_of(said, tongue) == []


ZOO = [read_card(path) for path in sorted((ROOT / "detectors" / "zoo").glob("*.card.json"))]


@pytest.mark.parametrize("card", [card for card in ZOO if card.claim], ids=lambda card: card.name)
def test_the_card_of_every_detector_that_ships_can_be_told(tongue: Language, card: ModelCard) -> None:
    rows = tuple(learned_words.card_rows(card))
    assert [row for row in rows if tongue.find_row(*row) is None] == []
    if card.says:
        assert "{" not in tongue.rules.find("sought", card.says)
        assert card.says not in tongue.rules.find("sought", card.says), "quoted in English"


def test_generators_that_metadata_names_in_words_have_other_words_too(tongue: Language) -> None:
    described = [rule.tool for rule in _RULES if re.match(r"(an?|the|generative) ", rule.tool)]
    assert described and [tool for tool in described if tongue.rules.find("tool", tool) == tool] == []


def test_what_the_store_and_the_fusion_add_can_be_told(tongue: Language) -> None:
    row = ScanRow(
        3, "ab", "a.jpg", "a, b (c).jpg", "image", "jpeg", 9, "inconclusive", 0.5, 0.0, "2026-01-02T03:04:05", 1.0
    )
    said = [seen_before([NearMatch(row, 0, 4)] * n) for n in (1, 3)]
    model = LlrModel(
        features=("metadata",), center=(0.0,), scale=(1.0,), weights=(2.0,), bias=0.0, floor=-2, ceiling=2,
        fitted_on="30 reals, 20 fakes of 8 sources", n_fake=20, n_real=30, held_out={},
    )  # fmt: skip
    for llr in (2.0, -2.0):
        fusion = fused([Finding("metadata", Trace.PROVENANCE, KNOWN, llr, Claim.SYNTHETIC)], model)
        said.append(replace(fusion, details=()))  # names of voices stay as they are
    assert untold_of(said, tongue) == []


def test_the_page_says_its_language_and_nothing_of_the_frame_is_left_in_english() -> None:
    whole = report((Finding("ela", Trace.COMPRESSION, "Error levels are shown for the eye only"),))
    html = render_html(whole, pixels(1), "de")
    assert '<html lang="de">' in html and '<html lang="en">' in render_html(whole, pixels(1))
    shown = re.sub(r"<style.*?</style>|<[^>]+>", " ", html, flags=re.DOTALL)
    left = set(re.findall(r"\b(?:the|was|not|with|this|file|picture|evidence|counts?|scan)\b", shown.lower()))
    # "was" is German as well; the rest is the command, and a reason that no analyzer of ours gives.
    assert left <= {"was", "scan", "the", "file"} and "Nicht eindeutig" in html


def test_the_pdf_has_umlauts_and_no_escapes() -> None:
    whole = report((Finding("ela", Trace.COMPRESSION, "Error levels are shown for the eye only"),))
    text = text_of(render_pdf(whole, pixels(1), language_code="de"))
    assert "Fehlerpegel werden nur zur Ansicht gezeigt" in text and "Prüfsumme der Einstellungen" in text
    assert "\\u" not in text and render_pdf(whole, language_code="de") == render_pdf(whole, language_code="de")


def test_hostile_text_is_as_harmless_in_german_and_the_same_letters() -> None:
    rows = tuple((f"EXIF: Field {i}", text) for i, text in enumerate((*HOSTILE, "none", "yes", "1,000.5")))
    named = "The metadata names the camera <script>alert(1)</script>, and names the software {x} & 1,000.5."
    whole = report((Finding("metadata", Trace.PROVENANCE, named, details=rows),), filename="likely synthetic")
    english, german = (page(whole, {}) for _ in range(2))
    german = spoken(german, GERMAN)
    assert german.cards[0].rows == english.cards[0].rows and german.title == "likely synthetic"
    assert german.cards[0].summary == (
        "Die Metadaten nennen die Kamera <script>alert(1)</script> und nennen die Software {x} & 1,000.5."
    )
    assert "<script" not in render_html(whole, language_code="de")


def test_a_sentence_without_german_words_stays_english_with_its_step() -> None:
    foreign = Finding("plugin_x", Trace.SENSOR, "A plug-in saw 1,000.5 of something", 1.0, Claim.MANIPULATED)
    shown = spoken(page(report((foreign,)), {}), GERMAN)
    assert shown.cards[0].summary == "A plug-in saw 1,000.5 of something."
    assert (
        shown.steps[0][1]
        == "A plug-in saw 1,000.5 of something: about 10 times more usual on manipulated files than on untouched ones."
    )
    assert (
        shown.cards[0].strength == "Mäßiger Beleg: bei manipulierten Dateien etwa 10-mal so häufig wie bei unberührten."
    )


def test_json_is_the_same_in_every_language() -> None:
    assert render(report(), {}, "json", "de") == render(report(), {}, "json")
    with pytest.raises(LookupError, match="there is no language"):
        render(report(), {}, "html", "xx")


def test_what_is_left_out_of_a_long_text_is_counted_in_german_too() -> None:
    rows = (("EXIF: Artist", "x" * 25_000), ("EXIF: Model", "1 more characters"))
    whole = report(
        (Finding("metadata", Trace.PROVENANCE, "y" * 25_000, details=rows),),
        filename="n" * 500,
        path="",
        failed={"ela": "z" * 900},
    )
    shown = spoken(page(whole, {}), GERMAN)
    assert shown.title.endswith("n… (300 weitere Zeichen)") and shown.facts[0][1] == "n" * 500
    assert [text[-30:] for _, text in shown.cards[0].rows] == [
        "x" * 5 + "… (5.000 weitere Zeichen)",
        "1 more characters",
    ]
    assert shown.cards[0].summary.endswith("weitere Zeichen).")
    assert any(why.endswith("z… (400 weitere Zeichen)“") for _, why in shown.untested)
    assert "(24.600 weitere Zeichen)" in " ".join(text_of(render_pdf(whole, language_code="de")).split())
    assert "more characters)" not in render_html(whole, language_code="de")
