"""Time line of a video: what is planted is found at its time, clean clips and harmless causes stay quiet."""

from __future__ import annotations

import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from forensics.analyzers.timeline import Timeline
from forensics.analyzers.video import repeats
from forensics.analyzers.video.clock import clock
from forensics.analyzers.video.earlier import find_earlier
from forensics.analyzers.video.reel import Reel
from forensics.analyzers.video.structure import read_structure
from forensics.errors import MediaError
from forensics.finding import Finding
from forensics.media import Media
from forensics.media.tracks import Packets
from forensics.settings import Limits, ScanSettings
from tests.make_media import Pixels, clip, moving_scene, photo, png

FPS = 25
SMALL = {"width": 192, "height": 144}


def examine(path: Path, limits: Limits | None = None) -> list[Finding]:
    return list(Timeline(ScanSettings()).examine(Media.open(path, limits=limits)))


def one(findings: list[Finding], measure: str) -> Finding:
    (found,) = [f for f in findings if measure in f.measures]
    return found


def walker(seed: int, n: int, *, pace_px: float = 2.0, sway_px: float = 25.0) -> list[Pixels]:
    """A fixed camera; somebody walks through a textured room at an uneven pace, pace_px a frame on average."""
    rng = np.random.default_rng((seed, 5))
    room, coat = photo(seed, noise=0, **SMALL), photo(seed + 50, noise=0, width=48, height=64)
    place = np.cumsum(rng.uniform(0.3, 1.7, n)) * pace_px + 5
    frames = []
    for i in range(n):
        view = room.copy()
        x, y = int(place[i]) % 140, int(40 + sway_px * np.sin(i / 7.3))
        view[y : y + 64, x : x + 48] = coat
        noisy = view + rng.normal(0, 2.0, view.shape)
        frames.append(np.clip(np.rint(noisy), 0, 255).astype(np.uint8))
    return frames


def test_a_picture_is_skipped_with_a_reason() -> None:
    picture = Media.open(png(photo(1, width=128, height=96)))
    assert "single picture" in str(Timeline(ScanSettings()).skip_reason(picture))


@pytest.mark.parametrize(("codec", "bit_rate"), [("libx264", 600_000), ("libx265", 400_000), ("mpeg4", 900_000)])
def test_a_planted_repeat_is_found_at_both_times(tmp_path: Path, codec: str, bit_rate: int) -> None:
    frames = moving_scene(3, 70, **SMALL)
    path = clip(tmp_path / "twice.mp4", frames[:50] + frames[10:35] + frames[50:], codec=codec, bit_rate=bit_rate)
    finding = one(examine(path), "repeat_bits")
    assert finding.times_s == pytest.approx((10 / FPS, 50 / FPS), abs=1.5 / FPS)
    assert clock(finding.times_s[1]) in finding.summary and "second time" in finding.summary
    assert finding.measures["repeated_frames"] == pytest.approx(25, abs=2)


def test_a_repeat_is_found_where_only_a_person_moves(tmp_path: Path) -> None:
    frames = walker(4, 80)
    finding = one(examine(clip(tmp_path / "twice.mp4", frames[:60] + frames[20:45] + frames[60:])), "repeat_bits")
    assert finding.times_s[:2] == pytest.approx((20 / FPS, 60 / FPS), abs=3.5 / FPS)


def test_a_run_that_is_shown_backwards_is_found(tmp_path: Path) -> None:
    frames = moving_scene(5, 60, **SMALL)
    finding = one(examine(clip(tmp_path / "back.mp4", frames + frames[10:40][::-1])), "repeat_bits")
    assert "backwards" in finding.summary
    assert finding.times_s == pytest.approx((10 / FPS, 60 / FPS), abs=2.5 / FPS)


def test_a_loop_is_told_by_its_length(tmp_path: Path) -> None:
    finding = one(examine(clip(tmp_path / "loop.mp4", moving_scene(6, 25, **SMALL) * 4)), "repeat_bits")
    assert "repeats itself every 1.000 s" in finding.summary


