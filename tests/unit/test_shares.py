"""Shares of a container hold together what the whole holds: every file once, and copies seen as copies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from forensics.containers import InsideLimits
from forensics.containers.account import MAX_NAMES, Account, together
from forensics.containers.kinds import container_kind_of
from forensics.containers.member import Member
from forensics.containers.share import WHOLE, Share
from forensics.containers.unpacking import Unpacker
from forensics.errors import MediaError
from forensics.messages import Answer, Task
from forensics.outcome import Outcome
from forensics.pool import Pool
from forensics.ray_engine import shares
from forensics.ray_engine.shares import Shares
from forensics.settings import ScanSettings
from tests.make_containers import encrypted_zip, jpeg_stream, mail, mail_box, pdf, seven_zipped, tarred, zipped
from tests.make_media import jpeg, photo
from tests.make_tiffs import ASCII, LONG, SHORT, sheet, tiff
from tests.unit.failing_scanners import Scripted

WIDTH, HEIGHT = 64, 48
PICTURES = [jpeg(photo(seed, width=WIDTH, height=HEIGHT)) for seed in range(9)]
FILES = {f"{number}.jpg": data for number, data in enumerate(PICTURES)} | {
    "again/0.jpg": PICTURES[0],
    ".hidden.jpg": PICTURES[1],
    "notes.txt": b"some words",
    "short.txt": b"",
    "in.zip": zipped({"x.jpg": jpeg(photo(20, width=WIDTH, height=HEIGHT)), "words": b"more"}),
}


def seven(files: Mapping[str, bytes]) -> bytes:
    pytest.importorskip("py7zr", reason="the extra `archives` is not installed")
    return seven_zipped(files)


def portable(files: Mapping[str, bytes]) -> bytes:
    pytest.importorskip("pypdf", reason="the extra `archives` is not installed")
    pictures = [data for name, data in files.items() if name.endswith(".jpg")]
    broken = ("/Subtype /Image /Width 8 /Height 8 /Filter /FlateDecode", b"no deflated data")
    mask = ("/Subtype /Image /ImageMask true", b"\xff" * 8)
    return pdf([*(jpeg_stream(data, WIDTH, HEIGHT) for data in pictures), broken, mask])


def paged(files: Mapping[str, bytes]) -> bytes:
    """A page for each picture, the same strips of all sizes: only what is in them tells them apart."""
    pictures = [data for name, data in files.items() if name.endswith(".jpg")]
    lying = sheet(np.zeros((8, 8), np.uint8), tags={278: (SHORT, [8]), 279: (ASCII, b"no length\0")})
    small = sheet(np.ones((8, 8), np.uint8), tags={254: (LONG, [1])})
    sheets = [sheet(np.frombuffer(data[-1280:], np.uint8).reshape(32, 40)) for data in pictures]
    return tiff([*sheets, lying, small])


KINDS: Mapping[str, Callable[[Mapping[str, bytes]], bytes]] = {
    "zip": zipped,
    "encrypted zip": encrypted_zip,
    "tar": lambda files: tarred(files, links={"link": "0.jpg"}, devices=("device",)),
    "cut tar": lambda files: tarred(files)[:-20_000],
    "7z": seven,
    "mbox": lambda files: mail_box([mail({name: data}) for name, data in files.items()]),
    "pdf": portable,
    "tiff": paged,
}


def look(path: Path, share: Share, **limits: int) -> tuple[list[Member], Account, MediaError | None]:
    kind, found = container_kind_of(path), list[Member]()
    assert kind is not None
    scratch = path.with_name(f"{share.number}-{share.of}")
    unpacker = Unpacker(
        path, "", scratch, limits=InsideLimits(**limits), max_file_bytes=1 << 30, tell=found.append, share=share
    )
    account, error = unpacker.run(kind, path.name)
    n_files = sum(bool(member.number) for member in found)
    assert len([*scratch.iterdir()]) == n_files, "what is in other shares must not lie about"
    return found, account, error


def told(members: list[Member]) -> list[tuple[str, str, str]]:
    return sorted((member.name, member.sha256, member.code) for member in members)


@pytest.mark.parametrize("kind", KINDS)
def test_shares_have_every_file_once_and_their_accounts_are_that_of_the_whole(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "container"
    path.write_bytes(KINDS[kind](FILES))
    whole, account, error = look(path, WHOLE)
    parts = [look(path, Share(number, 3)) for number in range(3)]
    assert told([member for members, _, _ in parts for member in members]) == told(whole)
    joined = together([part for _, part, _ in parts])
    assert (joined.format, joined.n_files, joined.left_out) == (account.format, account.n_files, account.left_out)
    assert sorted(joined.names) == sorted(account.names)
    assert {str(part) for _, _, part in parts} == {str(error)}
    with_media = [members for members, _, _ in parts if any(member.number for member in members)]
    assert len(with_media) >= 2 or "encrypted" in kind, "one share has all"


def test_a_damaged_member_is_refused_by_one_share(tmp_path: Path) -> None:
    path = tmp_path / "c.zip"
    damaged = bytearray(zipped(FILES))
    damaged[damaged.find(b"4.jpg") + 300] ^= 0xFF
    path.write_bytes(damaged)
    refused = [name for n in range(4) for name, _, code in told(look(path, Share(n, 4))[0]) if code == "broken"]
    assert refused == ["4.jpg"]


def test_too_many_members_end_all_shares_at_the_same_one(tmp_path: Path) -> None:
    path = tmp_path / "c.tar"
    path.write_bytes(tarred({f"{number}.jpg": data for number, data in enumerate(PICTURES)}))
    whole, _, _ = look(path, WHOLE, max_members=5)
    parts = [look(path, Share(number, 2), max_members=5) for number in range(2)]
    assert told([member for members, _, _ in parts for member in members]) == told(whole)
    assert {error.code for _, _, error in parts if error is not None} == {"too-many-members"} and len(whole) == 5


@pytest.mark.parametrize(("number", "of"), [(2, 2), (-1, 2), (0, 0)])
def test_a_share_is_one_of_those_there_are(number: int, of: int) -> None:
    with pytest.raises(ValueError, match=f"a share is one of 0 to {of - 1}, not {number}"):
        Share(number, of)


@pytest.fixture
def archive(tmp_path: Path) -> Task:
    path = tmp_path / "c.zip"
    path.write_bytes(zipped(FILES))
    return Task(path, "c.zip", "c.zip", InsideLimits())


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Containers are parted however small they are."""
    monkeypatch.setattr(shares, "ZIP_SHARE_BYTES", 1)
    monkeypatch.setattr(shares, "STREAM_SHARE_BYTES", 1)


