"""Frames of a clip come evenly over its whole length, with true time stamps, upright."""

from __future__ import annotations

import io
import struct
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from forensics.errors import MediaError
from forensics.media import Kind, Media, videos
from forensics.media import video_sampling as sampling
from forensics.settings import Limits
from tests.make_files import VIDEO_CODECS, number_of, numbered, sound, video

RATE = 25
LONG = 480
"""More frames than are read through, so that the index is asked."""
STARTS_S = {"ts": 2 / RATE, "flv": 2 / RATE}
"""Their time stamps of decoding begin at 0: with frames out of order the first is shown two later."""


@pytest.fixture(scope="module")
def long_frames() -> list[np.ndarray]:
    return numbered(LONG)


def opened(data: bytes, n_frames: int = 16) -> Media:
    return Media.open(data, limits=Limits(n_frames=n_frames))


def assert_even(media: Media, *, start_s: float = 0.0, length_s: float = LONG / RATE, n: int = 16) -> None:
    """Frames lie in the middle of n equal parts, to within a frame, and are the frames of their time stamps."""
    times_s = [frame.time_s for frame in media.frames]
    wanted_s = start_s + (np.arange(n) + 0.5) / n * length_s
    assert len(times_s) == n
    assert np.abs(np.array(times_s) - wanted_s).max() <= 1.01 / RATE
    assert [frame.index for frame in media.frames] == list(range(n))
    for frame in media.frames:
        assert number_of(frame.pixels) == round((frame.time_s - start_s) * RATE) % 20


@pytest.mark.parametrize("fmt", list(VIDEO_CODECS))
def test_every_container_is_told_by_its_content_and_sampled_from_end_to_end(fmt: str) -> None:
    media = Media.open(video(numbered(50), fmt), name="wrong.jpg")
    assert (media.kind, media.format) == (Kind.VIDEO, fmt)
    assert (media.video.width, media.video.height, media.video.n_frames) == (96, 64, 50)
    assert media.video.duration_s == pytest.approx(2.0, abs=0.05)
    assert media.video.fps == pytest.approx(25) and not media.video.has_audio
    start_s = media.frames[0].time_s
    times = [round((frame.time_s - start_s) * RATE) for frame in media.frames]
    assert times == np.linspace(0, 49, 16).round().astype(int).tolist()
    # Several small frames of a program stream share one time stamp; the others are worked out.
    slack = (0, 1) if fmt == "mpg" else (0,)
    found = [number_of(frame.pixels) for frame in media.frames]
    assert all((time - number) % 20 in slack for time, number in zip(times, found, strict=True))
    assert media.frames[0].pixels[8, 8, 0] > 180 and not media.frames[0].pixels.flags.writeable


@pytest.mark.parametrize("fmt", ["mp4", "mkv", "webm"])
def test_time_stamps_of_a_variable_rate_are_the_true_ones(fmt: str) -> None:
    times_ms = np.cumsum(np.random.default_rng(1).integers(10, 400, 60)).tolist()
    media = opened(video(numbered(60), fmt, times_ms=times_ms))
    found_s = [frame.time_s for frame in media.decoded_frames(side_px=64)]
    assert np.allclose(found_s, np.array(times_ms) / 1000, atol=0.0011)
    assert all(number_of(f.pixels) == i % 20 for i, f in enumerate(media.decoded_frames(side_px=64)))


def test_a_variable_rate_is_sampled_evenly_in_time_and_not_in_frames() -> None:
    """40 frames in the first half second, then one every half second: samples must not bunch where the frames do."""
    times_ms = [12 * i for i in range(40)] + [500 * i for i in range(1, 16)]
    media = opened(video(numbered(55), "mkv", times_ms=times_ms))
    assert [frame.time_s for frame in media.frames] == [0.5 * i for i in range(16)]


@pytest.mark.parametrize("fmt", ["mp4", "mkv", "avi", "flv", "wmv"])
@pytest.mark.parametrize("gop", [10, 200, 1000])
def test_a_long_clip_is_sampled_evenly_however_far_apart_its_key_frames_lie(
    fmt: str, gop: int, long_frames: list[np.ndarray]
) -> None:
    assert_even(opened(video(long_frames, fmt, gop=gop)), start_s=STARTS_S.get(fmt, 0.0))


@pytest.mark.parametrize("gop", [10, 200, 1000])
def test_a_long_transport_stream_is_sampled_evenly_though_it_has_no_index(
    gop: int, long_frames: list[np.ndarray]
) -> None:
    media = opened(video(long_frames, "ts", gop=gop))
    assert media.video.n_frames == LONG
    assert_even(media, start_s=STARTS_S["ts"])


@pytest.mark.parametrize("fmt", ["mp4", "mkv"])
def test_a_clip_that_starts_late_is_sampled_over_its_own_length(fmt: str, long_frames: list[np.ndarray]) -> None:
    late = [100_000 + 40 * i for i in range(LONG)]
    media = opened(video(long_frames, fmt, times_ms=late, gop=60))
    assert media.video.duration_s == pytest.approx(LONG / RATE, abs=0.1)
    assert_even(media, start_s=100.0)


