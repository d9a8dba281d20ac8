"""Whatever bytes a container holds: unpacking ends with an account and at most a MediaError of one line each."""

from __future__ import annotations

import tempfile
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
from tests.properties.damage import PLACE, Change, changes, damaged
from tests.properties.sound import CONTAINER_KINDS, container

LIMITS = InsideLimits(max_depth=3, max_members=40, max_bytes=1 << 20)


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


ENDS = st.one_of(PLACE.map(lambda share: share / 20), PLACE.map(lambda share: 1 - share / 8 - 1e-9))
"""Tables of contents lie at either end."""


@pytest.mark.parametrize("kind", CONTAINER_KINDS)
@settings(max_examples=40, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(changes(ENDS, most=10))
def test_a_damaged_container_ends_with_an_account(kind: str, change: Change) -> None:
    if kind == "7z" and find_spec("py7zr") is None:
        pytest.skip("the extra `archives` is not installed")
    broken = damaged(container(kind), change)
    # Also where the first bytes are gone: a reader must not rely on them.
    known = kind.partition(" ")[0] if kind.startswith("tiff") else container_kind(container(kind)[:HEAD_BYTES])
    unpack(broken, container_kind(broken[:HEAD_BYTES]) or known or "zip")


@pytest.mark.parametrize("kind", READERS)
@settings(max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=300))
def test_arbitrary_bytes_end_with_an_account(kind: str, data: bytes) -> None:
    unpack(data, kind)
