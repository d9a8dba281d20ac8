"""Clips as a whole: how frames look and change, learned one source at a time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.clip_features import GROUPS, chosen, features, seen
from detectors.clip_views import cut_clips
from detectors.data import Example
from detectors.probe import Probe
from detectors.temporal import STILL, TOO_FEW, TOO_SMALL, Temporal
from detectors.temporal_training import ClipSettings, train_temporal, usable
from detectors.token_features import BLOCKS, N_FEATURES, features_of, tokens_of, whole_picture
from detectors.vision_tower import WIDTH, Tokens
from generators.images import Pixels
from generators.weights import ModelCard
from tests.make_media import photo
from tests.unit.test_face import look

Clips = dict[Path, list[Pixels]]


class SharpnessTower:
    """Tokens that hold mean colour and sharpness of each patch."""

    def tokens(self, pixels: NDArray[np.uint8]) -> tuple[Tokens, ...]:
        """The same after each block."""
        return (look(pixels),) * len(BLOCKS)


TOWER = SharpnessTower()


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
    """Cameras shake, what is made glides and is green; eight sources of two clips, and four of two pictures."""
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
    for source in range(4):
        for i in range(2):
            path = folder / f"{source}-{i}.png"
            path.write_bytes(b"")
            seed = 200 + 10 * source + i
            examples.append(Example(path, source % 2, f"album {source}"))
            frames[path] = (made(seed) if source % 2 else shaking(seed, step=0))[:1]
    return examples, frames


@pytest.fixture(scope="module")
def trained(clips: tuple[list[Example], Clips], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ModelCard]:
    out = tmp_path_factory.mktemp("zoo")
    examples, frames = clips
    return out, train_temporal(examples, out, reader=lambda e: frames[e.path], tower=TOWER)


def sizes(frames: list[Pixels]) -> tuple[float, float]:
    """Mean sizes of first and second differences, beside the size of all changes."""
    found = seen(TOWER, frames)[N_FEATURES:]
    return float(found[:WIDTH].mean()), float(found[WIDTH:].mean())


def test_what_stands_still_does_not_change_and_what_grows_evenly_has_no_second_differences() -> None:
    still = [photo(1, width=128, height=96)] * 8
    fading = [np.full((96, 96, 3), 20 + 24 * i, np.uint8) for i in range(8)]
    assert sizes(still) == (0.0, 0.0)
    first, second = sizes(fading)
    assert first > 0.1 and second < 1e-4


def test_changes_tell_how_evenly_and_not_how_much_a_clip_changes() -> None:
    slow, fast = ([np.full((96, 96, 3), 20 + step * i, np.uint8) for i in range(8)] for step in (12, 24))
    uneven = [np.full((96, 96, 3), 20 + 24 * i + 12 * (i % 2), np.uint8) for i in range(8)]
    assert sizes(slow)[0] == pytest.approx(sizes(fast)[0], rel=0.1)
    assert sizes(uneven)[1] > 0.5 and sizes(fast)[1] < 1e-4


def test_eight_frames_are_looked_at_and_none_twice() -> None:
    assert chosen(8) == tuple(range(8)) and chosen(4) == (0, 1, 2, 3)
    assert len(chosen(16)) == 8 and (chosen(16)[0], chosen(16)[-1]) == (0, 15)


def test_looks_do_not_hang_on_the_order_of_frames_and_changes_do() -> None:
    frames = shaking(2, step=0)
    there, mixed = (seen(TOWER, list(f)) for f in (frames, [frames[i] for i in (0, 1, 6, 3, 2, 5, 4, 7)]))
    assert np.isfinite(there).all() and np.allclose(there[:N_FEATURES], mixed[:N_FEATURES], atol=1e-5)
    assert np.abs(there[N_FEATURES:] - mixed[N_FEATURES:]).max() > 1e-3


def test_a_clip_says_as_pictures_what_its_frames_say_on_average() -> None:
    frames, rng = shaking(3, step=5), np.random.default_rng(0)
    pictures = Probe(rng.normal(size=N_FEATURES).astype(np.float32), 0.5)
    row = features(seen(TOWER, frames)[None], pictures)
    each = pictures.logits(np.array([features_of(tokens_of(TOWER, frame)) for frame in frames]))
    assert row.shape == (1, GROUPS[-1].stop)
    assert row[0, GROUPS[-1]][0] == pytest.approx(each.mean(), rel=1e-4)
    tokens = [look(whole_picture(frame))[0, 0] for frame in frames]
    assert np.allclose(row[0, GROUPS[0]], np.mean(tokens, axis=0), atol=1e-5)


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

    first = cut_clips(TOWER, examples[:4], n_views=2, seed=1, reader=reader, cache=tmp_path)
    assert first.examples == (examples[0], examples[3]) and len(first.unread) == 2
    again = cut_clips(TOWER, [examples[0]], n_views=2, seed=1, reader=reader, cache=tmp_path)
    assert len(read) == 4 and np.array_equal(first.seen[0], again.seen[0])


def test_the_card_says_how_each_source_was_told_without_it(trained: tuple[Path, ModelCard]) -> None:
    card = trained[1]
    assert card.clips and card.claim == "synthetic" and card.data["fake: source 1"] == 2
    assert card.n_reals == 8, "clips, and no pictures"
    assert card.data["pictures, real: album 0"] == 2
    value = card.measures["one source left out, all clips, AUROC"]
    low, high = (card.measures[f"one source left out, all clips, AUROC, 95 % interval {x}"] for x in ("from", "to"))
    assert low <= value <= high <= 1.0 and value > 0.6
    assert card.measures["one source left out, t2v, AUROC"] == value


def test_a_trained_detector_tells_new_clips_of_the_kinds_it_saw(trained: tuple[Path, ModelCard]) -> None:
    detector = Temporal(trained[0], TOWER)
    fakes, reals = (
        [float(detector.score_clip(clip).fake[0]) for clip in clips]
        for clips in ([made(seed) for seed in (501, 502, 503)], [shaking(seed, step=12) for seed in (501, 502, 503)])
    )
    assert np.mean(fakes) > np.mean(reals) + 0.05


def test_stills_short_and_tiny_clips_are_not_judged(trained: tuple[Path, ModelCard]) -> None:
    detector = Temporal(trained[0], TOWER)
    assert detector.score([photo(1, width=96, height=96)] * 2).reasons == (STILL, STILL)
    frames = shaking(1, step=3)
    assert detector.score_clip(frames[:3]).reasons == (TOO_FEW,)
    assert detector.score_clip([frame[:48] for frame in frames]).reasons == (TOO_SMALL,)
    assert detector.score_clip(frames).reasons == (None,)


def test_edits_are_not_learned_from_and_no_source_has_too_many_clips(clips: tuple[list[Example], Clips]) -> None:
    examples, _ = clips
    edited = [Example(Path(name), 1, "edited", family="edit", is_video=name == "a.mp4") for name in ("a.mp4", "a.png")]
    assert usable([*examples, *edited], ClipSettings()) == tuple(examples)
    assert sum(e.is_video for e in usable(examples, ClipSettings(most=1))) == 8


def test_a_source_that_is_left_out_is_not_learned_from_as_pictures_either(clips: tuple[list[Example], Clips]) -> None:
    examples, _ = clips
    same = Example(Path("b.png"), 0, "source 0")
    assert usable([*examples, same], ClipSettings()) == tuple(examples)
    assert Example(Path("b.png"), 0, "album 9") in usable([*examples, replace(same, source="album 9")], ClipSettings())
    left = usable(examples, ClipSettings(left_out_sources=("album 0",)))
    assert {e.source for e in examples} - {e.source for e in left} == {"album 0"}


def test_both_classes_are_wanted_of_clips_and_of_pictures(clips: tuple[list[Example], Clips]) -> None:
    examples, _ = clips
    for is_video, what in ((True, "usable clips"), (False, "usable pictures")):
        with pytest.raises(ValueError, match=what):
            usable([e for e in examples if e.label or e.is_video is not is_video], ClipSettings())


def test_the_same_run_gives_the_same_weights(
    clips: tuple[list[Example], Clips], trained: tuple[Path, ModelCard], tmp_path: Path
) -> None:
    examples, frames = clips
    again = train_temporal(examples, tmp_path, reader=lambda e: frames[e.path], tower=TOWER)
    assert again.sha256 == trained[1].sha256