def test_a_program_stream_whose_time_begins_anew_again_and_again_has_frames() -> None:
    media = opened(video(numbered(32), "mpg", gop=10) * 22)
    assert media.video.n_frames == 32 * 22 and len(media.frames) > 1
    assert all(0 < frame.time_s < 32 / RATE + 1 for frame in media.frames)


@pytest.mark.parametrize(("fmt", "n"), [("webm", 60), ("mkv", LONG)])
def test_a_live_recording_without_length_or_index_is_sampled_to_its_end(fmt: str, n: int) -> None:
    media = opened(video(numbered(n), fmt, gop=50, seekable=False))
    assert media.video.duration_s == pytest.approx(n / RATE, abs=0.05)
    assert media.video.n_frames == n
    gaps_s = np.diff([frame.time_s for frame in media.frames])
    assert len(media.frames) == 16 and np.ptp(gaps_s) <= 2.01 / RATE
    assert media.frames[-1].time_s > (n / RATE) * 0.95


def test_a_fragmented_recording_is_sampled_evenly(long_frames: list[np.ndarray]) -> None:
    data = video(long_frames, "mp4", gop=50, options={"movflags": "frag_keyframe+empty_moov"})
    media = opened(data)
    assert len(media.frames) == 16
    assert np.ptp(np.diff([frame.time_s for frame in media.frames])) <= 2.01 / RATE