def test_a_loop_that_runs_for_long_costs_no_more_a_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(20)
    once = rng.integers(0, 255, (40, 18, 32), dtype=np.uint8)
    compared = 0

    def counted(*pictures: Pixels) -> float:
        nonlocal compared
        compared += 1
        return distance(*pictures)

    distance = repeats._distance
    monkeypatch.setattr(repeats, "_distance", counted)
    (found,) = repeats.find_repeats(np.tile(once, (50, 1, 1)))
    assert (found.first, found.second, found.n_frames) == (0, 40, 1960)
    assert compared < 6 * 2000


@pytest.mark.parametrize("noise", [0.0, 2.0, 6.0])
def test_a_static_scene_is_no_repeat_and_does_not_stand_still(tmp_path: Path, noise: float) -> None:
    rng = np.random.default_rng(7)
    room = photo(7, noise=0, **SMALL)
    frames = [np.clip(room + rng.normal(0, noise, room.shape), 0, 255).astype(np.uint8) for _ in range(90)]
    findings = examine(clip(tmp_path / "static.mp4", frames))
    assert not one(findings, "repeat_bits").times_s
    assert not [f for f in findings if "held_frames" in f.measures]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_clean_clips_are_quiet(tmp_path: Path, seed: int) -> None:
    for make in (moving_scene, walker):
        frames = moving_scene(seed, 90, **SMALL) if make is moving_scene else walker(seed, 90)
        findings = examine(clip(tmp_path / f"{make.__name__}.mp4", frames))
        assert len(findings) == 2 and not any(f.times_s for f in findings)
        assert all(f.llr is None or f.llr <= 0 for f in findings)