def parted(task: Task, n_stations: int) -> list[Share]:
    parts = [*Shares().parted(task, n_stations)]
    assert {replace(part, share=WHOLE) for part in parts} == {task}
    return [part.share for part in parts]


def test_only_what_is_large_is_parted_and_no_share_is_small(archive: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    size_bytes = archive.path.stat().st_size
    assert parted(archive, 8) == [WHOLE]
    monkeypatch.setattr(shares, "ZIP_SHARE_BYTES", size_bytes // 2)
    assert parted(archive, 8) == [Share(0, 2), Share(1, 2)]
    archive.path.write_bytes(tarred(FILES))
    assert parted(archive, 8) == [WHOLE]


@pytest.mark.usefixtures("small")
def test_what_is_read_from_end_to_end_has_a_share_a_station_and_what_is_not_has_more(archive: Task) -> None:
    assert len(parted(archive, 3)) == 3 * shares.ZIP_SHARES
    archive.path.write_bytes(tarred(FILES))
    assert len(parted(archive, 3)) == 3
    # It passes for a picture by its first bytes, and its pages lie where it says.
    archive.path.write_bytes(paged(FILES))
    assert len(parted(archive, 3)) == 3 * shares.ZIP_SHARES


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("data", [PICTURES[0], PICTURES[0][:20] + b"%PDF-1.7" + PICTURES[0][20:], b"words"])
def test_what_is_no_container_is_not_parted(data: bytes, archive: Task) -> None:
    archive.path.write_bytes(data)
    assert parted(archive, 3) == [WHOLE]


@pytest.mark.usefixtures("small")
def test_what_is_not_to_be_opened_or_is_not_there_is_not_parted(archive: Task) -> None:
    assert parted(replace(archive, inside=None), 3) == [WHOLE]
    archive.path.unlink()
    assert parted(archive, 3) == [WHOLE]


def ended(task: Task, account: Account | None, code: str = "", sha256: str = "") -> Outcome:
    error = MediaError(code, "some reason") if code else None
    return Outcome(task, None, None, {}, sha256, error, 1.0 + task.share.number, account)


@pytest.mark.usefixtures("small")
def test_a_container_has_ended_when_all_its_shares_have(archive: Task) -> None:
    gathered = Shares()
    first, second, third = (replace(archive, share=Share(number, 3)) for number in range(3))
    assert gathered.ended(ended(second, Account("zip", 4, {"link": 1}))) == []
    assert gathered.ended(ended(third, Account("zip", 2, {"link": 2, "hidden": 1}))) == []
    (whole,) = gathered.ended(ended(first, Account("zip", 1), sha256="ab"))
    assert whole.task == archive and whole.account == Account("zip", 7, {"link": 3, "hidden": 1})
    assert (whole.error, whole.sha256, whole.elapsed_s) == (None, "ab", 3.0)


def test_a_share_that_was_lost_makes_its_container_worth_another_try_whatever_became_of_others(archive: Task) -> None:
    gathered = Shares()
    gathered.ended(ended(replace(archive, share=Share(0, 2)), Account("tar", 4), "truncated"))
    (whole,) = gathered.ended(ended(replace(archive, share=Share(1, 2)), None, "crashed"))
    assert whole.error is not None and whole.error.code == "crashed" and whole.account == Account("tar", 4)


def test_other_files_have_ended_at_once(archive: Task) -> None:
    outcome = ended(archive, None)
    assert Shares().ended(outcome) == [outcome]


def test_accounts_together_name_no_more_than_one() -> None:
    accounts = [Account("zip", 0, {"link": MAX_NAMES}, (("name", "link"),) * MAX_NAMES)] * 2
    joined = together(accounts)
    assert len(joined.names) == MAX_NAMES and joined.left_out == {"link": 2 * MAX_NAMES}


def test_a_picture_that_took_the_place_of_a_parted_container_is_not_examined_once_a_share(archive: Task) -> None:
    archive.path.write_bytes(PICTURES[0])
    with Pool(ScanSettings(), build=Scripted) as pool:
        (outcome,) = pool.run([replace(archive, share=Share(1, 2))], lambda task, opened: Answer(scan=True))
    assert outcome.error is not None and outcome.error.code == "unreadable" and outcome.opened is None
