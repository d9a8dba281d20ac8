"""Whatever bytes a container holds: unpacking ends with an account and at most a MediaError of one line each."""

from __future__ import annotations

import tempfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forensics.containers import InsideLimits
from forensics.containers.kinds import container_kind
from forensics.containers.member import Member
from forensics.containers.unpacking import READERS, Unpacker, scratch_path
from forensics.errors import MediaError
from forensics.media.sniff import HEAD_BYTES
from tests.make_containers import (
    PACKERS,
    document,
    jpeg_stream,
    mail,
    mail_box,
    pdf,
    sample_stream,
    seven_zipped,
    tarred,
    zipped,
)
from tests.make_media import jpeg, photo

LIMITS = InsideLimits(max_depth=3, max_members=40, max_bytes=1 << 20)
KINDS = ("zip", "docx", "tar", "tar.gz", "tar.bz2", "tar.xz", "eml", "mbox", "pdf", "7z")


@cache
def whole(kind: str) -> bytes:
    """A sound container of a kind, with another one in it."""
    picture = jpeg(photo(1, width=32, height=24), 60)
    files = {"a.jpg": picture, "b/c.txt": b"text", "in.zip": zipped({"d.jpg": picture + b"x"})}
    if kind.startswith("tar"):
        data = tarred(files, links={"l": "a.jpg"})
        return data if kind == "tar" else PACKERS[kind.removeprefix("tar.")](data)
    made = {
        "zip": lambda: zipped(files),
        "docx": lambda: document("docx", files),
        "eml": lambda: mail(files),
        "mbox": lambda: mail_box([mail(files), mail({"e.jpg": picture + b"y"})]),
        "pdf": lambda: pdf([jpeg_stream(picture, 32, 24), sample_stream(bytes(32 * 24 * 3), 32, 24)]),
        "7z": lambda: seven_zipped(files),
    }
    return made[kind]()


def unpack(data: bytes, kind: str) -> None:
    """Unpack as a worker does, and check what it may say."""
    with tempfile.TemporaryDirectory() as folder:
        path, scratch, found = Path(folder) / "c", Path(folder) / "s", list[Member]()
        path.write_bytes(data)
        unpacker = Unpacker(path, "", scratch, limits=LIMITS, max_file_bytes=1 << 19, tell=found.append)
        account, error = unpacker.run(kind, "c")
        assert account.n_files + sum(account.left_out.values()) <= LIMITS.max_members + 1
        for member in found:
            assert bool(member.number) + bool(member.code) + (member.account is not None) >= 1
            assert "\n" not in member.message and member.code in ("", *MediaError.CODES)
        assert error is None or "\n" not in str(error)
        held = {scratch_path(scratch, member.number) for member in found if member.number}
        assert {*scratch.iterdir()} == held and sum(p.stat().st_size for p in held) <= LIMITS.max_bytes
        assert {*Path(folder).iterdir()} == {path, scratch}


@st.composite
def changes(draw: st.DrawFn) -> tuple[float, list[tuple[float, int]], tuple[float, int]]:
    """A share to keep, bytes to overwrite, and a run of bytes to repeat (negative: to drop); places are shares."""
    place = st.floats(0, 1, exclude_max=True)
    # Tables of contents lie at either end.
    edge = st.one_of(place.map(lambda share: share / 20), place.map(lambda share: 1 - share / 8 - 1e-9))
    value = st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]) | st.integers(0, 255)
    bytes_ = draw(st.lists(st.tuples(st.one_of(place, edge), value), max_size=10))
    return draw(st.one_of(st.just(1.0), place)), bytes_, draw(st.tuples(place, st.integers(-40, 40)))


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(changes())
def test_a_damaged_container_ends_with_an_account(
    kind: str, change: tuple[float, list[tuple[float, int]], tuple[float, int]]
) -> None:
    if kind == "7z" and find_spec("py7zr") is None:
        pytest.skip("the extra `archives` is not installed")
    keep, bytes_, (at, length) = change
    data = bytearray(whole(kind))
    for place, value in bytes_:
        data[int(place * len(data))] = value
    start = int(at * len(data))
    if length > 0:
        data[start:start] = data[start : start + length]
    else:
        del data[start : start - length]
    damaged = bytes(data[: int(keep * len(data)) + 1])
    # Also where the first bytes are gone: a reader must not rely on them.
    unpack(damaged, container_kind(damaged[:HEAD_BYTES]) or container_kind(whole(kind)[:HEAD_BYTES]) or "zip")


@pytest.mark.parametrize("kind", READERS)
@settings(max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=300))
def test_arbitrary_bytes_end_with_an_account(kind: str, data: bytes) -> None:
    unpack(data, kind)