def test_a_swing_that_comes_back_nearly_the_same_is_no_repeat(tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    wide = photo(8, noise=0, width=320, height=144).astype(np.float32)
    frames = []
    for i in range(120):
        shift = np.float32([[1, 0, -60 + 50 * np.sin(i / 5.37) + 0.3 * i], [0, 1, 2 * np.sin(i / 3.1)]])
        view = cv2.warpAffine(wide, shift, (192, 144), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
        frames.append(np.clip(view + rng.normal(0, 2, view.shape), 0, 255).astype(np.uint8))
    assert not one(examine(clip(tmp_path / "swing.mp4", frames)), "repeat_bits").times_s


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_dropped_frames_leave_a_gap_of_their_length(tmp_path: Path, ending: str) -> None:
    times = [i / FPS for i in range(63) if i not in (30, 31, 32)]
    path = clip(tmp_path / f"gap.{ending}", moving_scene(9, 60, **SMALL), times_s=times)
    finding = one(examine(path), "missing_frames")
    assert finding.measures["missing_frames"] == 3 and finding.measures["gaps"] == 1
    assert finding.times_s == pytest.approx((29 / FPS,), abs=0.002)
    assert "00:00:01.160" in finding.summary and "00:00:01.320" in finding.summary


def test_a_variable_rate_is_not_called_dropped(tmp_path: Path) -> None:
    rng = np.random.default_rng(10)
    times = np.cumsum(rng.choice([1 / 30, 1 / 15, 1 / 10, 1 / 24], 60)).tolist()
    finding = one(examine(clip(tmp_path / "vfr.mp4", moving_scene(10, 60, **SMALL), times_s=times)), "missing_frames")
    assert finding.measures["gaps"] == 0 and "variable" in finding.summary


def test_a_change_of_rate_is_not_called_dropped(tmp_path: Path) -> None:
    times = [i / 30 for i in range(40)] + [40 / 30 + i / 15 for i in range(20)]
    finding = one(examine(clip(tmp_path / "dim.mp4", moving_scene(11, 60, **SMALL), times_s=times)), "missing_frames")
    assert finding.measures["gaps"] == 0


def test_the_jitter_of_a_phone_hides_no_gap_and_makes_none(tmp_path: Path) -> None:
    rng = np.random.default_rng(12)
    even = [i / 30 + float(rng.uniform(-0.0015, 0.0015)) for i in range(62)]
    frames = moving_scene(12, 60, **SMALL)
    clean = one(examine(clip(tmp_path / "phone.mp4", frames, times_s=even[:60])), "gaps")
    assert clean.measures["gaps"] == 0
    gap = one(examine(clip(tmp_path / "gap.mp4", frames, times_s=even[:25] + even[27:])), "gaps")
    assert gap.measures["missing_frames"] == 2


def test_a_cut_is_found_at_its_frame(tmp_path: Path) -> None:
    path = clip(tmp_path / "cut.mp4", moving_scene(1, 30, **SMALL) + moving_scene(2, 37, **SMALL), gop=250)
    finding = one(examine(path), "cuts")
    assert finding.times_s == pytest.approx((30 / FPS,), abs=0.5 / FPS)
    assert finding.measures["cuts"] == 1 and finding.details[1][1].startswith("00:00:01.200")


def test_a_flash_is_no_cut(tmp_path: Path) -> None:
    frames = moving_scene(13, 60, **SMALL)
    frames[30] = np.clip(frames[30].astype(np.int16) + 110, 0, 255).astype(np.uint8)
    frames[45] = photo(99, **SMALL)
    assert not one(examine(clip(tmp_path / "flash.mp4", frames)), "cuts").times_s


def test_a_piece_taken_out_of_a_scene_is_a_jump(tmp_path: Path) -> None:
    frames = walker(14, 200, pace_px=0.3, sway_px=0.0)
    finding = one(examine(clip(tmp_path / "jump.mp4", frames[:40] + frames[160:])), "jumps")
    assert finding.measures == pytest.approx({"cuts": 0, "jumps": 1, "change": finding.measures["change"]})
    assert finding.times_s == pytest.approx((39 / FPS, 40 / FPS), abs=0.5 / FPS)


def test_a_held_frame_is_found_from_start_to_end(tmp_path: Path) -> None:
    frames = walker(15, 80)
    finding = one(examine(clip(tmp_path / "held.mp4", frames[:41] + [frames[40]] * 15 + frames[41:])), "held_frames")
    assert finding.times_s == pytest.approx((40 / FPS, 55 / FPS), abs=2.5 / FPS)


def test_a_change_of_frame_rate_is_told_by_its_beat(tmp_path: Path) -> None:
    frames = [f for i, f in enumerate(moving_scene(16, 64, **SMALL)) for f in [f] * (1 + (i % 4 == 3))]
    findings = examine(clip(tmp_path / "pulldown.mp4", frames, fps=30))
    assert (
        one(findings, "beat").summary.startswith("One of every 5 frames")
        and "24 frames" in one(findings, "beat").summary
    )
    assert not one(findings, "repeat_bits").times_s


def test_the_frames_of_given_moments_are_those_frames(tmp_path: Path) -> None:
    media = Media.open(clip(tmp_path / "scene.mp4", moving_scene(21, 60, **SMALL), gop=250))
    every = {frame.time_s: frame.pixels for frame in media.decoded_frames(side_px=192)}
    wanted = [t for i, t in enumerate(every) if i in (0, 17, 59)]
    found = media.moments([*wanted, 99.0], side_px=192, budget_s=30.0)
    assert sorted(found) == sorted(wanted)
    assert all(np.array_equal(found[t], every[t]) for t in wanted)
    assert media.moments(wanted, side_px=192, budget_s=0.0) == {}


def listed(n: int, keys: list[int], hidden: list[int]) -> Packets:
    place = np.arange(n)
    return Packets(
        place / 25,
        np.full(n, 900),
        np.isin(place, keys),
        np.isin(place, hidden),
        tick_s=0.001,
        n_untimed=0,
        n_promised=0,
        complete=True,
    )


def test_a_key_frame_out_of_turn_is_found_where_the_rest_keep_a_beat() -> None:
    structure = read_structure(listed(300, [*range(0, 130, 30), 137, *range(167, 300, 30)], []))
    assert structure.group == 30 and structure.odd_keys == (137,)
    assert read_structure(listed(300, [0, 17, 60, 99, 150, 180, 260], [])).group == 0


def test_frames_outside_the_edit_list_are_counted_on_both_sides() -> None:
    structure = read_structure(listed(100, [0], [0, 1, 2, 99]))
    assert (structure.n_hidden_start, structure.n_hidden_end) == (3, 1)


def pulsing(n: int, period: int, shift_at: int | None = None, shift: int = 0) -> Reel:
    """A reel whose fine change is noise with a pulse every `period` frames, late by `shift` from `shift_at` on."""
    rng = np.random.default_rng(22)
    place = np.arange(n)
    late = np.where(place >= (n if shift_at is None else shift_at), shift, 0)
    fine = (0.5 * np.exp(rng.normal(0, 0.15, n)) * np.where((place - late) % period == 0, 2.0, 1.0)).astype(np.float32)
    blank = np.zeros((n, 8, 8), np.uint8)
    return Reel(place / 25, blank, fine * 0, fine * 0 + 1, fine, ("P",) * n, ((8, 8),), True)


def test_the_pulse_of_an_earlier_encoder_is_found_with_its_period() -> None:
    earlier = find_earlier(pulsing(720, 12))
    assert earlier is not None and earlier.period == 12 and not earlier.breaks
    assert find_earlier(pulsing(720, 1)) is None


def test_frames_taken_out_before_the_last_encoding_put_the_pulse_out_of_step() -> None:
    earlier = find_earlier(pulsing(900, 12, shift_at=480, shift=5))
    assert earlier is not None
    (found,) = earlier.breaks
    assert found.n_off == 5 and found.after - 96 <= 480 <= found.before + 96


def test_a_cut_off_video_is_refused_or_examined_as_far_as_it_goes(tmp_path: Path) -> None:
    whole = clip(tmp_path / "whole.mkv", moving_scene(17, 60, **SMALL)).read_bytes()
    short = tmp_path / "short.mkv"
    short.write_bytes(whole[: len(whole) * 2 // 3])
    assert one(examine(short), "watched_frames").measures["watched_frames"] < 60
    indexed = tmp_path / "short.mp4"
    indexed.write_bytes(clip(tmp_path / "whole.mp4", moving_scene(17, 30, **SMALL)).read_bytes()[:-2000])
    with pytest.raises(MediaError):
        examine(indexed)


def test_a_file_that_ends_before_its_index_does_is_said_to_be_cut_off(tmp_path: Path) -> None:
    import av

    whole, front = clip(tmp_path / "whole.mp4", moving_scene(17, 60, **SMALL)), tmp_path / "front.mp4"
    with av.open(str(whole)) as source, av.open(str(front), "w", options={"movflags": "faststart"}) as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    assert not any(label == "Cut off" for label, _ in one(examine(front), "gaps").details)
    data = front.read_bytes()
    front.write_bytes(data[: len(data) // 2])
    finding = one(examine(front), "gaps")
    assert "as far as the container could be read" in finding.summary
    assert any(label == "Cut off" and text.startswith("60 frames are listed") for label, text in finding.details)


def test_damaged_packets_cost_frames_and_no_more(tmp_path: Path) -> None:
    data = bytearray(clip(tmp_path / "whole.mkv", moving_scene(18, 60, **SMALL)).read_bytes())
    rng = np.random.default_rng(18)
    for at in rng.integers(len(data) // 3, len(data) - 2000, 60):
        data[at] ^= int(rng.integers(1, 255))
    path = tmp_path / "damaged.mkv"
    path.write_bytes(bytes(data))
    assert one(examine(path), "watched_frames").measures["watched_frames"] > 0


def test_watching_keeps_its_share_of_the_time_and_says_so(tmp_path: Path) -> None:
    path = clip(tmp_path / "long.mp4", moving_scene(19, 60, **SMALL) * 15)
    started = time.monotonic()
    finding = one(examine(path, Limits(timeout_s=0.1)), "repeat_bits")
    assert time.monotonic() - started < 5
    assert finding.measures["watched_frames"] < 900 and "in the part that was watched, up to 00:00:" in finding.summary