def test_sampling_decodes_only_what_it_needs(long_frames: list[np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    """With a key frame every 10 frames, 16 frames cost at most 11 each, and not all 480."""
    media = opened(video(long_frames, "mp4", gop=10))
    n_decoded = 0
    whole = videos.decoded

    def counted(container, stream):  # type: ignore[no-untyped-def]
        nonlocal n_decoded
        for frame in whole(container, stream):
            n_decoded += 1
            yield frame

    monkeypatch.setattr(sampling, "decoded", counted)
    assert len(media.frames) == 16
    assert 16 <= n_decoded <= 16 * 11


def test_decoding_is_bounded_where_key_frames_are_missing(
    long_frames: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Budget for 100 of 480 frames that hang on one key frame: still 16 frames, spread over what can be reached."""
    media = opened(video(long_frames, "mp4", gop=1000))
    monkeypatch.setattr(sampling, "MAX_DECODED_PIXELS", 100 * 96 * 64)
    times = [round(frame.time_s * RATE) for frame in media.frames]
    assert len(times) == 16 and times[-1] <= 100
    assert np.ptp(np.diff(times)) <= 1


@pytest.mark.parametrize(("rotation_deg", "corner"), [(90, "right top"), (180, "right bottom"), (270, "left bottom")])
def test_a_rotation_in_the_container_is_undone(rotation_deg: int, corner: str) -> None:
    media = opened(video(numbered(20), "mp4", rotation_deg=rotation_deg))
    assert media.video.rotation_deg == rotation_deg
    pixels = media.frames[0].pixels
    assert pixels.shape[:2] == (media.video.height, media.video.width)
    assert pixels.shape[:2] == ((64, 96) if rotation_deg == 180 else (96, 64))
    column, row = (0 if "left" in corner else -1), (0 if "top" in corner else -1)
    assert int(pixels[row, column, 0]) - int(pixels[row, column, 1]) > 100
    others = [(r, c) for r in (0, -1) for c in (0, -1) if (r, c) != (row, column)]
    assert all(abs(int(pixels[r, c, 0]) - int(pixels[r, c, 1])) < 30 for r, c in others)


def test_bytes_and_path_give_the_same_frames(tmp_path: Path) -> None:
    data = video(numbered(30), "mp4")
    (tmp_path / "a.png").write_bytes(data)
    disc, memory = Media.open(tmp_path / "a.png"), Media.open(data)
    assert disc.sha256 == memory.sha256 and disc.video == memory.video
    assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(disc.frames, memory.frames, strict=True))


def test_frames_are_shrunk_to_the_side_asked_for() -> None:
    media = Media.open(video(numbered(20)), limits=Limits(frame_side_px=48))
    assert {frame.pixels.shape for frame in media.frames} == {(32, 48, 3)}


def test_colours_survive_the_way_through_the_decoder() -> None:
    flat = [np.full((64, 96, 3), (200, 60, 30), np.uint8)] * 10
    media = opened(video(flat, "mp4"))
    assert np.abs(media.frames[3].pixels.astype(int) - (200, 60, 30)).max() <= 6


@pytest.mark.parametrize("share", [0.3, 0.7])
def test_a_recording_that_is_cut_off_gives_the_frames_before_the_cut(share: float) -> None:
    for fmt in ("mkv", "avi"):
        data = video(numbered(200), fmt)
        media = opened(data[: int(len(data) * share)])
        assert 1 <= len(media.frames) <= 16
        assert all(number_of(frame.pixels) == round(frame.time_s * RATE) % 20 for frame in media.frames), fmt


def test_an_mp4_that_ends_before_its_first_frame_is_said_to_be_cut_off() -> None:
    data = video(numbered(200), "mp4", options={"movflags": "frag_keyframe+empty_moov"})
    with pytest.raises(MediaError) as caught:
        opened(data[: data.index(b"mdat") + 8])
    assert caught.value.code == "truncated" and "cut off" in str(caught.value)


def test_an_mp4_without_its_index_is_no_crash() -> None:
    data = video(numbered(50), "mp4")
    with pytest.raises(MediaError, match="cannot be opened as a video"):
        opened(data[: data.index(b"moov") - 4])


@pytest.mark.parametrize("fmt", ["mp4", "mov"])
def test_sound_without_pictures_is_no_video(fmt: str) -> None:
    with pytest.raises(MediaError, match="sound and no video") as caught:
        Media.open(sound(fmt))
    assert caught.value.code == "not-media"


def test_a_claim_of_too_many_seconds_is_refused() -> None:
    with pytest.raises(MediaError) as caught:
        Media.open(video(numbered(50)), limits=Limits(max_duration_s=1.5))
    assert caught.value.code == "too-long" and "limit" in str(caught.value)
    with pytest.raises(MediaError) as caught:
        Media.open(video(numbered(60), "webm", seekable=False), limits=Limits(max_duration_s=1.5))
    assert caught.value.code == "too-long"


def test_a_claim_of_too_many_pixels_is_refused_before_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    data = video(numbered(20))
    monkeypatch.setattr(videos, "decoded", lambda *_: pytest.fail("a frame was decoded"))
    with pytest.raises(MediaError) as caught:
        Media.open(data, limits=Limits(max_pixels=96 * 64 - 1))
    assert caught.value.code == "too-many-pixels"


def test_a_header_that_claims_less_than_the_stream_holds_does_not_help() -> None:
    """The sample entry and the track say 16 x 16; the coded stream says 96 x 64 and is over the limit."""
    data = bytearray(video(numbered(20)))
    at = data.index(b"avc1", data.index(b"stsd"))
    data[at + 28 : at + 32] = struct.pack(">HH", 16, 16)
    with pytest.raises(MediaError):
        Media.open(bytes(data), limits=Limits(max_pixels=96 * 64 - 1))


def test_frames_that_grow_over_the_limit_later_on_are_left_out() -> None:
    """A stream that begins with 96 x 64 and goes on with 640 x 480, as a coded stream may."""
    import av

    def coded(width: int, height: int) -> list[bytes]:
        encoder = av.CodecContext.create("libx264", "w")
        encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
        encoder.time_base, encoder.max_b_frames = Fraction(1, RATE), 0
        frames = [
            av.VideoFrame.from_ndarray(pixels, format="rgb24") for pixels in numbered(10, width=width, height=height)
        ]
        for i, frame in enumerate(frames):
            frame.pts, frame.time_base = i, Fraction(1, RATE)
        return [bytes(packet) for frame in [*frames, None] for packet in encoder.encode(frame)]

    out = io.BytesIO()
    with av.open(out, "w", format="matroska") as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.codec_context.max_b_frames = 0
        container.start_encoding()
        for i, data in enumerate(coded(96, 64) + coded(640, 480)):
            packet = av.Packet(data)
            packet.stream, packet.pts, packet.dts, packet.time_base = stream, i, i, Fraction(1, RATE)
            packet.is_keyframe = i % 10 == 0
            container.mux(packet)
    found = {}
    for limit in (640 * 480, 640 * 480 - 1):
        source = io.BytesIO(out.getvalue())
        with videos.opened(source, "mkv", limit) as (container, stream):
            found[limit] = [(frame.width, frame.height) for frame in videos.decoded(container, stream)]
    assert found[640 * 480] == [(96, 64)] * 10 + [(640, 480)] * 10
    assert found[640 * 480 - 1] == [(96, 64)] * 10


def test_a_cover_picture_is_no_video() -> None:
    """A sound file with a cover: the cover is marked as an attached picture."""
    import av

    data = io.BytesIO(sound("mp4"))
    out = io.BytesIO()
    with av.open(data) as source, av.open(out, "w", format="mp4") as sink:
        cover = sink.add_stream("png", rate=1)
        cover.width, cover.height, cover.pix_fmt = 96, 64, "rgb24"
        cover.disposition = av.stream.Disposition.attached_pic
        copy = sink.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(audio=0):
            if packet.dts is not None:
                packet.stream = copy
                sink.mux(packet)
        sink.mux(cover.encode(av.VideoFrame.from_ndarray(numbered(1)[0], format="rgb24")))
        sink.mux(cover.encode(None))
    with pytest.raises(MediaError, match="sound and no video"):
        Media.open(out.getvalue())


def test_asking_a_video_for_the_bytes_of_an_image_is_refused() -> None:
    with pytest.raises(MediaError, match="stream"):
        _ = opened(video(numbered(5))).data
