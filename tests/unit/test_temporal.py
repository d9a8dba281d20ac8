"""Clips as a whole: how frames look and change, learned one source at a time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from detectors.clip_features import chosen, class_tokens, features
from detectors.clip_views import cut_clips
from detectors.data import Example
from detectors.temporal import STILL, TOO_FEW, TOO_SMALL, Temporal
from detectors.temporal_training import ClipSettings, train_temporal, usable_clips
from detectors.vision_tower import WIDTH
from generators.images import Pixels
from generators.weights import ModelCard
from tests.make_media import photo
from tests.unit.test_face import look

Clips = dict[Path, list[Pixels]]


def shaking(seed: int, *, step: int, n: int = 8) -> list[Pixels]:
    """A window that glides over a photo, `step` pixels off its path in every second frame."""
    wide = photo(seed, width=128 + 8 * n, height=112)
    shake = np.random.default_rng(seed).integers(0, step + 1, n)
    return [np.ascontiguousarray(wide[s : s + 96, 4 * i + s : 4 * i + s + 128]) for i, s in enumerate(shake)]


def made(seed: int) -> list[Pixels]:
    """A clip that glides and has a green cast."""
    return [np.clip(frame * (1, 1.25, 1), 0, 255).astype(np.uint8) for frame in shaking(seed, step=0)]


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Example], Clips]:
    """Cameras shake, what is made glides and is green; eight sources of two clips."""
    folder = tmp_path_factory.mktemp("clips")
    examples, frames = [], {}
    for source in range(8):
        for i in range(2):
            path = folder / f"{source}-{i}.mp4"
            path.write_bytes(b"")
            is_fake = source % 2
            family = "t2v" if is_fake else "-"
            examples.append(Example(path, is_fake, f"source {source}", family=family, is_video=True))
            frames[path] = made(10 * source + i) if is_fake else shaking(10 * source + i, step=12)
    return examples, frames


@pytest.fixture(scope="module")
def trained(clips: tuple[list[Example], Clips], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ModelCard]:
    out = tmp_path_factory.mktemp("zoo")
    examples, frames = clips
    return out, train_temporal(examples, out, reader=lambda e: frames[e.path], look=look)


def changes(frames: list[Pixels]) -> tuple[float, float]:
    """Mean sizes of first and second differences."""
    found = features(class_tokens(look, frames))
    return float(found[WIDTH : 2 * WIDTH].mean()), float(found[2 * WIDTH :].mean())


def test_what_stands_still_does_not_change_and_what_grows_evenly_has_no_second_differences() -> None:
    still = [photo(1, width=128, height=96)] * 8
    fading = [np.full((96, 96, 3), 20 + 24 * i, np.uint8) for i in range(8)]
    assert changes(still) == (0.0, 0.0)
    first, second = changes(fading)
    assert first > 0.1 and second < 1e-4


def test_four_frames_are_looked_at_however_many_there_are() -> None:
    assert chosen(8) == (0, 2, 4, 6) and chosen(4) == (0, 1, 2, 3)
    assert len(set(chosen(16))) == 4 and max(chosen(16)) < 16


def test_features_are_finite_and_hang_on_the_order_of_frames() -> None:
    frames = shaking(2, step=0)
    there, mixed = (
        features(class_tokens(look, list(f))) for f in (frames, [frames[i] for i in (0, 1, 6, 3, 2, 5, 4, 7)])
    )
    assert np.isfinite(there).all() and there.shape == (3 * WIDTH,)
    assert np.allclose(there[:WIDTH], mixed[:WIDTH], atol=1e-5) and np.abs(there - mixed).max() > 1e-3


def test_clips_are_read_once_and_broken_or_short_ones_are_named(
    clips: tuple[list[Example], Clips], tmp_path: Path
) -> None:
    examples, frames = clips
    read: list[Path] = []

    def reader(example: Example) -> list[Pixels]:
        read.append(example.path)
        if example is examples[2]:
            raise ValueError(f"{example.path} is broken")
        return frames[example.path][: 2 if example is examples[1] else None]

    first = cut_clips(look, examples[:4], n_views=1, seed=1, reader=reader, cache=tmp_path)
    assert first.examples == (examples[0], examples[3]) and len(first.unread) == 2
    again = cut_clips(look, [examples[0]], n_views=1, seed=1, reader=reader, cache=tmp_path)
    assert len(read) == 4 and np.array_equal(first.tokens[0], again.tokens[0])


def test_the_card_says_how_each_source_was_told_without_it(trained: tuple[Path, ModelCard]) -> None:
    card = trained[1]
    assert card.clips and card.claim == "synthetic" and card.data["fake: source 1"] == 2
    value = card.measures["one source left out, all clips, AUROC"]
    low, high = (card.measures[f"one source left out, all clips, AUROC, 95 % interval {x}"] for x in ("from", "to"))
    assert low <= value <= high <= 1.0 and value > 0.6
    assert card.measures["one source left out, t2v, AUROC"] == value


def test_a_trained_detector_tells_new_clips_of_the_kinds_it_saw(trained: tuple[Path, ModelCard]) -> None:
    detector = Temporal(trained[0], look)
    fakes, reals = (
        [float(detector.score_clip(clip).fake[0]) for clip in clips]
        for clips in ([made(seed) for seed in (501, 502, 503)], [shaking(seed, step=12) for seed in (501, 502, 503)])
    )
    assert np.mean(fakes) > np.mean(reals) + 0.05


def test_stills_short_and_tiny_clips_are_not_judged(trained: tuple[Path, ModelCard]) -> None:
    detector = Temporal(trained[0], look)
    assert detector.score([photo(1, width=96, height=96)] * 2).reasons == (STILL, STILL)
    frames = shaking(1, step=3)
    assert detector.score_clip(frames[:3]).reasons == (TOO_FEW,)
    assert detector.score_clip([frame[:48] for frame in frames]).reasons == (TOO_SMALL,)
    assert detector.score_clip(frames).reasons == (None,)


def test_edits_and_pictures_are_not_learned_from_and_no_source_has_too_many(
    clips: tuple[list[Example], Clips],
) -> None:
    examples, _ = clips
    others = [Example(Path("a.mp4"), 1, "edited", family="edit", is_video=True), Example(Path("a.png"), 0, "camera")]
    assert usable_clips([*examples, *others], ClipSettings()) == tuple(examples)
    assert len(usable_clips(examples, ClipSettings(most=1))) == 8
    with pytest.raises(ValueError, match="both"):
        usable_clips([e for e in examples if e.label], ClipSettings())


def test_the_same_run_gives_the_same_weights(
    clips: tuple[list[Example], Clips], trained: tuple[Path, ModelCard], tmp_path: Path
) -> None:
    examples, frames = clips
    again = train_temporal(examples, tmp_path, reader=lambda e: frames[e.path], look=look)
    assert again.sha256 == trained[1].sha256
